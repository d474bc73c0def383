"""Paired comparisons: what is found, what cannot be, and the correction for how many are made."""

import math

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from assets.statistics.best_against_rest import answer, rivals
from assets.statistics.effects import axis_values, compare_samples, effects, holm, pairs_needed, verdict
from assets.statistics.intervals import Sample
from assets.statistics.leaderboard import rank

pytest_plugins = ["tests.assets.toy_sweep"]


def sides(pairs, factor, noise=0.05, trajectories=20):
    rng = np.random.default_rng(1)
    base = np.exp(rng.normal(size=(pairs, 1)) + 0.3 * rng.normal(size=(1, trajectories)))
    weights = np.ones((pairs, trajectories))
    return [[Sample(base * scale * np.exp(noise * rng.normal(size=base.shape)), weights)] for scale in (1.0, factor)]


def test_a_real_difference_is_found_beneath_a_larger_spread_between_pairs():
    told = compare_samples(*sides(8, 0.8))
    assert (told["pairs"], told["better_b"], told["scale"]) == (8, 8, "ratio")
    assert told["low"] < 0.8 < told["high"] < 1
    assert told["p"] == pytest.approx(2 / 2**8)


def test_no_difference_is_none():
    told = compare_samples(*sides(8, 1.0))
    assert told["low"] < 1 < told["high"]
    assert told["p"] > 0.05


def test_swapping_the_sides_inverts_the_effect():
    first, second = sides(5, 0.7)
    there, back = compare_samples(first, second), compare_samples(second, first)
    assert there["effect"] * back["effect"] == pytest.approx(1)
    assert there["p"] == pytest.approx(back["p"])


def test_what_is_not_positive_is_compared_by_differences():
    first, second = ([Sample(np.array([[-1.0], [2.0], [3.0]]) + shift, np.ones((3, 1)))] for shift in (0, 0.5))
    told = compare_samples(first, second)
    assert (told["scale"], told["effect"], told["better_b"]) == ("difference", 0.5, 0)


def test_three_pairs_cannot_decide_and_the_verdict_says_how_many_can():
    told = compare_samples(*sides(3, 0.1, noise=0.0)) | {"a": "x", "b": "y", "p_holm": 0.25}
    assert told["p"] == 0.25
    assert verdict(told, 1) == "cannot be told: needs 6 pairs or more"
    assert verdict(told | {"p_holm": 0.01}, 1) == "y is better"
    assert verdict(told | {"pairs": 0}, 1) == "no pair of rows that are ok"


@pytest.mark.parametrize("comparisons", [1, 3, 6, 45])
def test_the_pairs_that_are_needed_are_enough_and_fewer_are_not(comparisons):
    needed = pairs_needed(comparisons)
    assert comparisons * 2 / 2**needed < 0.05 <= comparisons * 2 / 2 ** (needed - 1)


def test_holm_corrects_by_rank_and_never_less_than_benjamini_and_hochberg():
    p = np.array([0.01, 0.04, math.nan, 0.03, 0.005])
    corrected = holm(p)
    assert np.allclose(corrected, [0.03, 0.06, math.nan, 0.06, 0.02], equal_nan=True)
    known = ~np.isnan(p)
    assert (corrected[known] >= false_discovery_control(p[known]) - 1e-12).all()


def test_every_axis_but_seeds_is_compared_with_the_rest_held_equal(toy_experiment):
    table = effects(toy_experiment)
    assert list(zip(table["axis"], table["a"], table["b"], strict=True)) == [
        ("model.width", 2, 6), ("recipe", "plain", "unvalidated"), ("recipe", "plain", "wild"),
        ("recipe", "unvalidated", "wild"),
    ]  # fmt: skip
    assert list(table["pairs"]) == [3, 1, 0, 0], "equal seeds and equal other axes, both rows ok"
    width = table.iloc[0]
    assert width["low"] <= width["effect"] <= width["high"]
    assert table["verdict"].iloc[2] == "no pair of rows that are ok"


def test_an_axis_is_told_with_best_median_and_interval_together(toy_experiment):
    table = axis_values(toy_experiment).set_index(["axis", "value"])
    width = table.loc[("model.width", 2)]
    assert width["runs"] == 4 and width["best"] <= width["median"]
    assert width["low"] <= width["mean"] <= width["high"]
    assert 0 <= width["importance"] <= 1
    assert table.loc[("recipe", "wild"), "runs"] == 0


def test_the_answer_names_the_first_and_says_what_cannot_be_told(toy_experiment):
    board = rank(toy_experiment)
    against = rivals(toy_experiment, board)
    text = answer(toy_experiment, board, against)
    assert len(against) == 2 and not against["told"].any()
    assert text.startswith("width ") and "ranks first with step_error" in text and "cannot be told" in text
    assert "at least 7 can" in text
