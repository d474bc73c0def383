"""Refine unknowns by least squares through the exact simulator, many series at once.

Minimised is `sum((y - y(theta))^2 w^2) / s^2 + sum(((theta - first) / spread)^2)`: what the series says and what the
network said before. w weighs desires and efforts by their std; s^2, the mean square of the weighted residual, is taken
anew in every iteration, so that the first answer counts for much while the fit is poor and for nothing once it is
good, except where the series is silent: there it stays. Steps are those of Levenberg and Marquardt (Marquardt 1963),
within the range of the training set's unknowns, and with initial values where the first point puts them: a desire or
effort that is seen above its threshold is its own initial value, and one that is not started below it. A threshold mu
is no higher than its desire is ever seen, and just there if the desire rests there while something else moves, which
only a series without noise shows.

Starts are tried in turn, by a descent on the first EARLY points, where most of the motion is, until one fits. The
inverse of the curvature gives the uncertainty; without the network's word it tells which unknowns a series identifies.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trainers.preference_dynamics.propagate import propagate, propagate_with_derivatives
from trainers.preference_dynamics.system import Array

EARLY = 50
"""Points of the first descents."""

FLOOR = 1e-7
"""Least s: what rounding leaves of a perfect fit [std of the block]."""

IDENTIFIED = 0.3
"""An unknown is identified where the series alone leaves less than this of its spread over the training set [1]."""

NOTHING = 1e-4
"""A residual below this is none [std of the block]."""

NOISE = 2.0
"""A fit leaves at most this [noise of the series]."""

ALIKE, SURELY_ALIKE = 0.5, 0.25
"""Neighbouring residuals of a fit correlate by less than this, and of a fit that no other start follows [1]."""

SETTLED = 1e-7
"""A descent ends when an iteration lowers what is minimised by less than this part [1]."""

FIRST_POINT = 5.0
"""How far an initial value may be from the first point [std of the noise]."""

MOVING = 1e-6
"""A channel moves between two points if it changes by more than this [1]."""

SLACK = 1e-9
"""The same for rounding [1]."""

LOSS_OF_NAN = 1e3
"""Weighted residual that stands for a simulation that diverged."""

BLOCK = 512
"""Series worked on at a time."""


class Box(NamedTuple):
    """What is known of unknowns beforehand, (Q,) each."""

    low: Array
    high: Array
    std: Array
    """Spread over the training set; an unknown without spread is held where it is."""


class Refined(NamedTuple):
    """Unknowns after refining N series."""

    unknowns: Array
    """(N, Q)"""
    spread: Array
    """(N, Q) std of each, from the curvature."""
    identified: Array
    """(N, Q) whether the series alone determines each."""
    converged: Array
    """(N,) whether the residual looks like noise."""
    iterations: Array
    """(N,) of the last descent."""


def refine(given: Array, t: Array, starts: Array, first: Array, spread: Array, box: Box, steps: int) -> Refined:
    """Refine from starts (N, S, Q) for series (N, L, 2n); first and spread (N, Q) say what was known before."""
    blocks = [slice(k, k + BLOCK) for k in range(0, len(given), BLOCK)]
    parts = [_Fit(given[b], t, first[b], spread[b], box).run(starts[b], steps) for b in blocks]
    return Refined(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def bounds(given: Array, box: Box) -> tuple[Array, Array]:
    """Return the range (N, Q) of the unknowns of each series (N, L, 2n)."""
    low, high = (np.tile(edge, (len(given), 1)) for edge in (box.low, box.high))
    channels, seen = given.shape[2], given[:, 0]
    off = FIRST_POINT * noise_of(given) + SLACK
    initial_low, initial_high = low[:, -channels:], high[:, -channels:]
    rest = given.min(axis=1)
    _bound_thresholds(given, rest, off, box, low, high)
    high[:, -channels:] = np.clip(seen + off, initial_low, initial_high)
    low[:, -channels:] = np.where(seen > rest + 2 * off, np.clip(seen - off, initial_low, initial_high), initial_low)
    return low, high


def _bound_thresholds(given: Array, rest: Array, off: Array, box: Box, low: Array, high: Array) -> None:
    """Bound mu, in place: no desire is seen below it, and one that rests at its least while others move is at it."""
    n = given.shape[2] // 2
    change, free = np.abs(np.diff(given, axis=1)), box.std[n : 2 * n] > 0
    moving = (change > MOVING).any(axis=2, keepdims=True)
    resting = (change <= SLACK) & (given[:, 1:] <= rest[:, None] + SLACK)
    held = np.any(moving & resting[..., :n], axis=1)
    seen, width = rest[:, :n], np.where(held, SLACK, off[:, :n])
    least, most = low[:, n : 2 * n].copy(), high[:, n : 2 * n].copy()
    low[:, n : 2 * n] = np.where(free & held, np.clip(seen - width, least, most), least)
    high[:, n : 2 * n] = np.where(free, np.clip(seen + width, least, most), most)


def noise_of(given: Array) -> Array:
    """Return the std of the noise of each channel (N, 2n): the median size of second differences in the second half.

    Motion adds to it, so that it is rather too large. Noise of std s has second differences of std sqrt(6) s.
    """
    half = given[:, given.shape[1] // 2 :]
    return np.median(np.abs(np.diff(half, n=2, axis=1)), axis=1) / (0.6745 * 6**0.5)


class _Fit:
    """The problem of N series."""

    def __init__(self, given: Array, t: Array, first: Array, spread: Array, box: Box) -> None:
        self.given, self.t, self.first, self.box = given, t, first, box
        self.actions = given.shape[2] // 2
        self.low, self.high = bounds(given, box)
        self.free = np.flatnonzero(box.std > 0)
        self.precision = 1 / np.maximum(spread[:, self.free], 1e-6 * box.std[self.free]) ** 2
        blocks = np.stack([block.std(axis=(1, 2)) for block in np.split(given, 2, axis=2)], axis=1)
        means = np.stack([np.abs(block).mean(axis=(1, 2)) for block in np.split(given, 2, axis=2)], axis=1)
        self.weight = np.repeat(1 / (blocks + 1e-3 * (1 + means)), self.actions, axis=1)[:, None]
        self.noise = np.sqrt(((noise_of(given) * self.weight[:, 0]) ** 2).mean(axis=1))

    def take(self, chosen: Array, points: int | None = None) -> _Fit:
        """Return the problem of some series, or of their first points."""
        part = object.__new__(_Fit)
        part.given, part.t, part.first = self.given[chosen][:, :points], self.t[:points], self.first[chosen]
        part.low, part.high = self.low[chosen], self.high[chosen]
        part.box, part.actions, part.free = self.box, self.actions, self.free
        part.precision, part.weight, part.noise = self.precision[chosen], self.weight[chosen], self.noise[chosen]
        return part

    def run(self, starts: Array, steps: int) -> Refined:
        """Descend from the best start."""
        theta, iterations = self.descend(self.best_start(starts, steps), steps)
        residual, slopes = self.simulate(theta)
        spread, alone = self.uncertainty(slopes, self.level(residual))
        return Refined(theta, spread, alone < IDENTIFIED * self.box.std, self.fits(residual, ALIKE), iterations)

    def fits(self, residual: Array, alike: float) -> Array:
        """Return whether a residual (N, L, 2n) is nothing, or of the size of the noise and as irregular (N,)."""
        level = self.level(residual)
        return (level < NOTHING) | ((level < NOISE * self.noise) & (_neighbours(residual) < alike))

    def best_start(self, starts: Array, steps: int) -> Array:
        """Return for each series the first start (N, Q) that fits, or the one that leads lowest."""
        if starts.shape[1] == 1:
            return starts[:, 0]
        best, lowest = starts[:, 0].copy(), np.full(len(starts), np.inf)
        waiting = np.arange(len(starts))
        for k in range(starts.shape[1]):
            early = self.take(waiting, EARLY)
            theta, _ = early.descend(starts[waiting, k], steps)
            residual = early.residual(propagate(theta, early.t, self.actions))
            level = self.level(residual)
            lower = level < lowest[waiting]
            best[waiting[lower]], lowest[waiting[lower]] = theta[lower], level[lower]
            waiting = waiting[~early.fits(residual, SURELY_ALIKE)]
            if not waiting.size:
                break
        return best

    def descend(self, start: Array, steps: int) -> tuple[Array, Array]:
        """Return where at most `steps` iterations lead (N, Q), and how many there were (N,)."""
        theta = np.clip(start, self.low, self.high)
        damping, iterations = np.full(len(theta), 1e-2), np.zeros(len(theta), int)
        residual, slopes = self.simulate(theta)
        active = np.arange(len(theta))
        for _ in range(steps):
            part = self.take(active)
            new, move = part.propose(theta[active], residual[active], slopes[active], damping[active])
            new_residual = part.residual(propagate(new, self.t, self.actions))
            level = part.level(residual[active])
            before, after = part.cost(theta[active], residual[active], level), part.cost(new, new_residual, level)
            better = after < before
            taken = active[better]
            theta[taken], residual[taken] = new[better], new_residual[better]
            damping[active] = np.clip(damping[active] * np.where(better, 0.2, 8.0), 1e-14, 1e12)
            iterations[active] += 1
            settled = better & ((move < 1e-8) | (after > (1 - SETTLED) * before))
            going = ~(settled | (damping[active] > 1e10))
            moved, active = active[better & going], active[going]
            if not active.size:
                break
            slopes[moved] = self.take(moved).simulate(theta[moved])[1]
        return theta, iterations

    def simulate(self, theta: Array) -> tuple[Array, Array]:
        """Return weighted residuals (N, L, 2n) and weighted derivatives by the free unknowns (N, L 2n, F)."""
        series, slopes = propagate_with_derivatives(theta, self.t, self.actions)
        slopes = np.nan_to_num(slopes[..., self.free] * self.weight[..., None], nan=0.0)
        return self.residual(series), slopes.reshape(len(theta), series.shape[1] * series.shape[2], len(self.free))

    def residual(self, series: Array) -> Array:
        """Return weighted residuals of simulated series; a diverged one misses by LOSS_OF_NAN."""
        return np.nan_to_num((self.given - series) * self.weight, nan=LOSS_OF_NAN)

    def level(self, residual: Array) -> Array:
        """Return s (N,)."""
        return np.maximum(np.sqrt((residual**2).mean(axis=(1, 2))), FLOOR)

    def cost(self, theta: Array, residual: Array, level: Array) -> Array:
        """Return what is minimised (N,)."""
        before = (self.precision * (theta - self.first)[:, self.free] ** 2).sum(axis=1)
        return (residual**2).sum(axis=(1, 2)) / level**2 + before

    def propose(self, theta: Array, residual: Array, slopes: Array, damping: Array) -> tuple[Array, Array]:
        """Return the next unknowns (N, Q), and the largest move of one in units of its spread (N,)."""
        inverse = 1 / self.level(residual)[:, None] ** 2
        curvature = np.einsum("nkf,nkg->nfg", slopes, slopes, optimize=True) * inverse[..., None]
        pull = np.einsum("nkf,nk->nf", slopes, residual.reshape(len(theta), -1), optimize=True) * inverse
        pull -= self.precision * (theta - self.first)[:, self.free]
        index = np.arange(len(self.free))
        curvature[:, index, index] += self.precision
        curvature[:, index, index] *= 1 + damping[:, None]
        new = theta.copy()
        new[:, self.free] += solved(curvature, pull[..., None], self.precision.min(axis=1))[..., 0]
        new = np.clip(new, self.low, self.high)
        return new, (np.abs(new - theta)[:, self.free] / self.box.std[self.free]).max(axis=1)

    def uncertainty(self, slopes: Array, level: Array) -> tuple[Array, Array]:
        """Return the std (N, Q) of the unknowns, and the same had the network said nothing."""
        data = np.einsum("nkf,nkg->nfg", slopes, slopes, optimize=True) / level[:, None, None] ** 2
        spreads = []
        for precision in (self.precision, np.broadcast_to(self.box.std[self.free] ** -2, self.precision.shape)):
            spread = np.zeros(self.first.shape)
            every = np.eye(len(self.free))
            curvature = data + precision[:, None] * every
            covariance = solved(curvature, np.broadcast_to(every, curvature.shape), precision.min(axis=1))
            spread[:, self.free] = np.sqrt(np.maximum(np.diagonal(covariance, axis1=1, axis2=2), 0.0))
            spreads.append(spread)
        held = np.where(self.box.std > 0, spreads[1], -np.inf)
        return spreads[0], held


def solved(curvature: Array, right: Array, least: Array) -> Array:
    """Solve (N, F, F) x = (N, F, K) for curvatures whose eigenvalues are no smaller than `least` (N,).

    Where a series runs away, some unknowns bend the sum by 1e30 and more, and rounding leaves of the rest a singular
    matrix: its eigenvalues below `least` are then rounding, and taken to be `least`.
    """
    try:
        return np.linalg.solve(curvature, right)
    except np.linalg.LinAlgError:
        return np.stack([_solved(*one) for one in zip(curvature, right, least, strict=True)])


def _solved(curvature: Array, right: Array, least: float) -> Array:
    try:
        return np.linalg.solve(curvature, right)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(curvature)
        return np.asarray((vectors / np.maximum(values, least)) @ (vectors.T @ right))


def _neighbours(residual: Array) -> Array:
    """Return the correlation (N,) of residuals (N, L, 2n) with those of the next time."""
    together = (residual[:, 1:] * residual[:, :-1]).sum(axis=(1, 2))
    return together / np.maximum((residual**2).sum(axis=(1, 2)), np.finfo(float).tiny)
