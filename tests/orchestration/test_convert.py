"""A file of the older format, converted, runs."""

from pathlib import Path

import pytest

from tests.orchestration.conftest import copy_project
from tests.two_body.test_older_format import block

pytestmark = pytest.mark.launch

SHORTER = {"steps_strategy: [[3000]]": "steps_strategy: [[2]]", "complex_TBP_planar_4": "complex_TBP_planar_1"}


def test_run_takes_a_converted_file(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    text = block("20").read_text()
    for old, new in SHORTER.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "old.yaml").write_text(text)
    (tmp_path / "sweeps/two_body").mkdir(parents=True)
    project.orrery("convert", "old.yaml", "--dated", "2025-11-05", "-o", "sweeps/two_body/new.yaml")
    assert "trained 1, evaluated 1, cached 0, failed 0" in project.orrery("run", "two_body/new")
