"""Fixtures of the tests of sweeps; a test module takes them by naming this one in `pytest_plugins`."""

from textwrap import dedent

import pytest

from assets.sweeps.sweep_file import load_sweep
from assets.sweeps.yaml_loader import SweepError
from tests.assets.sweep_study import STUDY
from trainers import STUDIES


@pytest.fixture
def paper(monkeypatch):
    """Register the study of configurations alone."""
    monkeypatch.setitem(STUDIES, STUDY.name, STUDY)
    return STUDY


@pytest.fixture
def sweep(tmp_path):
    """Load a sweep from its text."""

    def load(text, name="one"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(dedent(text))
        return load_sweep(path)

    return load


@pytest.fixture
def problems(sweep, tmp_path):
    """Return the problems of a sweep that is refused."""

    def refused(text):
        with pytest.raises(SweepError) as caught:
            sweep(text)
        assert all("\n" not in line for line in caught.value.problems)
        return [line.removeprefix(f"{tmp_path}/") for line in caught.value.problems]

    return refused
