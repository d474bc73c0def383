"""A search from the command line: run, gone on with, shown, promoted; its trials are kept."""

import csv
import io
import json

import pytest

from tests.homes import begin_home
from tests.orchestration.conftest import Project, copy_project

pytestmark = pytest.mark.launch

TUNE = """
study: preference_dynamics
description: How wide?
tests: [{{small: {{trajectories: 6, seed: 7}}}}]
base:
  dataset: {{trajectories: 40, seed: 42}}
  model: {{kind: cnn, epochs: 4, hidden: [4], batch_size: 16}}
search:
  objective: validation_loss
  trials: {trials}
  space:
    model.filters: {{list: {{integer: [2, 5]}}, length: [1, 2]}}
    model.kernels: {{list: {{choice: [3, 5]}}, length: model.filters}}
    model.learning_rate: {{log_uniform: [1e-3, 1e-2]}}
"""

NAME = "preference_dynamics/tune"


def write(project: Project, trials: int) -> None:
    folder = project.root / "sweeps" / "preference_dynamics"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tune.yaml").write_text(TUNE.format(trials=trials))


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project with a search of three trials that has run."""
    project = copy_project(tmp_path_factory.mktemp("tuned"))
    begin_home(project.home)
    write(project, 3)
    assert "0 of 3 trials (none yet)" in project.orrery("plan", NAME)
    output = project.orrery("run", NAME, "--cpus", "1")
    assert "3 trials in this run. Trial" in output and "trial 2: ok, validation_loss" in output
    return project


def answer_of(project: Project, *command: str) -> dict:
    return json.loads(project.orrery(*command, "--json"))


def test_a_run_that_finds_nothing_to_do_does_nothing_and_more_trials_go_on(tuned: Project) -> None:
    before = answer_of(tuned, "plan", NAME)
    assert (before["to_begin"], before["to_go_on"], before["due"]) == (0, 0, [])
    assert before["states"] == {"ok": 3} and before["models"] == {"fresh": 3}
    assert "0 trials in this run" in tuned.orrery("run", NAME)
    write(tuned, 4)
    assert answer_of(tuned, "plan", NAME)["to_begin"] == 1
    assert answer_of(tuned, "run", NAME)["trials"] == 1
    (status,) = answer_of(tuned, "status", NAME)["searches"]
    assert (status["trials"], status["wanted"], status["states"]) == (4, 4, {"ok": 4})


def test_the_best_trial_is_promoted_to_a_sweep_that_trains_nothing(tuned: Project) -> None:
    best = answer_of(tuned, "plan", NAME)["best"]
    assert "tune_best.yaml" in tuned.orrery("promote", NAME)
    plan = answer_of(tuned, "plan", f"{NAME}_best")
    assert {item["state"] for item in plan["items"]} == {"fresh"}
    (promoted,) = (item["key"] for item in plan["items"] if item["layer"] == "model")
    assert best["key"].rpartition("-")[2].startswith(promoted.rpartition("-")[2])
    assert "trained 0, evaluated 0, cached 1, failed 0" in tuned.orrery("run", f"{NAME}_best")


def test_what_is_shown_of_a_search(tuned: Project) -> None:
    rows = list(csv.DictReader(io.StringIO(tuned.orrery("table", NAME, "--csv"))))
    assert {row["status"] for row in rows} == {"ok"} and all(float(row["validation_loss"]) > 0 for row in rows)
    assert all(len(json.loads(row["model.filters"])) == len(json.loads(row["model.kernels"])) for row in rows)
    report = answer_of(tuned, "report", NAME)
    assert report["answer"].startswith("Trial ")
    assert "no row failed" in tuned.orrery("failures", NAME)
    assert tuned.orrery("replay", f"preference_dynamics/{rows[0]['hash']}")


def test_what_trials_need_is_not_cleaned_up(tuned: Project) -> None:
    kinds = {one["kind"] for one in answer_of(tuned, "gc", "--unused", "--older", "0")["found"]}
    assert not {kind for kind in kinds if kind.startswith("unused")}
    path = tuned.root / "sweeps" / "preference_dynamics" / "tune.yaml"
    text = path.read_text()
    path.unlink()
    kinds = {one["kind"] for one in answer_of(tuned, "gc", "--unused", "--older", "0")["found"]}
    path.write_text(text)
    assert "unused model" in kinds


def test_a_command_for_sweeps_says_what_to_do_with_a_search(tuned: Project) -> None:
    assert f"{NAME} is a search; expected a sweep" in tuned.orrery("diff", f"{tuned.root}/sweeps/{NAME}.yaml", code=2)
    assert "--only-failed is for sweeps" in tuned.orrery("run", NAME, "--only-failed", code=2)
    tuned.orrery("promote", NAME)
    assert "expected a search" in tuned.orrery("promote", f"{NAME}_best", code=2)
