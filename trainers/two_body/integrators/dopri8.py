"""Orbits of problems without a closed form: Dormand-Prince 8(7) in double precision at tight tolerance."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from trainers.common.lazy import LazyModule

diffrax = LazyModule("diffrax")
jax = LazyModule("jax")
jnp = LazyModule("jax.numpy")

TOLERANCE = 1e-12
"""Relative and absolute tolerance of a step [1, state units]."""

GROUP = 64
"""Trajectories integrated together; the last group is padded. A fixed number gives every trajectory the same bits,
whatever the size of its set."""

MOST_STEPS = 50_000
"""Most steps of a trajectory, beside ten per point; an orbit of e = 0.99 takes about 500 per revolution."""

Acceleration = Callable[[Any, Any], Any]


def integrate_orbits(acceleration: Acceleration, start: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Integrate `dr/dt = v, dv/dt = a(r, v)` from states (N, 6) through times (N, T) -> states (N, T, 6).

    Dormand-Prince 8(7), adaptive; steps end on the times t, so that nothing is interpolated.

    Raises:
        ValueError: a trajectory needs too many steps or diverges, as on a collision.
    """
    with jax.enable_x64(True):
        solve = _compiled(acceleration)
        groups = [_group(solve, start[k : k + GROUP], t[k : k + GROUP]) for k in range(0, len(start), GROUP)]
    y = np.concatenate(groups)
    _check(y)
    return y


@cache
def _compiled(acceleration: Acceleration) -> Callable[[Any, Any], Any]:
    return jax.jit(jax.vmap(partial(_solve, acceleration)))


def _solve(acceleration: Acceleration, y0: Any, ts: Any) -> Any:
    """Integrate one trajectory."""
    field = diffrax.ODETerm(lambda t, y, args: jnp.concatenate([y[3:], acceleration(y[:3], y[3:])]))
    adaptive = diffrax.PIDController(rtol=TOLERANCE, atol=TOLERANCE)
    solution = diffrax.diffeqsolve(
        field,
        diffrax.Dopri8(),
        t0=ts[0],
        t1=ts[-1],
        dt0=None,
        y0=y0,
        saveat=diffrax.SaveAt(ts=ts),
        stepsize_controller=diffrax.ClipStepSizeController(adaptive, step_ts=ts),
        max_steps=MOST_STEPS + 10 * len(ts),
        throw=False,
    )
    return solution.ys


def _group(solve: Callable[[Any, Any], Any], start: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Integrate up to GROUP trajectories, the last one repeated to fill the group."""
    padding = ((0, GROUP - len(start)), (0, 0))
    states = solve(np.pad(start, padding, mode="edge"), np.pad(t, padding, mode="edge"))
    return np.asarray(states)[: len(start)]


def _check(y: np.ndarray) -> None:
    finite = np.isfinite(y).all(axis=(1, 2))
    if not finite.all():
        raise ValueError(
            f"trajectory {int(np.argmin(finite))} could not be integrated at tolerance {TOLERANCE} "
            "within the largest number of steps; expected orbits clear of every body; narrow the ranges of the dataset"
        )
