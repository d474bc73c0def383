"""Datasets of a general solver: the same systems, its error, its settings, and identities that stay."""

import numpy as np
import pytest

from trainers.preference_dynamics.config import PRESETS, DatasetConfig
from trainers.preference_dynamics.simulate import simulate
from trainers.preference_dynamics.system.equations import unknown_names

SMALL = {"trajectories": 6, "points": 31, "duration": 30.0}


@pytest.mark.parametrize("actions", [1, 2])
def test_the_systems_are_those_of_the_exact_set_and_the_error_falls_with_the_tolerance(actions):
    exact = simulate(DatasetConfig(actions=actions, **SMALL))
    errors = []
    for rtol in (1e-3, 1e-6, 1e-9):
        general = simulate(DatasetConfig(actions=actions, solver="general", rtol=rtol, **SMALL))
        for name in unknown_names(actions):
            assert np.array_equal(general.parameters[name], exact.parameters[name])
        errors.append(np.abs(general.y - exact.y).max())
    assert 1e-5 < errors[0] < 1 and errors[1] < 1e-2 * errors[0] and 0 < errors[2] < 1e-2 * errors[1]


def test_noise_is_added_to_the_series_of_the_solver():
    settings = SMALL | {"solver": "general", "rtol": 1e-3}
    clean, noisy = (simulate(DatasetConfig(**settings, noise=(level, level))) for level in (0.0, 0.1))
    assert 0.02 < (noisy.y - clean.y).std() / clean.y.std() < 0.3


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"solver": "general"}, "solver is general without rtol"),
        ({"rtol": 1e-6}, "rtol is 1e-06 and solver exact, which has no tolerance"),
    ],
)
def test_a_solver_and_its_tolerance_come_together(settings, text):
    with pytest.raises(ValueError, match=text):
        DatasetConfig(**settings)


def test_sets_of_the_exact_solver_say_nothing_of_the_new_settings():
    assert "solver" not in PRESETS["n1_train"].model_dump(exclude_defaults=True)
    assert PRESETS["n2_test_rtol6"].model_dump(exclude_defaults=True)["rtol"] == 1e-6
