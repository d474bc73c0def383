"""Thresholds that a series never reaches: the mean and spread of what the prior and the acceptance rule leave."""

import numpy as np
import pytest

from trainers.preference_dynamics.config import DatasetConfig
from trainers.preference_dynamics.refinement.bounds import Box
from trainers.preference_dynamics.refinement.starts import with_hidden_desires
from trainers.preference_dynamics.refinement.thresholds import posterior_of_thresholds
from trainers.preference_dynamics.simulate import draw_prior
from trainers.preference_dynamics.system.equations import unpack
from trainers.preference_dynamics.system.stability import accepted

DRAWS = draw_prior(DatasetConfig(actions=2), np.random.default_rng(0), 4000)
SYSTEMS = DRAWS[accepted(unpack(DRAWS, 2), "eigenvalues")][:100]
ALL = np.ones((len(SYSTEMS), 2), bool)
LOW, HIGH = np.full((len(SYSTEMS), 2), -10.0), np.tile([-2.0, -6.0], (len(SYSTEMS), 1))


def test_without_a_rule_the_posterior_is_uniform():
    mean, spread, std = posterior_of_thresholds(SYSTEMS, ALL, LOW, HIGH, "none", seed=0, draws=4000)
    assert mean[0] == pytest.approx([-6, -8], abs=0.1) and std[0] == pytest.approx([8 / 12**0.5, 4 / 12**0.5], rel=0.03)
    assert 1.6448536 * spread[0] == pytest.approx([0.9 * 4, 0.9 * 2], rel=0.03)


def test_a_threshold_that_is_reached_keeps_its_value():
    some = ALL.copy()
    some[:, 1] = False
    mean, spread, _ = posterior_of_thresholds(SYSTEMS, some, LOW, HIGH, "none", seed=0)
    assert np.array_equal(mean[:, 1], SYSTEMS[:, 3]) and (spread[:, 1] == 0).all() and (spread[:, 0] > 1).all()


def test_the_rule_moves_the_mean_to_thresholds_that_it_accepts():
    """Where it refuses some thresholds, the mean is that of the accepted ones; the error of means falls."""
    low, high = np.full((len(SYSTEMS), 2), -10.0), np.zeros((len(SYSTEMS), 2))
    means = {rule: posterior_of_thresholds(SYSTEMS, ALL, low, high, rule, 0)[0] for rule in ("none", "eigenvalues")}
    moved = np.abs(means["eigenvalues"] - means["none"]) > 0.3
    assert moved.any()
    truth = SYSTEMS[:, 2:4][moved]
    errors = {rule: ((mean[moved] - truth) ** 2).mean() for rule, mean in means.items()}
    assert errors["eigenvalues"] < errors["none"]


def test_no_series_depends_on_the_others_beside_it():
    whole, part = (
        posterior_of_thresholds(*(a[:k] for a in (SYSTEMS, ALL, LOW, HIGH)), "eigenvalues", 0) for k in (9, 3)
    )
    np.testing.assert_array_equal(whole[0][:3], part[0])


def test_every_second_start_begins_below_a_threshold_that_the_first_point_may_show():
    low, high = np.full(12, -10.0), np.full(12, 10.0)
    box = Box(low, high, np.ones(12))
    series = np.zeros((1, 30, 4))
    series[0, :, 0], series[0, :, 1] = np.linspace(-1.0, 2.0, 30), np.linspace(3.0, -1.0, 30)
    starts = np.tile(np.arange(12.0) / 4, (1, 4, 1))
    changed = with_hidden_desires(starts, series, box)
    np.testing.assert_array_equal(changed[:, ::2], starts[:, ::2])
    assert (changed[0, 1::2, 2] == -1).all() and changed[0, 1, 8] == -1 - abs(starts[0, 1, 8] + 1)
    kept = [0, 1, 3, 4, 5, 6, 7, 9, 10, 11]
    np.testing.assert_array_equal(changed[0, 1, kept], starts[0, 1, kept])
