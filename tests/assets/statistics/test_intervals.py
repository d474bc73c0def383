"""Intervals over runs and trajectories: what they cover, and what must not narrow them."""

import numpy as np
import pytest

from assets.statistics.intervals import Sample, interval, scores


def sample(runs, trajectories, between_runs=1.0, between_trajectories=0.0, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    values = (
        10
        + between_runs * rng.normal(size=(runs, 1))
        + between_trajectories * rng.normal(size=(1, trajectories))
        + noise * rng.normal(size=(runs, trajectories))
    )
    return Sample(values, np.ones((runs, trajectories)))


def covered(trials=400, **sizes):
    intervals = [interval([sample(seed=trial, **sizes)]) for trial in range(trials)]
    return np.mean([low <= 10 <= high for low, high in intervals])


def test_a_score_is_the_weighted_mean_of_what_is_finite():
    one = Sample(np.array([[1.0, 3.0, np.nan], [2.0, 2.0, 8.0]]), np.array([[3.0, 1.0, 5.0], [1.0, 1.0, 2.0]]))
    assert np.allclose(scores([one]), [1.5, 5.0])
    assert np.allclose(scores([one, Sample(np.array([[0.5], [1.0]]), np.ones((2, 1)))]), [1.0, 3.0])


@pytest.mark.parametrize(("runs", "low", "high"), [(3, 0.70, 0.81), (5, 0.79, 0.89), (10, 0.86, 0.94)])
def test_few_runs_cover_as_little_as_the_module_says(runs, low, high):
    assert low <= covered(runs=runs, trajectories=1) <= high


def test_many_runs_on_many_trajectories_cover_what_they_promise():
    share = covered(200, runs=30, trajectories=30, between_trajectories=1.0, noise=1.0)
    assert 0.90 <= share <= 0.99


def test_more_runs_on_the_same_trajectories_do_not_narrow_their_interval():
    few, many = (interval([sample(n, 5, between_runs=0.0, between_trajectories=1.0)]) for n in (2, 40))
    assert many[1] - many[0] > 0.8 * (few[1] - few[0])


def test_a_single_run_or_trajectory_is_not_resampled():
    assert all(np.isnan(interval([sample(1, 1)])))
    low, high = interval([sample(1, 20, between_trajectories=1.0)])
    assert low < high
    low, high = interval([sample(4, 1)])
    assert low < high


def test_test_sets_count_alike_whatever_their_size():
    large, small = Sample(np.full((3, 90), 1.0), np.ones((3, 90))), Sample(np.full((3, 2), 3.0), np.ones((3, 2)))
    assert interval([large, small]) == (2.0, 2.0)
