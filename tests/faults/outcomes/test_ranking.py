"""Numbers that are none: never ranked, never averaged, counted; and a sweep in which nothing works has its tables."""

import math

import numpy as np
import pandas as pd
import pytest

from assets.report.stored_leaderboard import write
from assets.statistics.experiment import Experiment
from assets.statistics.sweep_table import sweep_table
from assets.sweeps.sweep import Sweep
from assets.sweeps.sweep_file import load_sweep
from tests.faults.pipeline import make
from tests.faults.project import SWEEP, PlainProject
from tests.plain_study import STUDY, evaluate
from tests.plain_study.config import PRESETS

FRACTIONS = "model.train_fraction: [0.5, 0.75, 1.0]"
SPOILED = 0.75
DIVERGING = "model.phases[0].learning_rate: [10.0, 12.0]"


def few(tmp_path, tests: str = "test") -> Sweep:
    path = tmp_path / "sweeps/plain/few.yaml"
    path.parent.mkdir(parents=True)
    text = SWEEP.format(axes=FRACTIONS, pause=0.0, phases="[{steps: 60}]", dataset="few")
    path.write_text(text.replace("tests: [test]", f"tests: [{tests}]"))
    return load_sweep(path, tmp_path / "sweeps")


def make_all(store, sweep: Sweep) -> list[str]:
    return [outcome.status for items in sweep.items().values() for outcome in make(store, *items)]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_headline_that_is_no_number_is_never_ranked_and_counted(plain, tmp_path, number, monkeypatch) -> None:
    """Every one of its evaluations is ok: only what it measured is not finite."""
    sweep, apply = few(tmp_path), evaluate.apply
    spoiled = {SPOILED: lambda y: y * number}
    monkeypatch.setattr(evaluate, "apply", lambda c, trained: spoiled.get(c.train_fraction, apply(c, trained)))
    assert set(make_all(plain, sweep)) == {"ok"}
    board = write(Experiment(sweep, plain))
    assert board.rows["rank"].tolist() == ["1", "2", ""]
    assert board.rows["model.train_fraction"].tolist()[2] == SPOILED and set(board.rows["status"]) == {"ok"}
    assert board.rows["mean"].notna().tolist() == [True, True, False]
    assert ["1 not finite" in caveats for caveats in board.rows["caveats"]] == [False, False, True]
    (spoiled_row,) = [row for row in sweep.rows if row.configuration.model.train_fraction == SPOILED]
    manifest = plain.manifest(*spoiled_row.evaluations[0].address)
    assert [value for name, value in manifest["numbers"].items() if "step_error" in name] == [None]


def test_one_test_set_that_fails_is_enough_to_lose_the_rank(plain, tmp_path, monkeypatch) -> None:
    sweep, apply = few(tmp_path, "test, few"), evaluate.apply

    few_states = STUDY.simulate(PRESETS["few"]).y

    def fails_on_few(config, trained):
        step = apply(config, trained)

        def fails(y):
            if np.array_equal(y, few_states[:, :-1]):
                raise ValueError("no rollout")
            return step(y)

        return fails if config.train_fraction == SPOILED else step

    monkeypatch.setattr(evaluate, "apply", fails_on_few)
    assert len(PRESETS) == 2 and make_all(plain, sweep).count("failed") == 1
    board = write(Experiment(sweep, plain))
    firsts = board.rows.iloc[::2]
    assert firsts["status"].tolist() == ["ok", "ok", "1 failed"] and board.failed == 1
    assert firsts["rank"].tolist() == ["1", "2", ""] and firsts["mean"].isna().tolist() == [False, False, True]


def test_a_sweep_in_which_everything_fails_ends_with_one_and_typed_tables(project: PlainProject) -> None:
    name = project.sweep(axes=DIVERGING, phases="[{steps: 200}]")
    output = project.orrery("run", name, code=1)
    assert "trained 0, evaluated 0, cached 0, failed 2" in output
    (path,) = (project.home / "store/plain/leaderboard").glob("*/leaderboard.parquet")
    board = pd.read_parquet(path)
    numbers = board[["score", "score_low", "score_high", "mean", "low", "high", "median", "iqr", "worst"]]
    assert board["rank"].tolist() == ["", ""] and set(board["status"]) == {"1 diverged"}
    assert set(map(str, numbers.dtypes)) == {"float64"} and numbers.isna().all().all()


def test_the_whole_table_of_an_empty_store_is_typed(plain, tmp_path) -> None:
    table = sweep_table(few(tmp_path), plain)
    assert set(table["status"]) == {"missing"}
    assert table["step_error"].dtype == float and table["train_seconds"].dtype == float
