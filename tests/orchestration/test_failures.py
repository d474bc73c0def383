"""A bad configuration never stops the rest, and bad input ends before anything starts."""

import pytest

from tests.homes import begin_home
from tests.orchestration.conftest import Project, copy_project

pytestmark = pytest.mark.launch

MIXED = """
study: two_body
description: One good, one impossible and one diverging configuration.
tests: [complex_planar_1_test]
base:
  dataset: {orbits: 2, points: 36}
  model: {width: 4, depth: 1}
vary:
  case:
    good: {model: {phases: [{steps: 20, segment_length: 6}]}}
    impossible: {model: {phases: [{steps: 20, segment_length: 60}]}}
    diverging:
      model:
        output_layer: mlp_4D_logmag_exp
        phases: [{steps: 200, segment_length: 6, learning_rate: 10.0}]
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("mixed"))
    begin_home(project.home)
    (project.root / "sweeps/two_body").mkdir(parents=True)
    (project.root / "sweeps/two_body/mixed.yaml").write_text(MIXED)
    return project


def test_all_others_finish_and_settled_failures_are_not_repeated(mixed: Project) -> None:
    text = mixed.orrery("run", "two_body/mixed", code=1)
    assert "trained 1, evaluated 1, cached 0, failed 2" in text
    assert "skipped:zero_segments" in text
    assert "diverged" in text
    causes = mixed.orrery("failures", "two_body/mixed")
    assert "model.phases[0].segment_length is at least 60, all others at most 6" in causes
    again = mixed.orrery("run", "two_body/mixed", code=1)
    assert "trained 0, evaluated 0, cached 1, failed 2" in again
    states = [item["state"] for item in mixed.plan("two_body/mixed")["items"] if item["layer"] == "model"]
    assert sorted(states) == ["fresh", "settled", "settled"]


BAD = {  # more of them in tests/faults/inputs/test_sweep_files.py
    "unknown key": ("width: 4", "witdh: 4", "width"),
    "window": ("segment_length: 6", "window: [0.5, 0.5]", "window"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_with_two_before_anything_starts(mixed: Project, case: str) -> None:
    old, new, word = BAD[case]
    mixed.write_sweep("bad")
    mixed.edit("sweeps/two_body/bad.yaml", old, new)
    text = mixed.orrery("run", "two_body/bad", code=2)
    assert word in text
    assert "bad.yaml:" in text
    assert "Traceback" not in text
    assert len([line for line in text.splitlines() if line.strip()]) == 1


def test_an_unknown_name_lists_the_nearest(mixed: Project) -> None:
    mixed.write_sweep("bad", heads="mlp_4D_singed")
    assert "mlp_4D_signed" in mixed.orrery("plan", "two_body/bad", code=2)


def test_a_broken_file_does_not_take_the_others_down(mixed: Project) -> None:
    mixed.write_sweep("bad", heads="mlp_4D_singed")
    assert mixed.plan("two_body/mixed")["configurations"] == 3


def test_an_unreadable_store_is_one_clear_line(mixed: Project, tmp_path) -> None:
    blocked = tmp_path / "home"
    blocked.write_text("not a folder")
    project = Project(mixed.root)
    environment = project.environment | {"ORRERY_HOME": str(blocked), "DAGSTER_HOME": str(blocked / "dagster")}
    project.__class__ = type("Blocked", (Project,), {"environment": property(lambda self: environment)})
    text = project.orrery("run", "two_body/mixed", code=2)
    assert "Traceback" not in text
