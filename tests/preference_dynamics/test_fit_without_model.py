"""Series of a user's own: uneven times, other units, what is not said, and what is refused."""

import numpy as np
import pytest

from trainers.preference_dynamics.fit_without_model import fit_without_model
from trainers.preference_dynamics.refinement.least_squares import solve_curvature
from trainers.preference_dynamics.system.equations import PRIORS
from trainers.preference_dynamics.system.solution import solve

T = np.sort(np.random.default_rng(0).uniform(0.0, 30.0, 40))
TRUE = np.array([[1.0, 0.0, 0.8, 1.5, -2.0, -0.5], [0.6, 0.0, 2.0, 0.7, 1.5, 1.0]])
ZERO = {"mu": (0.0, 0.0)}


@pytest.fixture(scope="module")
def result():
    return fit_without_model(solve(TRUE, T - T[0], 1), T, within=ZERO, starts=5)


def test_unknowns_come_back_from_uneven_times(result):
    assert np.allclose(result.unknowns, TRUE, atol=1e-6) and result.converged.all()
    assert np.allclose(result.series, solve(TRUE, T - T[0], 1), atol=1e-6)


def test_the_table_has_a_row_per_series_and_unknown(result):
    table = result.table()
    assert len(table) == 12 and (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()
    assert set(table["unknown"]) == {"g_0", "mu_0", "Pi_0,0", "Gamma_0,0", "v0_0", "m0_0"}


def test_what_a_series_does_not_say_is_not_identified():
    never = fit_without_model(np.zeros((1, 20, 2)), np.arange(20.0), within=ZERO, starts=2, steps=5)
    assert not never.identified[0, [2, 3]].any()


def test_ranges_may_be_wider():
    large = np.array([[8.0, 0.0, 0.8, 1.5, 9.0, 3.0]])
    y = solve(large, T - T[0], 1)
    wide = {"g": (0.0, 20.0), "v0": (-20.0, 20.0), "m0": (-10.0, 10.0)}
    assert np.allclose(fit_without_model(y, T, within=ZERO | wide, starts=5).unknowns, large, atol=1e-5)
    assert PRIORS["g"] == (0.0, 3.0)


@pytest.mark.parametrize(
    ("y", "t", "within", "text"),
    [
        (np.zeros((1, 20, 3)), np.arange(20.0), {}, "expected \\(series, times, 2 x actions\\)"),
        (np.full((1, 20, 2), np.nan), np.arange(20.0), {}, "40 values of the series are not finite"),
        (np.zeros((1, 20, 2)), np.zeros(20), {}, "not later than the one before"),
        (np.zeros((1, 20, 2)), np.arange(20.0), {"gg": (0, 1)}, "nearest: g"),
        (np.zeros((1, 20, 2)), np.arange(20.0), {"g": (2, 1)}, "expected \\(smallest, largest\\)"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_one_line(y, t, within, text):
    with pytest.raises(ValueError, match=text):
        fit_without_model(y, t, within=within)


def test_a_singular_curvature_is_solved_within_what_is_known_of_it():
    """1e20 (1 1; 1 1) + 1 is singular in double precision; its inverse is (1 -1; -1 1) / 2 but for 1e-20."""
    singular, sound = 1e20 * np.ones((2, 2)) + np.eye(2), np.diag([2.0, 4.0])
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.inv(singular)
    both, every = np.stack([singular, sound]), np.broadcast_to(np.eye(2), (2, 2, 2))
    inverse = solve_curvature(both, every, np.array([1.0, 2.0]))
    np.testing.assert_allclose(inverse[0], [[0.5, -0.5], [-0.5, 0.5]], atol=1e-12)
    np.testing.assert_array_equal(inverse[1], np.diag([0.5, 0.25]))
    np.testing.assert_array_equal(solve_curvature(both[1:], every[1:], np.array([2.0])), np.linalg.inv(both[1:]))
