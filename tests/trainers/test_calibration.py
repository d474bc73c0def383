"""Conformal factors, coverage and tests of posterior samples, on errors and posteriors of known distribution."""

import numpy as np
import pytest
from scipy.stats import binomtest

from trainers.common.calibration import (
    binomial_interval,
    conformal_factor,
    coverage_table,
    expected_coverage,
    factors_by_label,
    factors_of,
    median_widths,
    posterior_ranks,
    rank_quantiles,
    simulation_based_calibration,
    stratified_factors,
)

RANDOM = np.random.default_rng(0)


def test_the_factor_is_the_finite_sample_rank():
    """Of 99 ratios 1 ... 99 the ceil(0.9 x 100) = 90th; of 10 the 10th; of 4 the largest, as no rank covers 90 %."""
    for count, rank in ((99, 90), (9, 9), (4, 4), (19, 18), (10, 10)):
        error = RANDOM.permutation(np.arange(1.0, count + 1))[:, None]
        assert conformal_factor(error, np.ones_like(error)) == rank
    assert conformal_factor(np.arange(1.0, 100)[:, None] * [-2.0, 2.0], np.ones((99, 2))).tolist() == [180, 180]
    assert conformal_factor(np.arange(1.0, 100)[:, None], np.ones((99, 1)), level=0.5) == 50


def test_without_spread_the_normal_factor_stands():
    error = np.ones((20, 2))
    assert conformal_factor(error, np.zeros_like(error)).tolist() == pytest.approx([1.6448536, 1.6448536])


def test_new_samples_are_covered_whatever_the_errors_look_like():
    shares = []
    for _ in range(400):
        error = RANDOM.standard_cauchy((40, 1))
        shares.append(np.abs(error[20:]) <= conformal_factor(error[:20], np.ones((20, 1))))
    assert np.mean(shares) == pytest.approx(19 / 21, abs=0.01)


def heteroscedastic(count):
    """Return errors whose size grows with a score that the spread does not know of."""
    score = RANDOM.uniform(0, 1, count)
    return RANDOM.normal(size=(count, 2)) * (0.1 + 2 * score[:, None]), np.ones((count, 2)), score


def test_stratified_factors_cover_every_stratum_where_one_factor_does_not():
    (error, spread, score), (new, new_spread, new_score) = heteroscedastic(3000), heteroscedastic(3000)
    one = np.abs(new) <= conformal_factor(error, spread) * new_spread
    by_stratum = np.abs(new) <= stratified_factors(error, spread, score, 4).of(new_score) * new_spread
    for quarter in range(4):
        members = (new_score >= quarter / 4) & (new_score < (quarter + 1) / 4)
        assert by_stratum[members].mean() == pytest.approx(0.9, abs=0.025)
        assert one[members].mean() > 0.99 if quarter == 0 else True
    assert one[new_score > 0.75].mean() < 0.8


def test_one_stratum_is_the_plain_factor():
    error, spread, score = heteroscedastic(50)
    single = stratified_factors(error, spread, score, 1)
    assert np.array_equal(single.of(score), np.tile(conformal_factor(error, spread), (50, 1))) and not single.edges.size


def test_few_samples_make_fewer_strata():
    error, spread, score = heteroscedastic(30)
    assert len(stratified_factors(error, spread, score, 20).factors) == 3
    assert len(stratified_factors(error[:4], spread[:4], score[:4], 3).factors) == 1
    tied = stratified_factors(error, spread, np.zeros(30), 3)
    assert len(tied.factors) == 1
    mostly = np.where(np.arange(30) < 25, 0.0, 1.0)
    assert len(stratified_factors(error, spread, mostly, 3).factors) == 1


def test_a_score_that_is_nan_gets_the_widest_interval():
    error, spread, score = heteroscedastic(400)
    factors = stratified_factors(error, spread, score, 4)
    assert np.array_equal(factors.of(np.array([np.nan]))[0], factors.factors.max(axis=0))


@pytest.mark.parametrize(("hits", "count"), [(0, 7), (3, 10), (90, 100), (10, 10)])
def test_binomial_intervals_agree_with_scipy(hits, count):
    exact = binomtest(hits, count).proportion_ci(0.95, "exact")
    assert np.array(binomial_interval(hits, count)) == pytest.approx(np.array([exact.low, exact.high]))


def test_coverage_of_strata_counts_samples_and_not_entries():
    inside = np.array([[True, True], [True, False], [False, False], [True, True]])
    members = {"all": np.ones(4, bool), "first": np.array([True, True, False, False]), "none": np.zeros(4, bool)}
    entries = {"second target": np.array([[False, True]] * 4)}
    table = coverage_table(inside, members | entries).set_index("stratum")
    assert list(table.index) == ["all", "first", "second target"]
    assert table["observed"].tolist() == [62.5, 75, 50] and table["n"].tolist() == [4, 2, 4]
    assert (table["low"] < table["observed"]).all() and (table["observed"] < table["high"]).all()


def gaussian(bias=0.0, width=1.0, count=500):
    """Return samples (200, N, 2) of posteriors of a Gaussian mean, and truths; bias and width make them wrong."""
    truth = RANDOM.normal(size=(count, 2))
    observed = truth + 0.5 * RANDOM.normal(size=(count, 2))
    mean, std = observed / 1.25, (0.25 / 1.25) ** 0.5
    return mean + bias + width * std * RANDOM.normal(size=(200, count, 2)), truth


