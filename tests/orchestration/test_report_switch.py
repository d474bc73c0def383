"""`orrery run --no-report` makes everything but the report, and ends well."""

import pytest

from tests.faults.conftest import project
from tests.faults.project import PlainProject

__all__ = ["project"]


def test_without_a_report_all_else_is_made(project: PlainProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORRERY_REPORT", "on")
    name = project.sweep(axes="model.seed: [0]")
    output = project.orrery("run", name, "--no-report")
    assert "trained 1, evaluated 1, cached 0, failed 0" in output and "report:" not in output
    stored = {path.name for path in (project.home / "store/plain").iterdir()}
    assert stored == {"dataset", "segments", "model", "evaluation", "leaderboard"}
