"""Integrate an autonomous field dy/dt = f(p, y) for a batch of initial states, through the times of the data.

Arrays carry time first, then channels, then the batch B: t (L, B), y (L, 6, B); see `solve` and `roll_out`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import diffrax
import jax
import jax.numpy as jnp
from jax import Array

from trainers.two_body import tsit5
from trainers.two_body.config import Solver
from trainers.two_body.lanes import Lanes

Field = Callable[[Any, Array], Array]
"""f(p, y): parameters (any pytree of arrays) and states (6, ...) -> derivatives (6, ...)."""

ADJOINTS = {
    "checkpointed": diffrax.RecursiveCheckpointAdjoint,
    "direct": diffrax.DirectAdjoint,
    "backsolve": diffrax.BacksolveAdjoint,
}


class Planned(NamedTuple):
    """The planned steps of segments, M of them at most, and where the points of the data lie among them."""

    dt: Array
    """(M, B) lengths of the steps; 0 where a segment has fewer."""
    step: Array
    """(L-1, B) number of the step that holds each point but the first."""
    theta: Array
    """(L-1, B) fraction of that step at which the point lies, in (0, 1]."""


class Solution(NamedTuple):
    """States at the given times, and what the solver says of each lane."""

    y: Array
    """(L, 6, B) states; the first ones are the initial states."""
    steps: Array
    """(B,) steps taken, rejected ones included."""
    failed: Array
    """(B,) whether the solver gave up."""
    captured: Any = None
    """Whatever `capture` made of the states."""


def solve(
    field: Field,
    parameters: Any,
    t: Array,
    y0: Array,
    solver: Solver,
    capture: Callable[[Array], Any] | None = None,
) -> Solution:
    """Integrate from y0 (6, B) through t (L, B), differentiably in the parameters.

    `capture` is applied to the states after the solve, so that capturing costs nothing when it is off and changes
    nothing when it is on.
    """
    y, steps, failed = {"rk4": _rk4, "tsit5": _tsit5}[solver.method](field, parameters, t, y0, solver)
    return Solution(y, steps, failed, capture(y) if capture else None)


def rk4_step(field: Callable[[Array], Array], y: Array, dt: Array) -> Array:
    """Take one step of the classical method of Runge and Kutta, local error O(dt^5); dt broadcasts against y."""
    k1 = field(y)
    k2 = field(y + dt / 2 * k1)
    k3 = field(y + dt / 2 * k2)
    k4 = field(y + dt * k3)
    return y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def _rk4(field: Field, parameters: Any, t: Array, y0: Array, solver: Solver) -> tuple[Array, Array, Array]:
    """Take `substeps` equal steps per data interval; gradients recompute the inside of an interval."""

    @jax.checkpoint
    def interval(y: Array, dt: Array) -> tuple[Array, Array]:
        short = dt / solver.substeps
        y = jax.lax.fori_loop(0, solver.substeps, lambda _, y: rk4_step(partial(field, parameters), y, short), y)
        return y, y

    _, later = jax.lax.scan(interval, y0, jnp.diff(t, axis=0))
    lanes = y0.shape[-1]
    steps = jnp.full((lanes,), solver.substeps * (t.shape[0] - 1))
    return jnp.concatenate([y0[None], later]), steps, jnp.zeros((lanes,), bool)


def solve_planned(field: Field, parameters: Any, y0: Array, plan: Planned, lanes: Lanes) -> Solution:
    """Integrate segments from y0 (6, B) by steps planned beforehand, packed into lanes; differentiable.

    Each of T times takes one step in all W lanes; a lane whose segment has ended goes on from the initial state of its
    next one. The field at all initial states is evaluated at once, beforehand; every other first slope is the last one
    of the step before. States at the times of the data come from the continuous extension. Gradients recompute the
    inside of a step.
    """
    first = field(parameters, y0)
    lengths = jnp.where(lanes.busy, plan.dt[lanes.number, lanes.position], 0.0)

    @jax.checkpoint
    def advance(carry: tuple[Array, Array], inputs: tuple[Array, ...]) -> tuple[tuple[Array, Array], Array]:
        begins, dt, y_first, slope_first = inputs
        y, slope = jnp.where(begins, y_first, carry[0]), jnp.where(begins, slope_first, carry[1])
        new, slopes = tsit5.step(partial(field, parameters), y, slope, dt)
        return (new, slopes[-1]), jnp.concatenate([y, *(dt * k for k in slopes)])

    begins = lanes.number == 0
    starts = jnp.moveaxis(y0[:, lanes.position], 1, 0), jnp.moveaxis(first.T[lanes.position], 2, 1)
    still = (jnp.zeros_like(starts[0][0]), jnp.zeros_like(starts[0][0]))
    _, taken = jax.lax.scan(advance, still, (begins, lengths, *starts))
    rows = lanes.first + plan.step * begins.shape[1]
    found = jnp.moveaxis(taken, 1, 2).reshape(-1, taken.shape[1])[rows]
    y, *slopes = jnp.moveaxis(found.reshape(*rows.shape, 8, 6), (2, 3), (0, 2))
    later = tsit5.between(y, slopes, 1.0, plan.theta[:, None])
    steps = jnp.sum(plan.dt > 0, axis=0)
    return Solution(jnp.concatenate([y0[None], later]), steps, jnp.zeros(steps.shape, bool))


def _tsit5(field: Field, parameters: Any, t: Array, y0: Array, solver: Solver) -> tuple[Array, Array, Array]:
    """Let every lane choose its own steps (Tsitouras 2011, PID controller); a failed lane is not finite at its end."""
    leaves, structure = jax.tree.flatten(parameters)  # the backsolve adjoint cannot take empty branches

    def lane(t: Array, y0: Array) -> tuple[Array, Array, Array]:
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda _, y, p: field(jax.tree.unflatten(structure, p), y)),
            diffrax.Tsit5(),
            t0=t[0],
            t1=t[-1],
            dt0=None,
            y0=y0,
            args=leaves,
            saveat=diffrax.SaveAt(ts=t),
            stepsize_controller=diffrax.PIDController(rtol=solver.rtol, atol=solver.atol),
            adjoint=ADJOINTS[solver.adjoint](),
            max_steps=solver.max_steps,
            throw=False,
        )
        failed = solution.result != diffrax.RESULTS.successful
        return solution.ys, solution.stats["num_steps"], failed

    return jax.vmap(lane, in_axes=(1, 1), out_axes=(2, 0, 0))(t, y0)


def roll_out(field: Callable[[Array], Array], t: Array, y0: Array, substeps: Array) -> Array:
    """Integrate from y0 (6, B) through t (T, B) by RK4 with substeps (T-1,) per interval; returns (T, 6, B).

    The number of sub-steps is an argument of the compiled program, not a part of it; no gradient goes through.
    """

    def interval(y: Array, inputs: tuple[Array, Array]) -> tuple[Array, Array]:
        dt, count = inputs
        y = jax.lax.fori_loop(0, count, lambda _, y: rk4_step(field, y, dt / count), y)
        return y, y

    _, later = jax.lax.scan(interval, y0, (jnp.diff(t, axis=0), substeps))
    return jnp.concatenate([y0[None], later])


def needed_substeps(field: Callable[[Array], Array], t: Array, y: Array, tolerance: float, most: int = 64) -> Array:
    """Choose RK4 sub-steps per interval from data: t (T, B), y (T, 6, B) -> (T-1,) integers in 1..most.

    Each interval is integrated from its known state by one step and by eight. The local error of n sub-steps falls as
    `n^-4`, so `n = (error/tolerance)^(1/4)` of the worst lane keeps it below `tolerance`, relative to position and to
    velocity. Lanes padded with NaN do not count.
    """
    states, dt = jnp.moveaxis(y, 1, 0)[:, :-1], jnp.diff(t, axis=0)
    coarse = rk4_step(field, states, dt)
    fine = jax.lax.fori_loop(0, 8, lambda _, y: rk4_step(field, y, dt / 8), states)
    error = jnp.maximum(*(_relative(coarse, fine, part) for part in (slice(0, 3), slice(3, 6))))
    worst = jnp.max(jnp.nan_to_num(error, posinf=0.0), axis=-1)
    return jnp.clip(jnp.ceil((worst / tolerance) ** 0.25), 1, most).astype(jnp.int32)


def _relative(a: Array, b: Array, part: slice) -> Array:
    return jnp.linalg.norm(a[part] - b[part], axis=0) / jnp.linalg.norm(b[part], axis=0)
