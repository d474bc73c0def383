"""Solve the piecewise linear system, exactly up to rounding, many trajectories at once.

The mode of a trajectory is the set of its channels above their threshold (v > mu, m > 0). Within a mode `y' = A y + b`,
with the Taylor series `c_(k+1) = A c_k / (k+1)` (`taylor.py`). Steps have |A| h <= 3, where the truncation error after
24 terms is 6e-14 of the size of the state. The polynomial of a step is evaluated at eight points and at its turning
points; if a channel crosses its threshold, Newton's method within a bracket gives the earliest crossing
(`crossings.py`), the trajectory advances to it, and its mode changes. Trajectories that provably cross no threshold any
more continue by one affine map per grid step (`affine_steps.py`).

The right-hand side is continuous at the thresholds. A crossing therefore counts only once it is 1e-12 deep: this
changes the solution by no more than that, and keeps a channel that touches its threshold from switching for ever. For
the same reason derivatives with respect to the unknowns are continuous and follow `S' = A S + F(y)` without jumps
(`sensitivity.py`).

Good values: grid steps of 1. Trajectories beyond LIMIT have diverged and are NaN from there on.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from trainers.preference_dynamics.system.affine_steps import AffineSteps, crosses_no_more, start_affine_steps
from trainers.preference_dynamics.system.crossings import first_crossing
from trainers.preference_dynamics.system.equations import Array, observe
from trainers.preference_dynamics.system.sensitivity import observed_sensitivity, sensitivity_step
from trainers.preference_dynamics.system.taylor import POWERS, Flow, longest_step, start, taylor

LIMIT = 1e5
"""Desire or effort beyond which a trajectory has diverged [1]."""

MOST_SWITCHES = 1000
"""Steps per grid interval after which a trajectory counts as diverged."""

CHECK_EVERY = 4
"""Grid points between two checks for trajectories that cross no threshold any more."""

BLOCK = 4096
"""Trajectories solved at a time: few enough for the processor's cache."""


def solve(unknowns: Array, t: Array, actions: int) -> Array:
    """Return the observed series (N, T, 2n) of unknowns (N, Q) at the times t (T,), t[0] = 0.

    A trajectory that diverges, or switches modes without end, is NaN from there on.
    """
    return np.concatenate([_Integration(block, t, actions, False).run()[0] for block in _blocks(unknowns, BLOCK)])


def solve_with_derivatives(unknowns: Array, t: Array, actions: int) -> tuple[Array, Array]:
    """Return the observed series (N, T, 2n) and its derivatives with respect to the unknowns (N, T, 2n, Q)."""
    size = max(1, BLOCK // unknowns.shape[1])
    parts = [_Integration(block, t, actions, True).run() for block in _blocks(unknowns, size)]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _blocks(unknowns: Array, size: int) -> list[Array]:
    return [unknowns[k : k + size] for k in range(0, len(unknowns), size)] or [unknowns]


class _Integration:
    """The integration of N trajectories from grid point to grid point, by Taylor steps or by affine maps.

    `alive` are the indices of those that advance by Taylor steps; diverged ones are dropped.
    """

    def __init__(self, unknowns: Array, t: Array, actions: int, derivatives: bool) -> None:
        count, size = unknowns.shape
        self.steps = np.array([b - a for a, b in pairwise(t)])
        self.even = len(self.steps) > 0 and np.ptp(self.steps) <= 1e-9 * np.abs(self.steps).max()
        self.flow, self.alive = start(unknowns, actions, derivatives), np.arange(count)
        self.affine: AffineSteps | None = None
        self.series = np.full((len(t), 2 * actions, count), np.nan)
        self.slopes = np.full((len(t), 2 * actions, size, count) if derivatives else (0, 0, 0, count), np.nan)

    def run(self) -> tuple[Array, Array]:
        """Return series (N, T, 2n) and slopes (N, T, 2n, Q)."""
        self._write(0, self.alive, self.flow)
        for k, step in enumerate(self.steps, start=1):
            if self.affine is not None:
                self.affine.step()
                self._write(k, self.affine.index, self.affine.flow)
            if self.alive.size:
                self._step(k, step)
                if self.even and k % CHECK_EVERY == 0:
                    self._move_to_affine_steps()
        return np.moveaxis(self.series, 2, 0), np.moveaxis(self.slopes, 3, 0)

    def _step(self, k: int, step: float) -> None:
        finite = _advance(self.flow, step)
        if not finite.all():
            self._select(finite)
        self._write(k, self.alive, self.flow)

    def _select(self, members: Array) -> None:
        self.alive, self.flow = self.alive[members], self.flow.take(members)

    def _move_to_affine_steps(self) -> None:
        """Move trajectories that cross no threshold any more to affine steps."""
        free = crosses_no_more(self.flow)
        if not free.any():
            return
        more = start_affine_steps(self.alive[free], self.flow.take(free), float(self.steps[0]))
        self.affine = more if self.affine is None else self.affine.join(more)
        self._select(~free)

    def _write(self, k: int, index: Array, flow: Flow) -> None:
        self.series[k][:, index] = observe(flow.y, flow.system.mu)
        if flow.sensitivity is not None:
            self.slopes[k][..., index] = observed_sensitivity(flow.sensitivity, flow.above, len(flow.system.g))


def _advance(flow: Flow, length: float) -> Array:
    """Advance all trajectories by `length`, in place; return whether each arrived without diverging (N,)."""
    remaining = _step(flow, np.full(flow.y.shape[1], length))
    for _ in range(MOST_SWITCHES):
        unfinished = np.flatnonzero(remaining > 0)
        if not unfinished.size:
            break
        part = flow.take(unfinished)
        remaining[unfinished] = _step(part, remaining[unfinished])
        flow.put(unfinished, part)
    observed = observe(flow.y, flow.system.mu)
    with np.errstate(invalid="ignore"):
        return (np.abs(observed) < LIMIT).all(axis=0) & (remaining == 0)


def _step(flow: Flow, remaining: Array) -> Array:
    """Advance each trajectory by one step, at most to its next crossing; return the remaining time (N,)."""
    step = np.minimum(remaining, longest_step(flow.system))
    terms = taylor(flow, step)
    end, crossed = first_crossing(terms, flow)
    ongoing = ~crossed.any(axis=0)
    y = terms.sum(axis=0)
    if not ongoing.all():
        index = np.flatnonzero(~ongoing)
        y[:, index] = (terms[..., index] * end[index] ** POWERS[:, None, None]).sum(axis=0)
    if flow.sensitivity is not None:
        flow.sensitivity = sensitivity_step(flow.sensitivity, terms, flow.system, flow.above, step, end)
    flow.y, flow.above = y, flow.above ^ crossed
    # a trajectory that is not finite takes no further step
    finished = ongoing & (step == remaining)
    return np.where(finished | ~np.isfinite(y).all(axis=0), 0.0, remaining - end * step)
