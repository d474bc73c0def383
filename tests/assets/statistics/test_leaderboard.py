"""The leaderboard of a sweep: settings over their seeds, what is wrong said where the rank is."""

import math

import numpy as np
import pytest

from assets.statistics.experiment import Experiment
from assets.statistics.intervals import Sample
from assets.statistics.leaderboard import best_of, how_ranked, rank
from assets.statistics.sweep_table import sweep_table
from assets.store.store import Store

pytest_plugins = ["tests.assets.toy_sweep"]


@pytest.fixture(scope="module")
def rows(toy_experiment):
    return rank(toy_experiment)


def one(rows, recipe, width, test="test"):
    selection = rows[(rows["recipe"] == recipe) & (rows["model.width"] == width) & (rows["test"] == test)]
    assert len(selection) == 1
    return selection.iloc[0]


def test_seeds_are_one_row_with_the_geometric_mean_of_their_headlines(rows, toy_experiment):
    table = sweep_table(toy_experiment.sweep, toy_experiment.store)
    selection = table[(table["recipe"] == "plain") & (table["model.width"] == 2) & (table["test"] == "test")]
    row = one(rows, "plain", 2)
    assert row["seeds"] == len(selection) == 3
    assert np.isclose(row["mean"], np.exp(np.log(selection["step_error"]).mean()), rtol=1e-12)
    assert row["low"] < row["mean"] < row["high"]
    assert row["keys"].split() == list(selection["hash"])
    assert row["unit"] == "m" and row["metric"] == "step_error"


def test_the_score_is_over_test_sets_without_the_training_set(rows, toy_experiment):
    table = toy_experiment.table
    selection = table[(table["recipe"] == "plain") & (table["model.width"] == 2) & table["test"].isin(["test", "few"])]
    by_seed = selection.groupby("hash")["step_error"].mean()
    assert np.isclose(one(rows, "plain", 2)["score"], np.exp(np.log(by_seed).mean()), rtol=1e-12)


def test_what_failed_has_no_rank_and_comes_last(rows):
    wild = rows[rows["recipe"] == "wild"]
    assert set(wild["rank"]) == {""} and set(wild["status"]) == {"1 diverged"}
    assert list(rows["rank"])[-len(wild) :] == [""] * len(wild)
    assert wild[["mean", "low", "high", "score"]].isna().all(axis=None)
    ranked = rows[rows["rank"] != ""].drop_duplicates("keys")
    assert list(ranked["rank"]) == ["1", "2", "3"] and ranked["score"].is_monotonic_increasing


def test_a_setting_of_which_one_seed_failed_has_no_rank_and_no_better_mean(toy_experiment, monkeypatch):
    experiment, status = Experiment(toy_experiment.sweep, toy_experiment.store), Experiment.status
    bad = experiment.settings[0].rows[1]
    monkeypatch.setattr(Experiment, "status", lambda self, row: "diverged" if row is bad else status(self, row))
    rows = rank(experiment)
    row = one(rows, "plain", 2)
    assert (row["rank"], row["status"], row["seeds"]) == ("", "2 ok, 1 diverged", 2)


def test_caveats_stand_beside_the_rank(rows):
    assert one(rows, "plain", 2)["caveats"] == ""
    assert one(rows, "unvalidated", 2)["caveats"] == "one seed; no validation"
    assert one(rows, "plain", 2, "few")["caveats"] == "train = test"
    assert one(rows, "plain", 2, "train")["caveats"] == "train = test"


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


def test_a_sweep_that_has_not_run_is_a_table_of_what_is_missing(toy_experiment, tmp_path):
    rows = rank(Experiment(toy_experiment.sweep, Store(tmp_path)))
    assert set(rows["rank"]) == {""}
    assert one(rows, "plain", 2)["status"] == "3 missing"
    assert math.isnan(one(rows, "plain", 2)["mean"])


def test_a_row_that_loses_against_the_baseline_says_so(toy_experiment, monkeypatch):
    record = Experiment.record
    worse = {"baseline": 1e-6}
    monkeypatch.setattr(Experiment, "record", lambda self, row, test: record(self, row, test) | worse)
    rows = rank(Experiment(toy_experiment.sweep, toy_experiment.store))
    assert one(rows, "plain", 2)["caveats"] == "worse than the baseline"
    assert one(rows, "wild", 2)["caveats"] == "", "a setting without a usable row has no caveat"
    worse["baseline"] = one(rows, "unvalidated", 2)["mean"]
    rows = rank(Experiment(toy_experiment.sweep, toy_experiment.store))
    assert "worse" not in one(rows, "unvalidated", 2)["caveats"], "equal to the baseline is not worse"


