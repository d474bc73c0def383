"""Estimate the state that a rollout begins at from the measured points before it, through the simulation.

One measured point carries the noise of its sensors, and 2 s later an error of yaw is a distance. The state P - 1 points
earlier is chosen so that its rollout is nearest to all P measured ones (least squares in units of their noise);
where that rollout ends is the estimate. It looks at nothing after the point it estimates.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trainers.vehicle.dynamics.registry import Dynamics
from trainers.vehicle.dynamics.rollout import rollout
from trainers.vehicle.dynamics.states import SENSORS
from trainers.vehicle.losses import errors

Array = np.ndarray

STEPS = 4
"""Gauss-Newton steps; the first point as measured is a good start."""

BLOCK = 64


def last_states(
    dynamics: Dynamics, parameters: dict[str, Array], state: Array, control: Array, step: float, substeps: int
) -> Array:
    """Return the estimated state (W, 7) at the last of P measured points (W, P, 7) under controls (W, P - 1, 2)."""
    program, count = _program(dynamics, step, substeps), len(state)
    parts = [np.zeros((0, state.shape[2]))]
    with jax.enable_x64(True):
        for first in range(0, count, BLOCK):
            rows = np.minimum(np.arange(first, first + BLOCK), count - 1)
            named = {name: jnp.asarray(np.asarray(values, float)[..., rows]) for name, values in parameters.items()}
            measured = jnp.asarray(np.transpose(state[rows], (1, 2, 0)))
            ends = program(measured, jnp.asarray(np.transpose(control[rows], (1, 2, 0))), named)
            parts.append(np.asarray(ends).T[: count - first])
    return np.concatenate(parts)


@lru_cache(maxsize=16)
def _program(dynamics: Dynamics, step: float, substeps: int) -> Any:
    def last(measured: jax.Array, control: jax.Array, named: dict[str, jax.Array]) -> jax.Array:
        scale = jnp.asarray(SENSORS)[:, None]

        def residuals(start: jax.Array) -> jax.Array:
            return errors(rollout(dynamics, start, control, named, step, substeps), measured) / scale

        def closer(start: jax.Array, _: None) -> tuple[jax.Array, None]:
            basis = jnp.broadcast_to(jnp.eye(len(start))[:, :, None], (len(start), *start.shape))
            jacobian = jax.vmap(lambda way: jax.jvp(residuals, (start,), (way,))[1])(basis)
            matrix = jnp.einsum("alsw,blsw->wab", jacobian, jacobian)
            gradient = jnp.einsum("alsw,lsw->wa", jacobian, residuals(start))
            return start - jnp.linalg.solve(matrix, gradient[..., None])[..., 0].T, None

        start, _ = jax.lax.scan(closer, measured[0], None, length=STEPS)
        end = rollout(dynamics, start, control, named, step, substeps)[-1]
        # a rollout that strays says nothing: the point as measured
        return jnp.where(jnp.isfinite(end).all(axis=0), end, measured[-1])

    return jax.jit(last)
