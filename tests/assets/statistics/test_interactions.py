"""Shares of the variance of scores that were made from known effects."""

import numpy as np
import pytest

from assets.statistics.interactions import COLUMNS, interactions, shares

pytest_plugins = ["tests.assets.toy_sweep"]

FIRST, SECOND = [list(values) for values in zip(*[(a, b) for a in "xyz" for b in "pq"] * 3, strict=True)]
A, B = (np.array([{v: k for k, v in enumerate(sorted(set(g)))}[v] for v in g], float) for g in (FIRST, SECOND))


def test_effects_that_add_up_do_not_interact():
    told = shares(2 * A + 5 * B, FIRST, SECOND)
    assert told["share_both"] == pytest.approx(1) and told["interaction"] == pytest.approx(0)
    assert told["share_first"] + told["share_second"] == pytest.approx(1)


def test_an_effect_that_turns_with_the_other_axis_is_all_interaction():
    told = shares((A - 1) * (2 * B - 1), FIRST, SECOND)
    assert told["interaction"] == pytest.approx(1) and told["share_both"] == pytest.approx(0)


def test_noise_is_the_rest():
    noise = np.random.default_rng(0).normal(size=len(A))
    told = shares(3 * A + noise, FIRST, SECOND)
    assert 0.5 < told["share_first"] < 1 and told["interaction"] < 0.2


def test_every_two_axes_of_a_sweep_but_seeds_have_a_row(toy_experiment):
    table = interactions(toy_experiment)
    assert list(table.columns) == list(COLUMNS)
    assert list(zip(table["first"], table["second"], strict=True)) == [("model.width", "recipe")]
    assert 0 <= table["interaction"].iloc[0] <= 1
