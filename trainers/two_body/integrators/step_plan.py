"""Plan the integration steps of every segment from the data, before any training.

A training integrates the same segments thousands of times, and the true dynamics decide where a segment needs short
steps. So the steps are planned once: as few as keep the local error on the true dynamics below a tolerance, short near
periapsis and long elsewhere. The method is that of `tsit5.py`, whose continuous extension gives the points in between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from trainers.two_body.integrators.tsit5 import between, step

MOST_STEPS = 256
"""Steps per segment at which the search ends; `Plan.local_error` then exceeds the tolerance."""

PARTS = 4
"""Shorter steps with which a step is compared; their error together is about 1000 times smaller (4^5)."""

LONGEST_ANGLE = 0.15
"""Phase angle of a step on a circle at a local error of 1e-8 [rad], rounded up: the search begins with such steps."""

BLOCK = 16_384
"""Segments planned at a time: bounds the memory, whatever the size of the data."""

Field = Callable[[np.ndarray], np.ndarray]


class Plan(NamedTuple):
    """The steps of S segments."""

    nodes: np.ndarray
    """(S, M+1) times at which steps begin and end; a segment with fewer steps than M repeats its last time."""
    steps: np.ndarray
    """(S,) number of steps."""
    local_error: np.ndarray
    """(S,) largest error of a step, at its end and inside, relative to position and to velocity."""


def plan_steps(field: Field, t: np.ndarray, y: np.ndarray, tolerance: float) -> Plan:
    """Plan the steps of segments t (S, L), y (S, L, 6) under the true dynamics `field`, (6, S) -> (6, S).

    The steps of a segment cover equal shares of its local phase angle, `integral of sqrt(|da| / |dr|)`, which on a
    Kepler orbit is the integral of `r^(-3/2)` and on an oscillator that of its frequency. Their number is the smallest
    that keeps the local error of each step below `tolerance`.
    """
    blocks = [_plan(field, t[k : k + BLOCK], y[k : k + BLOCK], tolerance) for k in range(0, max(len(t), 1), BLOCK)]
    most = max(int(block.steps.max(initial=1)) for block in blocks)
    nodes = [np.pad(b.nodes, ((0, 0), (0, most + 1 - b.nodes.shape[1])), mode="edge") for b in blocks]
    return Plan(np.concatenate(nodes), *(np.concatenate([b[k] for b in blocks]) for k in (1, 2)))


def _plan(field: Field, t: np.ndarray, y: np.ndarray, tolerance: float) -> Plan:
    angle = _phase_angle(field, t, y)
    # the error within a step is O(dt^5), so that the step grows as tolerance^(1/5)
    fewest = np.maximum(1, np.floor(angle[:, -1] / (LONGEST_ANGLE * (tolerance / 1e-8) ** 0.2)))
    steps, error = np.zeros(len(t), np.int64), np.full(len(t), np.inf)
    by_count = {}
    for count in range(1, MOST_STEPS + 1):
        unplanned = np.flatnonzero((steps == 0) & (fewest <= count))
        if unplanned.size:
            nodes = _equal_shares(angle[unplanned], t[unplanned], count)
            error[unplanned] = local_error(field, y[unplanned, 0].T, nodes)
            accepted = (error[unplanned] <= tolerance) | (count == MOST_STEPS)
            steps[unplanned[accepted]] = count
            by_count[count] = unplanned[accepted], nodes[accepted]
        if steps.all():
            break
    table = np.repeat(t[:, -1:], steps.max(initial=1) + 1, axis=1)
    for count, (rows, nodes) in by_count.items():
        table[rows, : count + 1] = nodes
    return Plan(table, steps, error)


def _phase_angle(field: Field, t: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the local phase angle (S, L) from the start of each segment to each of its points [rad]."""
    acceleration = np.moveaxis(field(np.moveaxis(y, 2, 0))[3:], 0, -1)
    change, distance = (np.linalg.norm(np.diff(x, axis=1), axis=2) for x in (acceleration, y[..., :3]))
    rate = np.sqrt(change / np.maximum(distance, np.finfo(float).tiny))
    angle = np.cumsum(rate * np.diff(t, axis=1), axis=1)
    return np.pad(angle, ((0, 0), (1, 0)))


def _equal_shares(angle: np.ndarray, t: np.ndarray, count: int) -> np.ndarray:
    """Return the times (S, count+1) at which the phase angle is 0, 1/count, ..., 1 of that of the whole segment."""
    shares = np.linspace(0.0, 1.0, count + 1)
    rows = [np.interp(shares * angles[-1], angles, times) for angles, times in zip(angle, t, strict=True)]
    return np.array(rows)


def local_error(field: Field, y: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Return the largest local error (S,) of steps between the nodes (S, M+1), from states (6, S).

    Each step is compared with `PARTS` shorter ones from the same state, at its end and at the joints in between.
    """
    worst = np.zeros(len(nodes))
    for dt in np.diff(nodes, axis=1).T:
        first = field(y)
        new, slopes = step(field, y, first, dt)
        fine = y
        for part in range(1, PARTS + 1):
            fine, short = step(field, fine, first, dt / PARTS)
            first = short[-1]
            guess = new if part == PARTS else between(y, slopes, dt, part / PARTS)
            worst = np.maximum(worst, _relative(guess, fine))
        y = fine
    return worst


def _relative(guess: np.ndarray, truth: np.ndarray) -> np.ndarray:
    parts = slice(0, 3), slice(3, 6)
    errors = [np.linalg.norm((guess - truth)[p], axis=0) / np.linalg.norm(truth[p], axis=0) for p in parts]
    return np.maximum(*errors)
