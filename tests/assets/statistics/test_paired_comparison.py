"""Paired comparisons: differences that are found, those that are inconclusive, and the correction for their number."""

import math

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from assets.statistics.intervals import Sample
from assets.statistics.paired_comparison import compare_samples, holm, is_decided, verdict
from tests.assets.statistics.coverage import NOISES, decided


def sides(pairs, factor, noise=0.05, trajectories=20):
    rng = np.random.default_rng(1)
    base = np.exp(rng.normal(size=(pairs, 1)) + 0.3 * rng.normal(size=(1, trajectories)))
    weights = np.ones((pairs, trajectories))
    return [[Sample(base * scale * np.exp(noise * rng.normal(size=base.shape)), weights)] for scale in (1.0, factor)]


def test_a_real_difference_is_found_beneath_a_larger_spread_between_pairs():
    comparison = compare_samples(*sides(8, 0.8))
    assert (comparison["pairs"], comparison["better_b"], comparison["scale"]) == (8, 8, "ratio")
    assert comparison["low"] < 0.8 < comparison["high"] < 1
    assert comparison["p_permutation"] == pytest.approx(2 / 2**8) and comparison["p"] < 0.01


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


def test_a_setting_nine_times_better_in_three_of_three_seeds_is_better():
    comparison = compare_samples(*sides(3, 1 / 9, noise=0.2)) | {"a": "x", "b": "y"}
    assert comparison["p_permutation"] == 0.25
    assert verdict(comparison | {"p_holm": 3 * comparison["p"]}) == "y is better"


def test_verdicts_in_words():
    row = {"pairs": 3, "scale": "ratio", "effect": 2.0, "p_holm": 0.01, "p_permutation": 0.25, "a": "x", "b": "y"}
    assert verdict(row) == "x is better"
    assert verdict(row | {"p_holm": 0.06}) == "inconclusive"
    assert verdict(row | {"pairs": 1, "p_holm": math.nan}) == "inconclusive: one seed"
    assert verdict(row | {"pairs": 0}) == "no pair of rows that are ok"


def test_from_six_pairs_on_the_permutation_test_has_to_agree():
    row = {"pairs": 5, "p_holm": 0.01, "p_permutation": 0.0625}
    assert is_decided(row)
    assert not is_decided(row | {"pairs": 6}) and is_decided(row | {"pairs": 6, "p_permutation": 0.03125})
    ends = {"scale": "ratio", "effect": 2.0, "a": "x", "b": "y"}
    assert verdict(row | ends | {"pairs": 6}) == "inconclusive: the permutation test disagrees"


def test_sides_are_compared_on_the_trajectories_on_which_both_are_finite():
    first, second = (side[0].values.copy() for side in sides(4, 0.5, noise=0.0))
    second[:, 0] = np.nan
    first[:, 0] *= 1e6
    comparison = compare_samples(*([Sample(values, np.ones_like(values))] for values in (first, second)))
    assert comparison["effect"] == pytest.approx(0.5)


@pytest.mark.parametrize("noise", NOISES)
def test_equal_settings_are_rarely_declared_different(noise):
    made = decided(1.0, NOISES[noise], 3, trials=300)
    assert made.for_a + made.for_b <= 0.09


@pytest.mark.exhaustive
@pytest.mark.timeout(900)
@pytest.mark.parametrize("pairs", [3, 5, 10])
@pytest.mark.parametrize("noise", NOISES)
def test_errors_and_power_of_comparisons(noise, pairs):
    alone, of_three = (decided(1.0, NOISES[noise], pairs, comparisons=count) for count in (1, 3))
    assert alone.for_a + alone.for_b <= 0.065 and of_three.for_a + of_three.for_b <= 0.065 / 3 + 0.01
    nine = decided(1 / 9, NOISES[noise], pairs, comparisons=3)
    assert nine.for_b > 0.9 and nine.for_a == 0
    assert pairs > 5 or nine.by_permutation == 0


def test_holm_corrects_by_rank_and_never_less_than_benjamini_and_hochberg():
    p = np.array([0.01, 0.04, math.nan, 0.03, 0.005])
    corrected = holm(p)
    assert np.allclose(corrected, [0.03, 0.06, math.nan, 0.06, 0.02], equal_nan=True)
    is_number = ~np.isnan(p)
    assert (corrected[is_number] >= false_discovery_control(p[is_number]) - 1e-12).all()
