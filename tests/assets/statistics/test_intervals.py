"""Intervals over runs and trajectories: what they are of, how often they cover, and what must not narrow them."""

import math

import numpy as np
import pytest

from assets.statistics.intervals import Sample, difference, estimate, ratio, scores
from assets.statistics.two_levels import two_levels
from tests.assets.statistics.coverage import FEW, LARGE, ONE, SEEDS, SETS, covered


def sample(values, weights=None):
    values = np.asarray(values, float)
    return Sample(values, np.ones_like(values) if weights is None else np.asarray(weights, float))


def drawn(runs, trajectories, between_runs=0.1, between_trajectories=0.0, own=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return sample(
        np.exp(
            between_runs * rng.normal(size=(runs, 1))
            + between_trajectories * rng.normal(size=(1, trajectories))
            + own * rng.normal(size=(runs, trajectories))
        )
    )


def width(mean):
    return math.log(mean.high / mean.low)


def test_a_score_is_the_weighted_mean_of_what_is_finite():
    one = sample([[1.0, 3.0, np.nan], [2.0, 2.0, 8.0]], [[3.0, 1.0, 5.0], [1.0, 1.0, 2.0]])
    assert np.allclose(scores([one]), [1.5, 5.0])
    assert np.allclose(scores([one, sample([[0.5], [1.0]])]), [1.0, 3.0])


def test_one_trajectory_gives_the_t_interval_of_the_logarithms():
    mean = estimate([sample([[2.0], [3.0], [5.0]])])
    logarithms = np.log([2.0, 3.0, 5.0])
    half = 4.302652729749464 * logarithms.std(ddof=1) / math.sqrt(3)
    assert mean.value == pytest.approx(30 ** (1 / 3))
    assert (mean.low, mean.high) == pytest.approx(tuple(np.exp(logarithms.mean() + half * np.array([-1, 1]))))


def test_what_can_be_negative_is_averaged_as_it_is():
    for values in ([[-2.0], [3.0], [5.0]], [[-1.0, 5.0], [2.0, 4.0], [4.0, 6.0]], [[0.0], [1.0], [2.0]]):
        mean = estimate([sample(values)])
        assert mean.value == pytest.approx(np.mean(values)) and mean.low < mean.value < mean.high
        assert mean.high - mean.value == pytest.approx(mean.value - mean.low)


def test_positive_scores_of_a_metric_that_can_be_negative_are_averaged_as_they_are():
    values = np.array([[1.0], [2.0], [6.0]])
    assert estimate([Sample(values, np.ones_like(values), signed=True)]).value == pytest.approx(3)


@pytest.mark.parametrize("runs", [3, 5, 10])
@pytest.mark.parametrize("seeds", SEEDS, ids=lambda seeds: seeds.name)
def test_few_runs_cover_95_percent(seeds, runs):
    assert 0.93 <= covered(seeds, ONE, runs, trials=600) <= 0.98


@pytest.mark.exhaustive
@pytest.mark.timeout(900)
@pytest.mark.parametrize("runs", [3, 5, 10])
@pytest.mark.parametrize("trajectories", SETS, ids=lambda one: one.name)
@pytest.mark.parametrize("seeds", SEEDS, ids=lambda seeds: seeds.name)
def test_runs_and_trajectories_cover_95_percent(seeds, trajectories, runs):
    assert 0.925 <= covered(seeds, trajectories, runs) <= 0.98


@pytest.mark.exhaustive
def test_few_trajectories_that_differ_by_a_factor_of_e_cover_less_as_the_documentation_says():
    assert 0.85 < covered(SEEDS[0], FEW, 10) < 0.93 < covered(SEEDS[0], LARGE, 10)


def test_two_seeds_give_a_wide_interval_and_more_a_narrower_one():
    two, three, ten = (
        np.median([width(estimate([drawn(runs, 1, seed=seed)])) for seed in range(50)]) for runs in (2, 3, 10)
    )
    assert two > 2 * three > 4 * ten


def test_more_runs_on_the_same_trajectories_do_not_narrow_their_interval():
    values = drawn(1, 20, between_trajectories=1.0).values
    few, many = (estimate([sample(np.repeat(values, runs, axis=0))]) for runs in (2, 40))
    assert width(many) == pytest.approx(width(few), rel=1e-6)


def test_more_steps_or_weights_alike_narrow_nothing():
    one = drawn(3, 20, between_trajectories=0.5)
    assert estimate([one]) == estimate([sample(one.values, 100 * one.weights)])


def test_a_single_run_or_trajectory_has_the_spread_of_the_other_alone():
    assert math.isnan(estimate([sample([[2.0]])]).low)
    of_one_run, of_one_trajectory = estimate([drawn(1, 20, between_trajectories=1.0)]), estimate([drawn(4, 1)])
    assert of_one_run.low < of_one_run.value < of_one_run.high
    assert of_one_trajectory.low < of_one_trajectory.value < of_one_trajectory.high


def test_a_run_that_is_not_finite_leaves_no_interval_and_a_trajectory_none_leaves_the_others():
    values = drawn(3, 4).values
    gap = values.copy()
    gap[:, 2] = np.nan
    assert estimate([sample(gap)]) == estimate([sample(values[:, [0, 1, 3]])])
    gap[1] = np.nan
    nothing = estimate([sample(gap)])
    assert math.isnan(nothing.value) and math.isnan(nothing.low) and math.isnan(nothing.high)


def test_skewed_trajectories_widen_the_interval_on_the_side_of_their_tail():
    levels = two_levels(np.zeros(1), [np.array([[-0.03] * 9 + [0.27]])], of_logarithm=False)
    low, high = levels.limits(0.95)
    assert high > -1.5 * low > 0


def test_test_sets_count_alike_whatever_their_size():
    large, small = sample(np.full((3, 90), 1.0)), sample(np.full((3, 2), 3.0))
    mean = estimate([large, small])
    assert (mean.value, mean.low, mean.high) == pytest.approx((2.0, 2.0, 2.0))


def test_the_p_value_is_the_level_at_which_the_interval_ends_at_no_difference():
    first, second = drawn(3, 20, between_trajectories=0.5, own=0.2), drawn(3, 20, 0.3, 0.5, 0.2, seed=1)
    for pair in ((first, second), (second, first)):
        assert 0 < ratio(*([one] for one in pair)).p < 1
    assert ratio([first], [second]).p == pytest.approx(ratio([second], [first]).p)
    values = np.array([0.3, 0.5, 0.1])
    levels = two_levels(values, [np.zeros((3, 1))], of_logarithm=False)
    assert levels.limits(1 - levels.p())[0] == pytest.approx(0, abs=1e-9)
    assert levels.p() == pytest.approx(0.1217, abs=1e-4)  # t = 2.598 with 2 degrees of freedom
    assert difference([first], [first]).p == 1 and ratio([first], [sample(2 * first.values)]).p < 1e-9
