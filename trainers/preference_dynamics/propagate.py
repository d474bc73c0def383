"""Propagate the piecewise linear system, exactly up to rounding, many trajectories at once.

Which channels are above their threshold (v > mu, m > 0) is the mode of a trajectory; within a mode `y' = A y + b`, whose
Taylor series is known term by term: `c_(k+1) = A c_k / (k+1)`. A step is so short that |A| h <= 3, where the 24 terms
leave 6e-14 of the size of the state. Its polynomial is looked at in eight places and at its turning points; where a
channel passes its threshold, the earliest passage is found by Newton's method within a bracket, the trajectory advances
to it, and its mode changes.

The right side is continuous at the thresholds. So a passage counts once it is TOLERANCE deep, which changes the
solution by no more than that and keeps a channel that touches its threshold from switching for ever; and derivatives
by the unknowns are continuous too: they follow `S' = A S + F(y)` with no jump.

Good values: grid steps of 1. Breaks where a system leaves the finite: trajectories beyond LIMIT are NaN from there on.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trainers.preference_dynamics.sensitivity import initial_sensitivity, observed_sensitivity, sensitivity_step
from trainers.preference_dynamics.system import Array, System, observe, unpack

TERMS = 24
"""Degree of the Taylor polynomial."""

REACH = 3.0
"""Largest |A| h of a step [1]."""

PLACES = np.linspace(0.0, 1.0, 9)
"""Where the polynomial is looked at, in parts of the step."""

TOLERANCE = 1e-12
"""Depth of a passage, relative to 1 + the size of the threshold."""

LIMIT = 1e5
"""Desire or effort beyond which a trajectory has diverged [1]."""

MOST_SWITCHES = 1000
"""Steps per grid interval after which a trajectory is given up."""

SETTLING, REST = 4, 1e-13
"""Every so many grid points, trajectories whose rates are below this, relative to 1 + their size, are at rest."""

POWERS = np.arange(TERMS + 1)
VALUES = PLACES[:, None] ** POWERS
SLOPES = np.concatenate([np.zeros((len(PLACES), 1)), POWERS[1:] * VALUES[:, :-1]], axis=1)

BLOCK = 4096
"""Trajectories worked on at a time."""


@dataclass
class _Flow:
    """Where N trajectories stand."""

    system: System
    y: Array
    """(2n, N) states."""
    above: Array
    """(2n, N) the mode: whether a channel is above its threshold."""
    sensitivity: Array | None
    """(2n, Q, N) derivatives of the state by the unknowns."""

    def take(self, chosen: Array) -> _Flow:
        """Return some of the trajectories."""
        system = System(*(part[..., chosen] for part in self.system))
        moved = None if self.sensitivity is None else self.sensitivity[..., chosen]
        return _Flow(system, self.y[:, chosen], self.above[:, chosen], moved)

    def put(self, chosen: Array, part: _Flow) -> None:
        """Write some of the trajectories back."""
        self.y[:, chosen], self.above[:, chosen] = part.y, part.above
        if self.sensitivity is not None:
            self.sensitivity[..., chosen] = part.sensitivity


def propagate(unknowns: Array, t: Array, actions: int) -> Array:
    """Return the observed series (N, T, 2n) of unknowns (N, Q) at the times t (T,), t[0] = 0.

    A trajectory that diverges, or switches without end, is NaN from there on.
    """
    return np.concatenate([_march(block, t, actions, False)[0] for block in _blocks(unknowns, BLOCK)])


def propagate_with_derivatives(unknowns: Array, t: Array, actions: int) -> tuple[Array, Array]:
    """Return the observed series (N, T, 2n) and its derivatives by the unknowns (N, T, 2n, Q)."""
    parts = [_march(block, t, actions, True) for block in _blocks(unknowns, BLOCK // (4 * unknowns.shape[1]))]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _blocks(unknowns: Array, size: int) -> list[Array]:
    return [unknowns[k : k + size] for k in range(0, len(unknowns), size)] or [unknowns]


def _march(unknowns: Array, t: Array, actions: int, derivatives: bool) -> tuple[Array, Array]:
    """Go from grid point to grid point; trajectories that fail drop out."""
    count, size = unknowns.shape
    flow = _start(unknowns, actions, derivatives)
    series = np.full((len(t), 2 * actions, count), np.nan)
    slopes = np.full((len(t), 2 * actions, size, count) if derivatives else (0, 0, 0, count), np.nan)
    alive = np.arange(count)
    for k, step in enumerate([0.0, *(b - a for a, b in pairwise(t))]):
        going = _advance(flow, step) if step > 0 else np.ones(len(alive), bool)
        if not going.all():
            alive, flow = alive[going], flow.take(going)
        series[k][:, alive] = observe(flow.y, flow.system.mu)
        if flow.sensitivity is not None:
            slopes[k][..., alive] = observed_sensitivity(flow.sensitivity, flow.above, actions)
        if k % SETTLING == 0:
            rest = _settled(flow)
            series[k:, :, alive[rest]] = series[k][:, alive[rest]]
            slopes[k:, ..., alive[rest]] = slopes[k : k + 1, ..., alive[rest]]
            alive, flow = alive[~rest], flow.take(~rest)
        if not alive.size:
            break
    return np.moveaxis(series, 2, 0), np.moveaxis(slopes, 3, 0)


def _settled(flow: _Flow) -> Array:
    """Tell which trajectories (N,) are seen to rest from now on.

    Channels above their threshold stand still, and those below it move away from it, at a rate that is then constant.
    """
    rate = _taylor(flow, np.ones(flow.y.shape[1]), degree=1)[1]
    rest = np.where(flow.above, np.abs(rate) < REST * (1 + np.abs(flow.y)), rate < -REST).all(axis=0)
    if flow.sensitivity is not None and rest.any():
        one = np.ones(len(rest))
        change = sensitivity_step(flow.sensitivity, np.stack([flow.y, rate]), flow.system, flow.above, one, one)
        change -= flow.sensitivity
        moving = np.abs(change) > 1e3 * REST * (1 + np.abs(flow.sensitivity))
        rest &= ~(moving & flow.above[:, None]).any(axis=(0, 1))
    return rest


def _start(unknowns: Array, actions: int, derivatives: bool) -> _Flow:
    system = unpack(unknowns, actions)
    y = np.concatenate([system.v0, system.m0])
    above = y > _thresholds(system)
    return _Flow(system, y, above, initial_sensitivity(actions, len(unknowns)) if derivatives else None)


def _thresholds(system: System) -> Array:
    return np.concatenate([system.mu, np.zeros_like(system.mu)])


def _advance(flow: _Flow, length: float) -> Array:
    """Advance all trajectories by `length`, in place; return which of them came through (N,)."""
    left = _step(flow, np.full(flow.y.shape[1], length))
    for _ in range(MOST_SWITCHES):
        waiting = np.flatnonzero(left > 0)
        if not waiting.size:
            break
        part = flow.take(waiting)
        left[waiting] = _step(part, left[waiting])
        flow.put(waiting, part)
    seen = observe(flow.y, flow.system.mu)
    with np.errstate(invalid="ignore"):
        return (np.abs(seen) < LIMIT).all(axis=0) & (left == 0)


def _step(flow: _Flow, left: Array) -> Array:
    """Take one step of each trajectory, at most to its next passage; return the time that is left (N,)."""
    step = np.minimum(left, REACH / _norm(flow.system))
    terms = _taylor(flow, step)
    end, passed = _first_passage(terms, flow)
    ongoing = ~passed.any(axis=0)
    y = terms.sum(axis=0)
    if not ongoing.all():
        index = np.flatnonzero(~ongoing)
        y[:, index] = (terms[..., index] * end[index] ** POWERS[:, None, None]).sum(axis=0)
    if flow.sensitivity is not None:
        flow.sensitivity = sensitivity_step(flow.sensitivity, terms, flow.system, flow.above, step, end)
    flow.y, flow.above = y, flow.above ^ passed
    finished = ongoing & (step == left)
    return np.where(finished | ~np.isfinite(y).all(axis=0), 0.0, left - end * step)


def _norm(system: System) -> Array:
    """Return a bound (N,) of the norm of A in every mode: the largest row sum of the whole matrix."""
    rows = np.concatenate([np.abs(system.pi).sum(axis=1), 1 + np.abs(system.gamma).sum(axis=1)])
    return rows.max(axis=0)


def _taylor(flow: _Flow, step: Array, degree: int = TERMS) -> Array:
    """Return the terms `c_k h^k` (degree + 1, 2n, N) of the solution in the present mode."""
    n, (system, above) = len(flow.system.g), (flow.system, flow.above)
    pi, gamma = (-step * above[n:] * matrix for matrix in (system.pi, system.gamma))
    wanted = step * above[:n]
    terms = np.empty((degree + 1, *flow.y.shape))
    terms[0] = flow.y
    for k in range(degree):
        v, m = terms[k, :n], terms[k, n:]
        desire, effect = wanted * v, _times(pi, m)
        if k == 0:
            desire, effect = desire + step * ~above[:n] * system.mu, effect + step * system.g
        terms[k + 1, :n] = effect / (k + 1)
        terms[k + 1, n:] = (desire + _times(gamma, m)) / (k + 1)
    return terms


def _times(matrix: Array, vector: Array) -> Array:
    """Multiply matrices (n, n, N) and vectors (n, N)."""
    product = matrix[:, 0] * vector[0]
    for j in range(1, len(vector)):
        product += matrix[:, j] * vector[j]
    return product


def _first_passage(terms: Array, flow: _Flow) -> tuple[Array, Array]:
    """Return the part of the step (N,) up to the first passage, and which channels (2n, N) pass there."""
    _, channels, count = terms.shape
    end, passed = np.ones(count), np.zeros((channels, count), bool)
    side = np.where(flow.above, 1.0, -1.0)
    threshold = _thresholds(flow.system)
    depth = TOLERANCE * (1 + np.abs(threshold))
    flat = terms.reshape(TERMS + 1, -1)
    height = (VALUES @ flat).reshape(-1, channels, count)
    slope = (SLOPES @ flat).reshape(-1, channels, count)
    height = side * (height - threshold) + depth
    slope *= side
    low, high = _brackets(height, slope, terms, side, threshold, depth)
    channel, which = np.nonzero(np.isfinite(high))
    if not which.size:
        return end, passed
    polynomial = side[channel, which] * terms[:, channel, which]
    polynomial[0] += (depth - side * threshold)[channel, which]
    root = np.full((channels, count), np.inf)
    root[channel, which] = _newton(polynomial, low[channel, which], high[channel, which])
    first = root.min(axis=0)
    return np.minimum(first, 1.0), (root == first) & np.isfinite(root)


def _brackets(
    height: Array, slope: Array, terms: Array, side: Array, threshold: Array, depth: Array
) -> tuple[Array, Array]:
    """Return between which parts of the step (2n, N) each channel first passes; infinite where it does not.

    height and slope (9, 2n, N) count positive on the present side. Between two places on that side a channel may have
    dipped: where the slope turns, the turning point of the cubic through both ends is looked at as well.
    """
    below = height[1:] < 0
    low = np.full(side.shape, np.inf)
    high = low.copy()
    channel, which = np.nonzero(below.any(axis=0))
    place = below[:, channel, which].argmax(axis=0)
    low[channel, which], high[channel, which] = PLACES[place], PLACES[place + 1]
    place, channel, which = np.nonzero((slope[:-1] < 0) & (slope[1:] > 0) & ~below & (height[:-1] > 0))
    if which.size:
        turning = _turning_point(height, slope, place, channel, which)
        value = (terms[:, channel, which] * turning ** POWERS[:, None]).sum(axis=0)
        dips = side[channel, which] * (value - threshold[channel, which]) + depth[channel, which] < 0
        dips &= turning < high[channel, which]
        later_first = np.flatnonzero(dips)[::-1]
        where = channel[later_first], which[later_first]
        low[where], high[where] = PLACES[place[later_first]], turning[later_first]
    return low, high


def _turning_point(height: Array, slope: Array, place: Array, channel: Array, which: Array) -> Array:
    """Return where the cubic through heights and slopes at both ends of an interval has its minimum."""
    width = PLACES[1] - PLACES[0]
    rise = (height[place + 1, channel, which] - height[place, channel, which]) / width
    before, after = slope[place, channel, which], slope[place + 1, channel, which]
    z = before + after - 3 * rise
    w = np.sqrt(z**2 - before * after)
    fraction = 1 - (after + w - z) / (after - before + 2 * w)
    return PLACES[place] + width * np.clip(fraction, 0.0, 1.0)


def _newton(polynomial: Array, low: Array, high: Array) -> Array:
    """Return the root (M,) of polynomials (TERMS + 1, M) that are positive at `low` and negative at `high`."""
    x = (low + high) / 2
    for _ in range(60):
        powers = x ** POWERS[:, None]
        value = (polynomial * powers).sum(axis=0)
        slope = (POWERS[1:, None] * polynomial[1:] * powers[:-1]).sum(axis=0)
        low, high = np.where(value >= 0, x, low), np.where(value >= 0, high, x)
        with np.errstate(all="ignore"):
            new = x - value / slope
        new = np.where((new >= low) & (new <= high), new, (low + high) / 2)
        done = np.abs(new - x).max() < 1e-15
        x = new
        if done:
            break
    return x
