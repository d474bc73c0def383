"""The best settings as a sweep file: the same models, to be evaluated on more."""

import pytest
from typer.testing import CliRunner

from assets.report.best_as_sweep import best_as_sweep
from assets.stages.freshness import plan_sweep
from assets.statistics.leaderboard import best_of, rank
from assets.sweeps.sweep_file import load_sweep
from orchestration.cli import app

pytest_plugins = ["tests.assets.toy_sweep"]


@pytest.fixture(scope="module")
def board(toy_experiment):
    return rank(toy_experiment)


def test_the_best_of_every_value_are_the_same_models_and_nothing_is_due(toy_experiment, board, tmp_path):
    best = best_of(board, toy_experiment.sweep, "width", 1)
    path = tmp_path / "best.yaml"
    path.write_text(best_as_sweep(best, toy_experiment.sweep))
    sweep = load_sweep(path)
    assert {row.configuration.item.hash for row in sweep.rows} == set(" ".join(best["keys"]).split())
    verdicts = plan_sweep(sweep, toy_experiment.store)
    assert {verdict.state for layer in verdicts.values() for verdict in layer} == {"fresh"}


def test_a_further_test_set_is_evaluated_and_nothing_is_trained(toy_experiment, board, tmp_path):
    path = tmp_path / "more.yaml"
    text = best_as_sweep(best_of(board, toy_experiment.sweep, "width", 1), toy_experiment.sweep)
    path.write_text(text.replace('"tests": [', '"tests": [{"other": {"trajectories": 3, "seed": 77}},'))
    verdicts = plan_sweep(load_sweep(path), toy_experiment.store)
    assert all(verdict.state == "fresh" for verdict in (*verdicts["segments"], *verdicts["model"]))
    assert sum(verdict.due for verdict in verdicts["evaluation"]) == len(verdicts["model"])


def test_the_command_writes_it_once(toy_experiment, tmp_path):
    path = tmp_path / "best.yaml"
    command = ["table", str(toy_experiment.sweep.path), "--group-by", "width", "--save", str(path)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert len(load_sweep(path).rows) == 6
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 2 and "exists" in again.stderr
    bare = CliRunner().invoke(app, ["table", str(toy_experiment.sweep.path), "--save", str(tmp_path / "x.yaml")])
    assert bare.exit_code == 2 and "--group-by" in bare.stderr
