"""(g) Preference dynamics: series of two actions, exact propagation in batches against scipy one by one, on one CPU.

Ours counts everything: drawing, refusing and drawing again, propagating. The peers integrate draws that are accepted
already. They are scipy's `solve_ivp` with the published settings (RK45, 1e-6, 1e-9), at its default tolerance and at a
tight one (DOP853, 1e-12); the last two stop at every passage of a threshold, and go on in the new mode. Published: 17.7
samples per second on all cores of a laptop.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.spread import ratio_of
from trainers import STUDIES
from trainers.preference_dynamics.system.equations import observe, unknown_names, unpack
from trainers.study import Trajectories

STUDY = STUDIES["preference_dynamics"]
ACTIONS = 2
OURS, PEER = 4000, 40
"""Series that are simulated by us and by a peer."""
PUBLISHED = 17.7
"""Samples per second of the source."""

PEERS: dict[str, dict[str, Any]] = {
    "scipy RK45, published settings": {"method": "RK45", "rtol": 1e-6, "atol": 1e-9, "events": False},
    "scipy RK45, default tolerance, events": {"method": "RK45", "rtol": 1e-3, "atol": 1e-6, "events": True},
    "scipy DOP853, 1e-12, events": {"method": "DOP853", "rtol": 1e-12, "atol": 1e-12, "events": True},
}


def exact(series: int) -> Trajectories:
    """Simulate as the project does."""
    return STUDY.simulate(STUDY.dataset(actions=ACTIONS, trajectories=series, seed=42))


def by_scipy(unknowns: np.ndarray, t: np.ndarray, events: bool, **settings: Any) -> np.ndarray:
    """Integrate one system (Q,), from passage to passage if asked for; return its series (T, 2n)."""
    one = unpack(unknowns[None], ACTIONS)
    g, mu, pi, gamma = one.g[:, 0], one.mu[:, 0], one.pi[..., 0], one.gamma[..., 0]
    threshold = np.concatenate([mu, np.zeros(ACTIONS)])

    def right(_: float, y: np.ndarray) -> np.ndarray:
        effort = np.maximum(y[ACTIONS:], 0)
        return np.concatenate([g - pi @ effort, np.maximum(y[:ACTIONS], mu) - gamma @ effort])

    state, now, parts = np.concatenate([one.v0[:, 0], one.m0[:, 0]]), t[0], []
    above = state > threshold
    while now < t[-1]:
        stops = [_passage(k, threshold[k], above[k]) for k in range(2 * ACTIONS)] if events else None
        done = solve_ivp(right, (now, t[-1]), state, t_eval=t[t > now] if parts else t, events=stops, **settings)
        parts.append(np.asarray(done.y).reshape(2 * ACTIONS, -1))
        if done.status != 1:
            break
        channel = next(k for k, times in enumerate(done.t_events) if len(times))
        now, state, above[channel] = done.t_events[channel][0], done.y_events[channel][0], ~above[channel]
    return observe(np.concatenate(parts, axis=1), one.mu).T


def _passage(channel: int, threshold: float, above: bool) -> Callable[[float, np.ndarray], float]:
    def stop(_: float, y: np.ndarray) -> float:
        return float(y[channel] - threshold)

    stop.terminal, stop.direction = True, -1 if above else 1  # type: ignore[attr-defined]
    return stop


def seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return the time of one call, and its result."""
    start = time.perf_counter()
    value = function()
    return time.perf_counter() - start, value


def measure(repeats: int = 3) -> dict[str, Any]:
    """Measure (g): samples per second of each way, paired."""
    few = exact(PEER)
    unknowns = np.stack([few.parameters[name] for name in unknown_names(ACTIONS)], axis=1)
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in PEERS}
    off: dict[str, float] = {}
    for _ in range(repeats):
        own, _ = seconds(lambda: exact(OURS))
        for name, settings in PEERS.items():
            took, series = seconds(lambda settings=settings: [by_scipy(row, few.t[0], **settings) for row in unknowns])
            rates[name].append((OURS / own, PEER / took))
            off[name] = float(np.median([np.abs(a - b).max() for a, b in zip(series, few.y, strict=True)]))
    ours = [pair[0] for pair in rates[next(iter(PEERS))]]
    return {
        "ratios": {
            **{f"against {name}, samples/s": ratio_of(pairs) for name, pairs in rates.items()},
            "one CPU against the published rate, samples/s": ratio_of([(rate, PUBLISHED) for rate in ours]),
        },
        "median of the largest difference from ours": [f"{name}: {value:.1e}" for name, value in off.items()],
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
