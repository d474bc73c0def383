"""Nonlinear least squares through the simulation by a library, from the default car and the measured first states.

This is what a practitioner does today: one window, or all windows of a car, by Levenberg and Marquardt (optimistix),
with every combination within the bounds of its class.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optimistix

from trainers.vehicle.dynamics.registry import Dynamics
from trainers.vehicle.dynamics.rollout import rollout
from trainers.vehicle.dynamics.states import SENSORS
from trainers.vehicle.losses import errors
from trainers.vehicle.windows.cut import Windows

Array = np.ndarray

TOLERANCE = 1e-5
"""Relative and absolute change of parameters and residuals at which a fit ends."""

MOST_STEPS = 50

TOGETHER = 16
"""Groups of windows that are fitted in one call."""


def fit_windows(dynamics: Dynamics, windows: Windows, group: Array, step: float, substeps: int) -> Array:
    """Return the combinations (G, K) that fit the windows of each group."""
    groups = int(group.max()) + 1
    members = [np.flatnonzero(group == g) for g in range(groups)]
    most = max(map(len, members))
    index = np.stack([np.resize(rows, most) for rows in members])
    weight = np.stack([np.arange(most) < len(rows) for rows in members]).astype(float)
    program = _program(dynamics, step, substeps)
    parts = []
    with jax.enable_x64(True):
        for start in range(0, groups, TOGETHER):
            rows = np.minimum(np.arange(start, start + TOGETHER), groups - 1)
            control = jnp.asarray(np.transpose(windows.control[index[rows]], (0, 2, 3, 1)))
            target = jnp.asarray(np.transpose(windows.state[index[rows]], (0, 2, 3, 1)))
            parts.append(np.asarray(program(control, target, jnp.asarray(weight[rows])))[: groups - start])
    return np.concatenate(parts)


@lru_cache(maxsize=16)
def _program(dynamics: Dynamics, step: float, substeps: int) -> Callable[..., jax.Array]:
    layout = dynamics.combinations

    def residuals(z: jax.Array, data: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
        control, target, weight = data
        combinations = jnp.broadcast_to(layout.squash(z)[:, None], (layout.size, target.shape[-1]))
        predicted = rollout(dynamics, target[0], control, dynamics.parameters_of(combinations), step, substeps)
        return (errors(predicted, target) / jnp.asarray(SENSORS)[:, None] * weight)[1:]

    def one(control: jax.Array, target: jax.Array, weight: jax.Array) -> jax.Array:
        solver: Any = optimistix.LevenbergMarquardt(rtol=TOLERANCE, atol=TOLERANCE)
        start = jnp.asarray(layout.unsquash(layout.default))
        solution: Any = optimistix.least_squares(
            residuals, solver, start, (control, target, weight), max_steps=MOST_STEPS, throw=False
        )
        return layout.squash(solution.value)

    return jax.jit(jax.vmap(one))
