"""Two sweeps that share their models and differ in their test sets."""

import pytest

from tests.faults.conftest import project
from tests.faults.project import PlainProject

__all__ = ["project"]


@pytest.mark.launch
def test_a_sweep_is_run_while_the_test_sets_of_another_one_are_missing(project: PlainProject) -> None:
    one = project.sweep("one", axes="model.seed: [0, 1]")
    two = project.sweep("two", axes="model.seed: [0, 1]")
    path = project.root / f"sweeps/{two}.yaml"
    path.write_text(path.read_text().replace("tests: [test]", "tests: [test, {other: {trajectories: 3, seed: 77}}]"))
    assert "trained 2, evaluated 2, cached 0, failed 0" in project.orrery("run", one)
    assert "trained 0, evaluated 0, cached 2, failed 0" in project.orrery("run", one)
    assert "trained 0, evaluated 2, cached 0, failed 0" in project.orrery("run", two)
    assert "trained 0, evaluated 0, cached 2, failed 0" in project.orrery("run", one)
