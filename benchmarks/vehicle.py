"""Vehicle: rollouts of 2 s in a batch against scipy one by one, and gradients against differences, on one CPU.

Ours integrates by RK4 with ten steps per point of the data, as the study simulates its data, in double precision. The
peers are scipy's `solve_ivp` at default and at tight tolerance, from point to point, since controls jump there.
A gradient is that of the mean squared error of a rollout by all eight parameters: ours by reverse mode, theirs by
forward differences, nine rollouts each.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.spread import ratio_of
from trainers import STUDIES
from trainers.vehicle.dynamics.registry import dynamics_named
from trainers.vehicle.dynamics.rollout import rollout

STUDY = STUDIES["vehicle"]
STEP, POINTS, SUBSTEPS = 0.05, 40, 10
OURS, PEER = 1024, 4
"""Rollouts in a batch of ours, and of a peer."""

PEERS: dict[str, dict[str, Any]] = {
    "scipy RK45, default tolerance": {"method": "RK45", "rtol": 1e-3, "atol": 1e-6},
    "scipy RK45, 1e-8": {"method": "RK45", "rtol": 1e-8, "atol": 1e-10},
}

GRAVITY = 9.81


def problem(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return parameters (8, B), states (7, B) and controls (K, 2, B) of driven cars above the switch speed."""
    data = STUDY.simulate(STUDY.dataset(cars=-(-count // 4), points=POINTS + 1, noise=0.0))
    layout = dynamics_named("singletrack").layout
    flat = layout.flat({name: data.parameters[name] for name in layout.names})
    return flat[:, :count], data.y[:count, 0].T, np.transpose(data.inputs[:count, :-1], (1, 2, 0))  # type: ignore[index]


def by_scipy(flat: np.ndarray, state: np.ndarray, controls: np.ndarray, **settings: Any) -> np.ndarray:
    """Integrate one car (8,) from a state (7,) under controls (K, 2); return (K + 1, 7)."""
    mu, front, rear, lf, lr, h, m, inertia = flat
    length = lf + lr

    def right(_: float, y: np.ndarray, rate: float, a: float) -> list[float]:
        _, _, delta, v, psi, r, b = y
        load_f, load_r = front * (GRAVITY * lr - a * h), rear * (GRAVITY * lf + a * h)
        turn, slide = mu * m / (inertia * length), mu / (v * length)
        yaw = turn * (lf * load_f * delta + (lr * load_r - lf * load_f) * b - (lf**2 * load_f + lr**2 * load_r) * r / v)
        slip = slide * (load_f * delta - (load_r + load_f) * b + (load_r * lr - load_f * lf) * r / v) - r
        return [v * np.cos(psi + b), v * np.sin(psi + b), rate, a, r, yaw, slip]

    states = [state]
    for control in controls:
        state = solve_ivp(right, (0.0, STEP), state, args=tuple(control), **settings).y[:, -1]
        states.append(state)
    return np.stack(states)


def seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return the time of one call, and its result."""
    started = time.perf_counter()
    value = function()
    return time.perf_counter() - started, value


def measure(repeats: int = 3) -> dict[str, Any]:
    """Measure rollouts and gradients per second of each way, paired, and our steps of the integrator per second."""
    flat, state, controls = problem(OURS)
    dynamics = dynamics_named("singletrack")
    jax.config.update("jax_enable_x64", True)

    def roll(flat: jax.Array) -> jax.Array:
        named = dynamics.layout.named(flat)
        return rollout(dynamics, jnp.asarray(state), jnp.asarray(controls), named, STEP, SUBSTEPS)

    def error(flat: jax.Array) -> jax.Array:
        return jnp.sum(jnp.mean(roll(flat) ** 2, axis=(0, 1)))

    forward, backward = jax.jit(roll), jax.jit(jax.grad(error))
    given = jnp.asarray(flat)
    ours_states = np.asarray(jax.block_until_ready(forward(given)))
    jax.block_until_ready(backward(given))
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in PEERS}
    slopes: dict[str, list[tuple[float, float]]] = {name: [] for name in PEERS}
    off: dict[str, float] = {}
    for _ in range(repeats):
        own, _ = seconds(lambda: jax.block_until_ready(forward(given)))
        own_slope, _ = seconds(lambda: jax.block_until_ready(backward(given)))
        for name, settings in PEERS.items():
            took, made = seconds(
                lambda settings=settings: [
                    by_scipy(flat[:, k], state[:, k], controls[..., k], **settings) for k in range(PEER)
                ]
            )
            rates[name].append((OURS / own, PEER / took))
            slopes[name].append((OURS / own_slope, PEER / took / (len(flat) + 1)))
            off[name] = float(max(np.abs(one - ours_states[..., k]).max() for k, one in enumerate(made)))
    ours = [pair[0] * POINTS * SUBSTEPS for pair in rates[next(iter(PEERS))]]
    return {
        "ratios": {
            **{f"against {name}, rollouts/s": ratio_of(pairs) for name, pairs in rates.items()},
            **{f"against differences by {name}, gradients/s": ratio_of(pairs) for name, pairs in slopes.items()},
        },
        "our steps of RK4 per second, one CPU": float(np.median(ours)),
        "largest difference from ours": [f"{name}: {value:.1e}" for name, value in off.items()],
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
