"""Integrate segments in training: an autonomous field dy/dt = f(p, y) through the times of the data.

Arrays carry time first, then channels, then the batch B: t (L, B), y (L, 6, B); gradients go through every method.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import diffrax
import jax
import jax.numpy as jnp
from jax import Array

from trainers.two_body.config import Solver
from trainers.two_body.integrators import rk4, tsit5
from trainers.two_body.integrators.packing import Packing

Field = Callable[[Any, Array], Array]
"""f(p, y): parameters (any pytree of arrays) and states (6, ...) -> derivatives (6, ...)."""

ADJOINTS = {
    "checkpointed": diffrax.RecursiveCheckpointAdjoint,
    "direct": diffrax.DirectAdjoint,
    "backsolve": diffrax.BacksolveAdjoint,
}


class PlannedSteps(NamedTuple):
    """The planned steps of segments, M of them at most, and the position of each data point among them."""

    dt: Array
    """(M, B) lengths of the steps; 0 where a segment has fewer."""
    step: Array
    """(L-1, B) number of the step within which each point but the first lies."""
    theta: Array
    """(L-1, B) fraction of that step at which the point lies, in (0, 1]."""


class Solution(NamedTuple):
    """States at the times of the data, and the work of the solver per segment."""

    y: Array
    """(L, 6, B) states; the first ones are the initial states."""
    steps: Array
    """(B,) steps taken, rejected ones included."""
    failed: Array
    """(B,) whether the solver gave up."""
    captured: Any = None
    """The value of `capture` at the states."""


def solve(
    field: Field,
    parameters: Any,
    t: Array,
    y0: Array,
    solver: Solver,
    capture: Callable[[Array], Any] | None = None,
) -> Solution:
    """Integrate from y0 (6, B) through t (L, B), differentiably in the parameters.

    `capture` is applied to the states after the solve, so that it does not change the solution, and costs nothing if it
    is None.
    """
    y, steps, failed = {"rk4": _rk4, "tsit5": _tsit5}[solver.method](field, parameters, t, y0, solver)
    return Solution(y, steps, failed, capture(y) if capture else None)


def _rk4(field: Field, parameters: Any, t: Array, y0: Array, solver: Solver) -> tuple[Array, Array, Array]:
    """Take `substeps` equal steps per data interval; gradients recompute the states within an interval."""

    @jax.checkpoint
    def interval(y: Array, dt: Array) -> tuple[Array, Array]:
        short = dt / solver.substeps
        y = jax.lax.fori_loop(0, solver.substeps, lambda _, y: rk4.step(partial(field, parameters), y, short), y)
        return y, y

    _, later = jax.lax.scan(interval, y0, jnp.diff(t, axis=0))
    batch = y0.shape[-1]
    steps = jnp.full((batch,), solver.substeps * (t.shape[0] - 1))
    return jnp.concatenate([y0[None], later]), steps, jnp.zeros((batch,), bool)


def solve_planned(field: Field, parameters: Any, y0: Array, plan: PlannedSteps, packing: Packing) -> Solution:
    """Integrate segments from y0 (6, B) by planned steps, packed into columns; differentiable.

    Each of T rounds takes one step in all W columns; where a segment begins, its column starts from that segment's
    initial state. The first slope of a step is the last one of the step before; those of the initial states are
    evaluated together beforehand. States at the times of the data come from the continuous extension. Gradients
    recompute the stages of a step.
    """
    first = field(parameters, y0)
    lengths = jnp.where(packing.busy, plan.dt[packing.number, packing.position], 0.0)

    @jax.checkpoint
    def advance(carry: tuple[Array, Array], inputs: tuple[Array, ...]) -> tuple[tuple[Array, Array], Array]:
        begins, dt, y_first, slope_first = inputs
        y, slope = jnp.where(begins, y_first, carry[0]), jnp.where(begins, slope_first, carry[1])
        new, slopes = tsit5.step(partial(field, parameters), y, slope, dt)
        return (new, slopes[-1]), jnp.concatenate([y, *(dt * k for k in slopes)])

    begins = packing.number == 0
    starts = jnp.moveaxis(y0[:, packing.position], 1, 0), jnp.moveaxis(first.T[packing.position], 2, 1)
    zeros = (jnp.zeros_like(starts[0][0]), jnp.zeros_like(starts[0][0]))
    _, steps_taken = jax.lax.scan(advance, zeros, (begins, lengths, *starts))  # (T, 48, W): state and seven slopes
    rows = packing.first + plan.step * begins.shape[1]
    at_points = jnp.moveaxis(steps_taken, 1, 2).reshape(-1, steps_taken.shape[1])[rows]
    y, *slopes = jnp.moveaxis(at_points.reshape(*rows.shape, 8, 6), (2, 3), (0, 2))
    later = tsit5.between(y, slopes, 1.0, plan.theta[:, None])  # the slopes already carry their dt
    steps = jnp.sum(plan.dt > 0, axis=0)
    return Solution(jnp.concatenate([y0[None], later]), steps, jnp.zeros(steps.shape, bool))


def _tsit5(field: Field, parameters: Any, t: Array, y0: Array, solver: Solver) -> tuple[Array, Array, Array]:
    """Integrate each segment adaptively (Tsitouras 2011, PID controller); a failed one ends in infinite states."""
    leaves, structure = jax.tree.flatten(parameters)  # the backsolve adjoint cannot take empty branches

    def one(t: Array, y0: Array) -> tuple[Array, Array, Array]:
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

    return jax.vmap(one, in_axes=(1, 1), out_axes=(2, 0, 0))(t, y0)
