"""Paired comparisons: differences that are found, those that are inconclusive, and the correction for their number."""

import math

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from assets.statistics.intervals import Sample
from assets.statistics.paired_comparison import compare_samples, holm, pairs_needed, verdict


def sides(pairs, factor, noise=0.05, trajectories=20):
    rng = np.random.default_rng(1)
    base = np.exp(rng.normal(size=(pairs, 1)) + 0.3 * rng.normal(size=(1, trajectories)))
    weights = np.ones((pairs, trajectories))
    return [[Sample(base * scale * np.exp(noise * rng.normal(size=base.shape)), weights)] for scale in (1.0, factor)]


def test_a_real_difference_is_found_beneath_a_larger_spread_between_pairs():
    comparison = compare_samples(*sides(8, 0.8))
    assert (comparison["pairs"], comparison["better_b"], comparison["scale"]) == (8, 8, "ratio")
    assert comparison["low"] < 0.8 < comparison["high"] < 1
    assert comparison["p"] == pytest.approx(2 / 2**8)


def test_no_difference_is_none():
    comparison = compare_samples(*sides(8, 1.0))
    assert comparison["low"] < 1 < comparison["high"]
    assert comparison["p"] > 0.05


def test_swapping_the_sides_inverts_the_effect():
    first, second = sides(5, 0.7)
    there, back = compare_samples(first, second), compare_samples(second, first)
    assert there["effect"] * back["effect"] == pytest.approx(1)
    assert there["p"] == pytest.approx(back["p"])


def test_what_is_not_positive_is_compared_by_differences():
    first, second = ([Sample(np.array([[-1.0], [2.0], [3.0]]) + shift, np.ones((3, 1)))] for shift in (0, 0.5))
    comparison = compare_samples(first, second)
    assert (comparison["scale"], comparison["effect"], comparison["better_b"]) == ("difference", 0.5, 0)


def test_three_pairs_cannot_decide_and_the_verdict_says_how_many_can():
    comparison = compare_samples(*sides(3, 0.1, noise=0.0)) | {"a": "x", "b": "y", "p_holm": 0.25}
    assert comparison["p"] == 0.25
    assert verdict(comparison, 1) == "inconclusive: needs at least 6 pairs"
    assert verdict(comparison | {"p_holm": 0.01}, 1) == "y is better"
    assert verdict(comparison | {"pairs": 0}, 1) == "no pair of rows that are ok"


@pytest.mark.parametrize("comparisons", [1, 3, 6, 45])
def test_the_pairs_that_are_needed_are_enough_and_fewer_are_not(comparisons):
    needed = pairs_needed(comparisons)
    assert comparisons * 2 / 2**needed < 0.05 <= comparisons * 2 / 2 ** (needed - 1)


def test_holm_corrects_by_rank_and_never_less_than_benjamini_and_hochberg():
    p = np.array([0.01, 0.04, math.nan, 0.03, 0.005])
    corrected = holm(p)
    assert np.allclose(corrected, [0.03, 0.06, math.nan, 0.06, 0.02], equal_nan=True)
    is_number = ~np.isnan(p)
    assert (corrected[is_number] >= false_discovery_control(p[is_number]) - 1e-12).all()
