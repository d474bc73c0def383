"""Effects of the axes of a sweep, interactions made from known effects, and the answer."""

import numpy as np
import pytest

from assets.statistics.best_against_rest import answer, best_against_rest
from assets.statistics.effects import INTERACTIONS, axis_values, effects, interactions, shares
from assets.statistics.leaderboard import rank

pytest_plugins = ["tests.assets.toy_sweep"]

FIRST, SECOND = [list(values) for values in zip(*[(a, b) for a in "xyz" for b in "pq"] * 3, strict=True)]
A, B = (np.array([{v: k for k, v in enumerate(sorted(set(g)))}[v] for v in g], float) for g in (FIRST, SECOND))


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


def test_the_answer_names_the_first_and_says_what_is_inconclusive(toy_experiment):
    board = rank(toy_experiment)
    against = best_against_rest(toy_experiment, board)
    text = answer(toy_experiment, board, against)
    assert len(against) == 2 and not against["significant"].any()
    assert text.startswith("width ") and "ranks first with step_error" in text and "comparison is inconclusive" in text
    assert "paired t-test of logarithms over seeds and trajectories" in text


def test_effects_that_add_up_do_not_interact():
    part = shares(2 * A + 5 * B, FIRST, SECOND)
    assert part["share_both"] == pytest.approx(1) and part["interaction"] == pytest.approx(0)
    assert part["share_first"] + part["share_second"] == pytest.approx(1)


def test_an_effect_that_turns_with_the_other_axis_is_all_interaction():
    part = shares((A - 1) * (2 * B - 1), FIRST, SECOND)
    assert part["interaction"] == pytest.approx(1) and part["share_both"] == pytest.approx(0)


def test_noise_is_the_rest():
    noise = np.random.default_rng(0).normal(size=len(A))
    part = shares(3 * A + noise, FIRST, SECOND)
    assert 0.5 < part["share_first"] < 1 and part["interaction"] < 0.2


def test_every_two_axes_of_a_sweep_but_seeds_have_a_row(toy_experiment):
    table = interactions(toy_experiment)
    assert list(table.columns) == list(INTERACTIONS)
    assert list(zip(table["first"], table["second"], strict=True)) == [("model.width", "recipe")]
    assert 0 <= table["interaction"].iloc[0] <= 1
