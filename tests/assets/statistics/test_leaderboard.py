"""The leaderboard of a sweep: settings over their seeds, what is wrong said where the rank is."""

import math

import numpy as np
import pandas as pd
import pytest

from assets.statistics import leaderboard
from assets.statistics.leaderboard import best_of, markdown, rank
from assets.statistics.sweep_table import sweep_table

pytest_plugins = ["tests.assets.toy_sweep"]


@pytest.fixture(scope="module")
def rows(toy_experiment):
    return rank(toy_experiment)


def one(rows, recipe, width, test="test"):
    chosen = rows[(rows["recipe"] == recipe) & (rows["model.width"] == width) & (rows["test"] == test)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_seeds_are_one_row_with_the_mean_of_their_headlines(rows, toy_experiment):
    table = sweep_table(toy_experiment.sweep, toy_experiment.store)
    chosen = table[(table["recipe"] == "plain") & (table["model.width"] == 2) & (table["test"] == "test")]
    row = one(rows, "plain", 2)
    assert row["seeds"] == len(chosen) == 3
    assert np.isclose(row["mean"], chosen["step_error"].mean(), rtol=1e-12)
    assert row["low"] < row["mean"] < row["high"]
    assert row["keys"].split() == list(chosen["hash"])
    assert row["unit"] == "m" and row["metric"] == "step_error"


def test_the_score_is_over_test_sets_without_the_training_set(rows):
    means = [one(rows, "plain", 2, test)["mean"] for test in ("test", "few")]
    assert np.isclose(one(rows, "plain", 2)["score"], np.mean(means), rtol=1e-12)


def test_what_failed_has_no_rank_and_comes_last(rows):
    wild = rows[rows["recipe"] == "wild"]
    assert set(wild["rank"]) == {""} and set(wild["status"]) == {"1 diverged"}
    assert list(rows["rank"])[-len(wild) :] == [""] * len(wild)
    assert wild[["mean", "low", "high", "score"]].isna().all(axis=None)
    ranked = rows[rows["rank"] != ""].drop_duplicates("keys")
    assert list(ranked["rank"]) == ["1", "2", "3"] and ranked["score"].is_monotonic_increasing


def test_a_setting_of_which_one_seed_failed_has_no_rank_and_no_better_mean(toy_experiment, monkeypatch):
    lost = toy_experiment.settings[0].rows[1]
    known = type(toy_experiment).status
    monkeypatch.setattr(
        type(toy_experiment), "status", lambda self, row: "diverged" if row is lost else known(self, row)
    )
    rows = rank(toy_experiment)
    row = one(rows, "plain", 2)
    assert (row["rank"], row["status"], row["seeds"]) == ("", "2 ok, 1 diverged", 2)


def test_doubts_stand_beside_the_rank(rows):
    assert one(rows, "plain", 2)["marks"] == ""
    assert one(rows, "unvalidated", 2)["marks"] == "one seed; no validation"
    assert one(rows, "plain", 2, "few")["marks"] == "train = test"
    assert one(rows, "plain", 2, "train")["marks"] == "train = test"


def test_training_and_test_stand_side_by_side_with_the_gap(rows):
    row, train = one(rows, "plain", 2), one(rows, "plain", 2, "train")
    assert row["train"] == train["mean"]
    assert np.isclose(row["gap"], row["mean"] - train["mean"]) and train["gap"] == 0


def test_the_best_of_each_value_of_an_axis_can_be_kept(rows, toy_experiment):
    best = best_of(rows, toy_experiment.sweep, "width", 1)
    assert len(best.drop_duplicates("keys")) == 2
    assert set(best["model.width"]) == {2, 6} and set(best["rank"]) <= {"1", "2", "3"}
    with pytest.raises(LookupError, match=r"given --group-by depth; expected one of: model\.width, recipe"):
        best_of(rows, toy_experiment.sweep, "depth", 1)


def test_exported_tables_say_what_they_are_of(toy_experiment):
    board = leaderboard.write(toy_experiment)
    exported = pd.read_csv(board.path / "leaderboard.csv")
    for frame in (exported, pd.read_parquet(board.path / "leaderboard.parquet")):
        assert {"model.width", "recipe", "keys", "dataset", "test", "test_dataset", "code", "metric"} <= set(frame)
    assert exported["code"].str.fullmatch(r"[0-9a-f]{8}/[0-9a-f]{8}")[:9].all()
    text = (board.path / "leaderboard.md").read_text()
    assert "## Test set few" in text and "step_error" in text and "Does &lt;width" not in text.splitlines()[2]
    assert board.failed == 2


def test_markdown_is_not_broken_by_what_a_configuration_says(toy_experiment, rows):
    text = markdown(rows.assign(recipe="a|b <i>"), toy_experiment.sweep, toy_experiment.study)
    assert "a\\|b &lt;i&gt;" in text


def test_a_sweep_that_has_not_run_is_a_table_of_what_is_missing(toy_experiment, tmp_path):
    from assets.statistics.experiment import Experiment
    from assets.store.store import Store

    rows = rank(Experiment(toy_experiment.sweep, Store(tmp_path)))
    assert set(rows["rank"]) == {""}
    assert one(rows, "plain", 2)["status"] == "3 missing"
    assert math.isnan(one(rows, "plain", 2)["mean"])
