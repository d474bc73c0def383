"""Exact properties of the system: symmetries, closed forms within a mode, conserved quantities, prior spreads."""

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.optimize import brentq

from tests.preference_dynamics.test_physics import accepted_draws
from trainers.preference_dynamics.config import DatasetConfig
from trainers.preference_dynamics.simulate import draw_prior
from trainers.preference_dynamics.system.equations import observe, unknown_names, unpack
from trainers.preference_dynamics.system.solution import solve

T = np.linspace(0.0, 30.0, 61)


def columns(actions, *kinds):
    """Return which unknowns are of these kinds."""
    return [k for k, name in enumerate(unknown_names(actions)) if name.partition("_")[0] in kinds]


@pytest.mark.parametrize("actions", [1, 2, 3])
def test_stretching_time_scales_desires_and_leaves_efforts(actions):
    s, unknowns = 1.7, accepted_draws(actions, 10)
    faster = unknowns.copy()
    faster[:, columns(actions, "v0", "mu", "Gamma")] *= s
    faster[:, columns(actions, "g", "Pi")] *= s**2
    usual, other = solve(unknowns, T, actions), solve(faster, T / s, actions)
    tame = usual.max(axis=(1, 2)) < 1e3
    scaled = np.repeat([s, 1.0], actions) * usual
    assert tame.sum() > 5 and np.allclose(other[tame], scaled[tame], rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("order", [(1, 0), (2, 0, 1)])
def test_permuting_actions_permutes_everything(order):
    actions, order = len(order), list(order)
    unknowns = accepted_draws(actions, 10)
    one = unpack(unknowns, actions)
    matrices = [np.moveaxis(part[order][:, order], 2, 0).reshape(10, -1) for part in (one.pi, one.gamma)]
    vectors = [part[order].T for part in (one.g, one.mu, one.v0, one.m0)]
    permuted = np.concatenate([*vectors[:2], *matrices, *vectors[2:]], axis=1)
    usual = solve(unknowns, T, actions)[..., order + [actions + k for k in order]]
    assert np.allclose(solve(permuted, T, actions), usual, rtol=1e-7, atol=1e-8, equal_nan=True)


def test_frequency_and_damping_are_the_roots_of_the_characteristic_polynomial():
    g, pi, gamma = 2.0, 2.5, 0.3
    t = np.linspace(0.0, 40.0, 8001)
    effort = solve(np.array([[g, 0.0, pi, gamma, 0.25, g / pi]]), t, 1)[0, :, 1] - g / pi
    root = np.roots([1.0, gamma, pi])[0]
    peaks = np.flatnonzero((effort[1:-1] > effort[:-2]) & (effort[1:-1] > effort[2:])) + 1
    assert np.abs(effort).max() < g / pi and len(peaks) > 5
    period = np.diff(t[peaks]).mean()
    assert period == pytest.approx(2 * np.pi / abs(root.imag), rel=1e-3)
    decay = np.log(effort[peaks][:-1] / effort[peaks][1:]).mean()
    assert decay / period == pytest.approx(-root.real, rel=1e-3)


def test_an_effort_below_zero_crosses_at_the_predicted_time():
    g, v0, m0 = 0.7, 0.4, -1.6
    t = np.linspace(0.0, 5.0, 5001)
    series = solve(np.array([[g, 0.0, 1.0, 1.0, v0, m0]]), t, 1)[0]
    start = t[series[:, 1].nonzero()[0][0]]
    assert np.interp(start, t, m0 + v0 * t + g * t**2 / 2) == pytest.approx(0.0, abs=3e-3)


def test_a_desire_below_its_threshold_integrates_drive_less_effort():
    g, pi, gamma, v0, m0 = 1.0, 2.0, 0.5, -1.5, 1.0
    t = np.linspace(0.0, 10.0, 10001)
    series = solve(np.array([[g, 0.0, pi, gamma, v0, m0]]), t, 1)[0]
    start = t[series[:, 0].nonzero()[0][0]]
    exact = brentq(lambda s: v0 + g * s - pi * m0 / gamma * (1 - np.exp(-gamma * s)), 1.0, 10.0)
    assert start == pytest.approx(exact, abs=2e-3)


def by_exponentials(unknowns, t, actions):
    """Follow one system from passage to passage by matrix exponentials; return its series (T, 2n) and the passages."""
    one = unpack(unknowns[None], actions)
    g, mu, pi, gamma = one.g[:, 0], one.mu[:, 0], one.pi[..., 0], one.gamma[..., 0]
    n, size = actions, 2 * actions
    threshold = np.concatenate([mu, np.zeros(n)])
    y, now, out, passages = np.concatenate([one.v0[:, 0], one.m0[:, 0]]), 0.0, [], 0
    above = y > threshold
    for end in t:
        while True:
            matrix = np.zeros((size + 1, size + 1))
            matrix[:n, n:size], matrix[n:size, n:size] = -pi * above[n:], -gamma * above[n:]
            matrix[n:size, :n] = np.diag(above[:n])
            matrix[:size, size] = np.concatenate([g, np.where(above[:n], 0, mu)])
            gap = lambda s, y=y, matrix=matrix: (expm(matrix * s) @ [*y, 1])[:size] - threshold  # noqa: E731
            looks = np.linspace(0.0, end - now, 40)
            wrong = np.array([(gap(s) > 0) != above for s in looks[1:]])
            if not wrong.any():
                break
            first = wrong.any(axis=1).argmax()
            times = [
                brentq(lambda s, k=k, gap=gap: gap(s)[k], looks[first] + 1e-12, looks[first + 1], xtol=1e-15)
                for k in np.flatnonzero(wrong[first])
            ]
            channel, step = np.flatnonzero(wrong[first])[np.argmin(times)], min(times)
            y, now, passages = (expm(matrix * step) @ [*y, 1])[:size], now + step, passages + 1
            above[channel] = ~above[channel]
        y, now = (expm(matrix * (end - now)) @ [*y, 1])[:size], end
        out.append(observe(y[:, None], one.mu)[:, 0])
    return np.array(out), passages


def test_series_agree_with_matrix_exponentials_between_passages():
    unknowns, t = accepted_draws(2, 5, seed=4), np.linspace(0.0, 8.0, 9)
    ours, passages = solve(unknowns, t, 2), 0
    for row, series in zip(unknowns, ours, strict=True):
        exact, count = by_exponentials(row, t, 2)
        passages += count
        assert np.allclose(series, exact, rtol=1e-9, atol=1e-9)
    assert passages >= 5


def test_spreads_of_the_prior_are_those_of_uniform_draws():
    spread = draw_prior(DatasetConfig(actions=2), np.random.default_rng(0), 100_000).std(axis=0)
    expected = {"g": 0.866, "mu": 2.887, "Pi_ii": 0.837, "Gamma_ii": 0.837, "Pi": 0.866, "Gamma": 1.732}
    expected |= {"v0": 2.887, "m0": 1.155}
    for name, value in zip(unknown_names(2), spread, strict=True):
        kind, _, index = name.partition("_")
        kind += "_ii" if index in ("0,0", "1,1") else ""
        assert value == pytest.approx(expected[kind], rel=0.01), name
