"""The classical Runge-Kutta method (RK4) on the grid of the data, with sub-steps by local error.

Arrays carry time first, then channels, then the batch B: t (T, B), y (T, 6, B).
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array


def step(field: Callable[[Array], Array], y: Array, dt: Array) -> Array:
    """Return the state after one RK4 step, local error O(dt^5); dt broadcasts against y."""
    k1 = field(y)
    k2 = field(y + dt / 2 * k1)
    k3 = field(y + dt / 2 * k2)
    k4 = field(y + dt * k3)
    return y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def rollout(field: Callable[[Array], Array], t: Array, y0: Array, substeps: Array) -> Array:
    """Integrate from y0 (6, B) through t (T, B) by RK4 with substeps (T-1,) per interval; returns (T, 6, B).

    The number of sub-steps is an argument of the compiled program, so that one program serves all; it has no gradient.
    """

    def interval(y: Array, inputs: tuple[Array, Array]) -> tuple[Array, Array]:
        dt, count = inputs
        y = jax.lax.fori_loop(0, count, lambda _, y: step(field, y, dt / count), y)
        return y, y

    _, later = jax.lax.scan(interval, y0, (jnp.diff(t, axis=0), substeps))
    return jnp.concatenate([y0[None], later])


def substeps_for(field: Callable[[Array], Array], t: Array, y: Array, tolerance: float, most: int = 64) -> Array:
    """Return RK4 sub-steps per interval for the motion y (T, 6, B) at t (T, B): (T-1,) integers in 1..most.

    Each interval is integrated from the state at its start by one step and by eight, whose difference is the error of
    one step. The error of n sub-steps falls as `n^-4`, so that `n = (error/tolerance)^(1/4)` for the worst trajectory
    keeps it below `tolerance`, relative to position and to velocity. Trajectories padded with NaN do not count.
    """
    states, dt = jnp.moveaxis(y, 1, 0)[:, :-1], jnp.diff(t, axis=0)
    coarse = step(field, states, dt)
    fine = jax.lax.fori_loop(0, 8, lambda _, y: step(field, y, dt / 8), states)
    error = _distance(coarse, fine)
    worst = jnp.max(jnp.nan_to_num(error, posinf=0.0), axis=-1)
    return jnp.clip(jnp.ceil((worst / tolerance) ** 0.25), 1, most).astype(jnp.int32)


def local_error(field: Callable[[Array], Array], t: Array, y: Array, substeps: Array) -> Array:
    """Return the local error (T-1, B) of each interval of a rollout y (T, 6, B) with substeps (T-1,).

    The end of the interval against that from twice as many sub-steps, both from the state at its start, relative to
    position and to velocity.
    """

    def interval(carry: None, inputs: tuple[Array, Array, Array, Array]) -> tuple[None, Array]:
        start, end, dt, count = inputs
        fine = jax.lax.fori_loop(0, 2 * count, lambda _, y: step(field, y, dt / (2 * count)), start)
        return carry, _distance(end, fine)

    return jax.lax.scan(interval, None, (y[:-1], y[1:], jnp.diff(t, axis=0), substeps))[1]


def _distance(a: Array, b: Array) -> Array:
    """Return the larger of the relative distances of positions and of velocities of states (6, ...)."""
    return jnp.maximum(*(_relative(a, b, part) for part in (slice(0, 3), slice(3, 6))))


def _relative(a: Array, b: Array, part: slice) -> Array:
    return jnp.linalg.norm(a[part] - b[part], axis=0) / jnp.linalg.norm(b[part], axis=0)
