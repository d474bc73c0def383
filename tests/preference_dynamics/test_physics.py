"""The simulator: against scipy, closed forms and symmetries; the stability rule; noise."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from trainers.preference_dynamics.config import DatasetConfig
from trainers.preference_dynamics.simulate import draw_prior, simulate
from trainers.preference_dynamics.system.equations import observe, unknown_names, unpack
from trainers.preference_dynamics.system.solution import solve, solve_with_derivatives
from trainers.preference_dynamics.system.stability import accepted

T = np.linspace(0.0, 60.0, 61)


def accepted_draws(actions, count, seed=0):
    """Return accepted draws (count, Q) of the prior."""
    config = DatasetConfig(actions=actions)
    many = draw_prior(config, np.random.default_rng(seed), 60 * count if actions == 3 else 8 * count)
    return many[accepted(unpack(many, actions), "eigenvalues")][:count]


def by_scipy(unknowns, t, actions):
    """Integrate one system with event-free steps at tight tolerance; return its series (T, 2n)."""
    one = unpack(unknowns[None], actions)
    g, mu, pi, gamma = one.g[:, 0], one.mu[:, 0], one.pi[..., 0], one.gamma[..., 0]

    def right(_, y):
        effort = np.maximum(y[actions:], 0)
        return np.concatenate([g - pi @ effort, np.maximum(y[:actions], mu) - gamma @ effort])

    start = np.concatenate([one.v0[:, 0], one.m0[:, 0]])
    done = solve_ivp(right, (t[0], t[-1]), start, "DOP853", t, rtol=1e-12, atol=1e-12, max_step=1.0)
    return observe(done.y, one.mu).T


@pytest.mark.training
@pytest.mark.parametrize(("actions", "count", "tolerance"), [(1, 150, 1e-7), (2, 80, 1e-6), (3, 30, 1e-5)])
def test_series_agree_with_scipy_at_tight_tolerance(actions, count, tolerance):
    unknowns = accepted_draws(actions, count)
    ours = solve(unknowns, T, actions)
    crossings = 0
    for row, series in zip(unknowns, ours, strict=True):
        reference = by_scipy(row, T, actions)
        finite = np.isfinite(series).all(axis=1)
        assert np.allclose(series[finite], reference[finite], rtol=tolerance, atol=tolerance)
        at_rest = reference <= np.concatenate([row[actions : 2 * actions], np.zeros(actions)])
        crossings += int((at_rest[1:] != at_rest[:-1]).sum())
    assert crossings > count / 2, "the draws hardly pass a threshold, so that nothing is tested"


def test_a_linear_regime_follows_the_matrix_exponential():
    g, pi, gamma, v0, m0 = 1.0, 0.8, 1.5, 1.9, 1.2
    series = solve(np.array([[g, 0.0, pi, gamma, v0, m0]]), T, 1)[0]
    matrix = np.array([[0.0, -pi], [1.0, -gamma]])
    rest = np.array([gamma * g / pi, g / pi])
    exact = np.array([rest + expm(matrix * t) @ (np.array([v0, m0]) - rest) for t in T])
    assert (exact > 0).all() and np.abs(series - exact).max() < 1e-12
    assert series[-1] == pytest.approx(rest, abs=1e-9)


def test_scaling_the_amplitude_scales_the_series():
    unknowns = accepted_draws(2, 20)
    scaled = unknowns.copy()
    linear = [k for k, name in enumerate(unknown_names(2)) if name.split("_")[0] in ("g", "mu", "v0", "m0")]
    scaled[:, linear] *= 3
    assert np.allclose(solve(scaled, T, 2), 3 * solve(unknowns, T, 2), rtol=1e-7, atol=1e-8)


def test_uncoupled_actions_are_independent_systems():
    one, other = accepted_draws(1, 1)[0], accepted_draws(1, 1, seed=3)[0]
    g, mu, pi, gamma, v0, m0 = (np.array([a, b]) for a, b in zip(one, other, strict=True))
    both = np.concatenate([g, mu, np.diag(pi).ravel(), np.diag(gamma).ravel(), v0, m0])
    series = solve(both[None], T, 2)[0]
    apart = [solve(row[None], T, 1)[0] for row in (one, other)]
    assert np.allclose(series, np.stack([apart[0][:, 0], apart[1][:, 0], apart[0][:, 1], apart[1][:, 1]], axis=1))


def test_a_desire_below_its_threshold_crosses_at_the_predicted_time():
    g, v0 = 0.5, -4.2
    t = np.linspace(0.0, 20.0, 2001)
    series = solve(np.array([[g, 0.0, 1.0, 1.0, v0, -1.0]]), t, 1)[0]
    assert t[series[:, 0].nonzero()[0][0]] == pytest.approx(-v0 / g, abs=0.011)


@pytest.mark.parametrize("actions", [1, 2])
def test_derivatives_agree_with_differences(actions):
    unknowns = accepted_draws(actions, 8, seed=1)
    series, slopes = solve_with_derivatives(unknowns, T, actions)
    assert np.allclose(series, solve(unknowns, T, actions), atol=1e-9)
    for k in range(unknowns.shape[1]):
        step = np.zeros(unknowns.shape[1])
        step[k] = 1e-6
        ahead, behind = (solve(unknowns + sign * step, T, actions) for sign in (1, -1))
        difference = (ahead - behind) / 2e-6
        off = np.abs(difference - slopes[..., k]) / (1 + np.abs(slopes[..., k]))
        assert np.quantile(off, 0.98) < 1e-4


def test_every_draw_of_one_action_is_accepted_and_few_of_three():
    one = draw_prior(DatasetConfig(), np.random.default_rng(0), 500)
    assert accepted(unpack(one, 1), "eigenvalues").all()
    three = draw_prior(DatasetConfig(actions=3), np.random.default_rng(0), 2000)
    rules = {rule: accepted(unpack(three, 3), rule).mean() for rule in ("eigenvalues", "published", "none")}
    assert 0 < rules["eigenvalues"] < rules["published"] < rules["none"] == 1.0


def test_a_smaller_set_is_the_beginning_of_a_larger_one_and_noise_changes_no_unknowns():
    small, large = (simulate(DatasetConfig(actions=2, trajectories=count, points=21)) for count in (7, 30))
    noisy = simulate(DatasetConfig(actions=2, trajectories=7, points=21, noise=(0.1, 0.1)))
    assert np.allclose(small.y, large.y[:7], rtol=1e-10, atol=1e-10)
    for name in unknown_names(2):
        assert np.array_equal(small.parameters[name], large.parameters[name][:7])
        assert np.array_equal(small.parameters[name], noisy.parameters[name])
    spread = (noisy.y - small.y)[..., :2].std() / small.y[..., :2].std(axis=(1, 2)).mean()
    assert 0.05 < spread < 0.2
