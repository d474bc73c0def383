"""Series simulated in parts are, bit for bit, those of one call."""

import numpy as np
import pytest

from assets.stages.parts import join
from tests.assets.stages.test_parts import assert_same_bits
from trainers.preference_dynamics import config as preference_dynamics
from trainers.preference_dynamics.config import LONGEST_BOUNDED, DatasetConfig
from trainers.preference_dynamics.simulate import simulate
from trainers.preference_dynamics.system.equations import PRIORS
from trainers.preference_dynamics.system.solution import LIMIT


@pytest.mark.parametrize("settings", [{}, {"noise": (0.0, 0.3), "prior": "normal", "mu": "drawn"}])
def test_parts_join_to_the_set_of_one_call(monkeypatch, settings):
    monkeypatch.setattr(preference_dynamics, "PART_SERIES", 5000)
    config = DatasetConfig(trajectories=9001, points=9, duration=8.0, seed=3, **settings)
    parts = [simulate(config, part) for part in range(config.parts())]
    assert [len(part.t) for part in parts] == [4096, 4905]
    assert_same_bits(join(parts), simulate(config))


def test_only_sets_without_divergence_are_made_in_parts():
    assert DatasetConfig(trajectories=1_000_000).parts() == 49
    assert DatasetConfig(trajectories=1_000_000, actions=2).parts() == 1
    assert DatasetConfig(trajectories=1_000_000, duration=1001.0).parts() == 1


def test_no_series_of_one_action_reaches_the_limit_of_divergence():
    """Desire is at most v0 + g t since a >= 0; effort at most that over the smallest Gamma, or where it begins."""
    desire = max(PRIORS["v0"][1], -PRIORS["mu"][0]) + PRIORS["g"][1] * LONGEST_BOUNDED
    assert PRIORS["Pi_diagonal"][0] > 0 and desire / PRIORS["Gamma_diagonal"][0] < LIMIT
    assert np.isfinite(simulate(DatasetConfig(trajectories=2000, points=9, duration=LONGEST_BOUNDED)).y).all()