def with_failed(monkeypatch, failed):
    """Let the setting `plain, 2` fail on some trajectories, and its errors on the others be tiny."""
    sample = Experiment.samples

    def samples(self, rows, *rest, **named):
        found = sample(self, rows, *rest, **named)
        if not rows or (rows[0].axes["recipe"], rows[0].axes["model.width"]) != ("plain", 2):
            return found
        values = [np.full(x.values.shape, 1e-9) for x in found]
        for array in values:
            array[:, :failed] = np.nan
        return [Sample(array, x.weights) for array, x in zip(values, found, strict=True)]

    monkeypatch.setattr(Experiment, "samples", samples)


@pytest.mark.parametrize(("failed", "place"), [(0, "1"), (1, "3")])
def test_a_setting_does_not_rank_first_by_failing_on_hard_trajectories(toy_experiment, monkeypatch, failed, place):
    with_failed(monkeypatch, failed)
    rows = rank(Experiment(toy_experiment.sweep, toy_experiment.store))
    row = one(rows, "plain", 2)
    assert row["rank"] == place and row["failed"] == 3 * failed
    assert ("3 of 12 trajectories failed" in row["caveats"]) == bool(failed)


def test_a_row_of_the_table_says_whether_it_is_worse_than_the_baseline(toy_experiment):
    table = toy_experiment.table
    ok = table[table["status"] == "ok"]
    assert list(ok["worse_than_baseline"]) == list(ok["step_error"] > ok["baseline"])
    assert not table.loc[table["status"] != "ok", "worse_than_baseline"].any()


def test_a_leaderboard_is_ranked_once_per_experiment_and_equal_states_rank_alike(toy_experiment):
    first, second = (Experiment(toy_experiment.sweep, toy_experiment.store) for _ in range(2))
    assert rank(first) is rank(first) and rank(second) is not rank(first)
    assert first.state == second.state and rank(first).equals(rank(second))


def test_the_state_of_an_experiment_follows_the_store(toy_experiment, tmp_path):
    assert Experiment(toy_experiment.sweep, Store(tmp_path)).state != toy_experiment.state


def test_another_metric_ranks_with_its_own_unit_and_name(toy_experiment):
    name = "baseline"
    assert toy_experiment.metrics == ("step_error", "baseline")
    experiment = Experiment(toy_experiment.sweep, toy_experiment.store, metric=name)
    rows = rank(experiment)
    table = experiment.table
    selection = table[(table["recipe"] == "plain") & (table["model.width"] == 2) & (table["test"] == "test")]
    assert one(rows, "plain", 2)["mean"] == pytest.approx(selection[name].mean())
    assert set(rows["metric"]) == {name} and f"Ranked by {name}, its mean" in how_ranked(experiment)
    assert "worse than the baseline" not in " ".join(rows["caveats"]), "the baseline is a value of the headline"
    with pytest.raises(LookupError, match=r"given the metric 'stepp_error'; the nearest that .* has: step_error"):
        Experiment(toy_experiment.sweep, toy_experiment.store, metric="stepp_error")


def test_a_column_of_spread_ranks(toy_experiment):
    experiment = Experiment(toy_experiment.sweep, toy_experiment.store, column="iqr")
    rows = rank(experiment)
    ranked = rows[(rows["rank"] != "") & rows["test"].isin(experiment.tests)]
    means = ranked.groupby("rank", sort=False)["iqr"].mean()
    assert list(means.index) == ["1", "2", "3"] and means.is_monotonic_increasing
    assert np.allclose(means, ranked.drop_duplicates("keys")["ranks_by"])
    assert "Ranked by the iqr of step_error" in how_ranked(experiment)
    with pytest.raises(LookupError, match="given the column 'spread'; expected one of: mean, low, high, median, iqr"):
        rank(Experiment(toy_experiment.sweep, toy_experiment.store, column="spread"))


def test_trajectories_that_train_and_validate_are_a_caveat(toy_experiment, monkeypatch):
    experiment = Experiment(toy_experiment.sweep, toy_experiment.store)
    record = Experiment.record
    leak = {"leaking_trajectories": 2, "leaking_cars": 0}
    monkeypatch.setattr(Experiment, "record", lambda self, row, test: record(self, row, test) | leak)
    assert one(rank(experiment), "plain", 2)["caveats"] == "trajectories in training and validation"