def test_ranks_of_an_exact_posterior_are_uniform_and_wrong_ones_are_detected():
    exact = simulation_based_calibration(*gaussian(), ("a", "b"))
    assert (exact["p_value"] > 0.005).all() and exact["spread"].tolist() == pytest.approx([1, 1], abs=0.1)
    narrow = simulation_based_calibration(*gaussian(width=0.5), ("a", "b"))
    assert (narrow["p_value"] < 1e-6).all() and (narrow["spread"] > 1.2).all()
    low = simulation_based_calibration(*gaussian(bias=-0.4), ("a", "b"))
    assert (low["p_value"] < 1e-6).all() and (low["mean_rank"] > 0.6).all()
    wide = simulation_based_calibration(*gaussian(width=2.0), ("a", "b"))
    assert (wide["spread"] < 0.8).all()


def test_a_target_that_is_constant_in_truth_and_samples_ranks_in_the_middle():
    table = simulation_based_calibration(np.zeros((9, 5, 1)), np.zeros((5, 1)), ("still",))
    assert table["mean_rank"].tolist() == [0.5]


def test_tarp_coverage_is_nominal_for_an_exact_posterior():
    exact = expected_coverage(*gaussian(count=2000), seed=1)
    assert (exact["observed"] - exact["nominal"]).abs().max() < 4 and len(exact) == 19
    narrow = expected_coverage(*gaussian(width=0.3, count=2000), seed=1)
    assert (narrow["observed"] - narrow["nominal"]).abs().max() > 8
    assert expected_coverage(*gaussian(), seed=1)["nominal"].tolist() == pytest.approx(np.arange(5, 100, 5).tolist())


def test_tarp_detects_wrong_correlations_that_ranks_miss():
    """Right margins, wrong joint: samples are uncorrelated, truths are not."""
    shared = RANDOM.normal(size=(3000, 1))
    truth = np.concatenate([shared, shared + 0.05 * RANDOM.normal(size=(3000, 1))], axis=1)
    samples = RANDOM.normal(size=(200, 3000, 2))
    assert (simulation_based_calibration(samples, truth, ("a", "b"))["p_value"] > 0.001).all()
    table = expected_coverage(samples, truth, seed=2)
    assert (table["observed"] - table["nominal"]).abs().max() > 2.5


def test_posterior_ranks_count_samples_below_and_ties_half():
    samples = np.array([[[0.0]], [[1.0]], [[2.0]]])
    assert posterior_ranks(samples, np.array([[1.5]])) == pytest.approx((2 + 0.5) / 4)
    assert posterior_ranks(samples, np.array([[1.0]])) == pytest.approx((1 + 0.5 + 0.5) / 4)


def test_levels_from_ranks_make_wrong_posteriors_cover():
    """Samples are too narrow and shifted: intervals at corrected levels cover new truths, at nominal ones not."""
    random = np.random.default_rng(4)
    truth = random.standard_normal((4000, 1))
    samples = 0.3 + 0.5 * random.standard_normal((1500, 4000, 1))
    ranks = posterior_ranks(samples, truth)
    levels = rank_quantiles(ranks[:2000])
    assert levels.shape == (1, 201) and (levels[0, 0], levels[0, -1]) == (0, 1) and (np.diff(levels) >= 0).all()
    for nominal in (0.5, 0.8):
        ends = np.array([(1 - nominal) / 2, (1 + nominal) / 2])
        low, high = np.interp(ends, np.linspace(0, 1, 201), levels[0])
        new = ranks[2000:, 0]
        assert ((new >= low) & (new <= high)).mean() == pytest.approx(nominal, abs=0.03)
        assert abs(((new >= ends[0]) & (new <= ends[1])).mean() - nominal) > 0.1


def labelled(count):
    """Return errors of two targets that grow tenfold with a kind, which the spread does not know, and labels."""
    kind = RANDOM.integers(0, 3, (count, 2))
    error = RANDOM.normal(size=(count, 2)) * 10.0**kind
    return error, np.ones((count, 2)), np.stack([kind, np.full((count, 2), 4)]), kind


def test_factors_by_label_cover_every_kind_of_every_target():
    error, spread, labels, _ = labelled(3000)
    factors = factors_by_label(error, spread, labels, 5)
    assert np.isnan(factors[3]).all(), "no sample has label 3"
    new, new_spread, new_labels, kind = labelled(6000)
    inside = np.abs(new) <= factors_of(factors, new_labels) * new_spread
    pooled = np.abs(new) <= factors_of(factors, new_labels[1:]) * new_spread
    for value in range(3):
        for target in range(2):
            members = kind[:, target] == value
            assert inside[members, target].mean() == pytest.approx(0.9, abs=0.04)
    assert pooled[kind == 0].mean() > 0.99 and pooled[kind == 2].mean() < 0.75


def test_a_label_with_few_samples_takes_the_coarser_one():
    error, spread, labels, _ = labelled(500)
    labels[0, :, 1] = np.where(np.arange(500) < 8, 3, labels[0, :, 1])
    factors = factors_by_label(error, spread, labels, 5)
    assert np.isnan(factors[3, 1])
    rare = np.full((2, 1, 2), 3)
    rare[1] = 4
    assert factors_of(factors, rare)[0, 1] == factors[4, 1]
    assert factors_of(np.full((5, 2), np.nan), rare).tolist() == [pytest.approx([1.6448536, 1.6448536])]


def test_median_widths_say_how_sharp_the_intervals_of_each_stratum_are():
    width = np.array([[1.0, 2.0], [3.0, 40.0]])
    strata = {"all": np.ones(2, bool), "first": np.array([True, False]), "entry": width > 10, "none": np.zeros(2, bool)}
    assert median_widths(width, strata) == {"all": 2.5, "first": 1.5, "entry": 40.0}
