"""Refine unknowns by least squares through the exact solution, many series at once.

The cost is `sum((y - y(theta))^2 w^2) / s^2 + sum(((theta - first) / spread)^2)`: the residual of the series, and the
distance from the first estimate. w is the inverse std of desires or of efforts; s^2 is the mean square of the weighted
residual, updated in every iteration. So the first estimate dominates while the fit is poor and hardly matters once it
is good, except for unknowns that the series does not determine, which keep their first values. Steps are those of
Levenberg and Marquardt (Marquardt 1963), within the bounds of `bounds.py`.

Starts are tried in turn, by a descent on the first EARLY points, where most of the motion is, until one fits. A last
descent has bounds as wide as the residual of the fit demands. The inverse of the curvature is the covariance of the
unknowns, for the observation error that the fit shows (`observation_error.py`); without the first estimate it shows
which of them the series identifies.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trainers.preference_dynamics.refinement.bounds import SLACK, Box, block_weights, bounds, relative_noise
from trainers.preference_dynamics.refinement.observation_error import (
    autocorrelation,
    observation_error,
    spread_of_unknowns,
)
from trainers.preference_dynamics.system.equations import Array
from trainers.preference_dynamics.system.solution import solve, solve_with_derivatives

EARLY = 50
"""Points in the descents that choose a start."""

FLOOR = 1e-7
"""Smallest s of a descent: a smaller one would make the curvature singular by rounding [std of the block]."""

LEAST_ERROR = 1e-14
"""Smallest observation error of a spread: rounding [std of the block]."""

IDENTIFIED = 0.3
"""An unknown is identified if its std by the series alone is below this part of its std over the training set [1]."""

NEGLIGIBLE = 1e-4
"""A residual below this counts as a fit, whatever its correlation [std of the block]."""

NOISE = 2.0
"""Largest residual of a fit [noise of the series]."""

CORRELATED, SURELY_CORRELATED = 0.5, 0.25
"""Autocorrelation of residuals below which they count as noise, and below which no further start is tried [1]."""

CONVERGED = 1e-7
"""Relative decrease of the cost in an iteration below which a descent ends [1]."""

LOSS_OF_NAN = 1e3
"""Weighted residual in place of NaN, where a solution has diverged."""

BLOCK = 512
"""Series refined at a time: bounds the memory."""


class Refined(NamedTuple):
    """Refined unknowns of N series."""

    unknowns: Array
    """(N, Q) in the flat order."""
    spread: Array
    """(N, Q) std of each, from the curvature."""
    identified: Array
    """(N, Q) whether the series alone determines each."""
    converged: Array
    """(N,) whether the residual looks like noise."""
    error: Array
    """(N,) estimated observation error [std of the block]."""
    white: Array
    """(N,) whether that error is white noise."""
    iterations: Array
    """(N,) iterations of the last descent."""


def refine(
    series: Array,
    t: Array,
    starts: Array,
    first: Array,
    spread: Array,
    box: Box,
    steps: int,
    least_error: float = LEAST_ERROR,
) -> Refined:
    """Refine from starts (N, S, Q) for series (N, L, 2n) at times t (L,), at most `steps` iterations per descent.

    first, spread (N, Q): the first estimate and its std, a normal prior of the unknowns. least_error: the observation
    error of a solver or an instrument, below which none is estimated [std of the block].
    """
    blocks = [slice(k, k + BLOCK) for k in range(0, len(series), BLOCK)]
    parts = [_Problem(series[b], t, first[b], spread[b], box).run(starts[b], steps, least_error) for b in blocks]
    return Refined(*(np.concatenate(column) for column in zip(*parts, strict=True)))


class _Problem:
    """The least-squares problems of N series."""

    def __init__(self, series: Array, t: Array, first: Array, spread: Array, box: Box) -> None:
        self.series, self.t, self.first, self.box = series, t, first, box
        self.actions = series.shape[2] // 2
        self.low, self.high = bounds(series, box)
        self.free = np.flatnonzero(box.std > 0)
        self.precision = 1 / np.maximum(spread[:, self.free], 1e-6 * box.std[self.free]) ** 2
        self.weight = block_weights(series)[:, None]
        self.noise = relative_noise(series)

    def take(self, index: Array, points: int | None = None) -> _Problem:
        """Return the problems of some series, or of their first points."""
        part = object.__new__(_Problem)
        part.series, part.t, part.first = self.series[index][:, :points], self.t[:points], self.first[index]
        part.low, part.high = self.low[index], self.high[index]
        part.box, part.actions, part.free = self.box, self.actions, self.free
        part.precision, part.weight, part.noise = self.precision[index], self.weight[index], self.noise[index]
        return part

    def run(self, starts: Array, steps: int, least_error: float) -> Refined:
        """Descend from the best start."""
        theta, iterations = self.descend(self.best_start(starts, steps), steps)
        theta, further = self.descend_within_wider_bounds(theta, steps)
        residual, slopes = self.linearise(theta)
        std = self.box.std[self.free]
        error, white = observation_error(residual, slopes, self.noise, std, least_error)
        spread, alone = np.zeros(theta.shape), np.full(theta.shape, -np.inf)
        spread[:, self.free] = spread_of_unknowns(slopes, error, self.precision**-0.5, FLOOR)
        alone[:, self.free] = spread_of_unknowns(slopes, error, np.broadcast_to(std, self.precision.shape), FLOOR)
        identified, converged = alone < IDENTIFIED * self.box.std, self.fits(residual, CORRELATED)
        return Refined(theta, spread, identified, converged, error, white, iterations + further)

    def descend_within_wider_bounds(self, theta: Array, steps: int) -> tuple[Array, Array]:
        """Descend again where the residual shows an error that the first bounds do not allow for.

        These bounds take a first point without noise for exact. A general solver has no noise, but it has errors.
        """
        residual = self.residual(solve(theta, self.t, self.actions))
        error = np.sqrt((residual**2).mean(axis=(1, 2)))[:, None] / self.weight[:, 0]
        self.low, self.high = bounds(self.series, self.box, error)
        index = np.flatnonzero((error > SLACK).any(axis=1))
        iterations = np.zeros(len(theta), int)
        if index.size:
            theta[index], iterations[index] = self.take(index).descend(theta[index], steps)
        return theta, iterations

    def fits(self, residual: Array, correlation: float) -> Array:
        """Return whether residuals (N, L, 2n) are negligible, or as small and as uncorrelated as noise (N,)."""
        level = self.level(residual)
        return (level < NEGLIGIBLE) | ((level < NOISE * self.noise) & (autocorrelation(residual) < correlation))

    def best_start(self, starts: Array, steps: int) -> Array:
        """Return for each series the first start (N, Q) that fits, or the one with the smallest residual."""
        if starts.shape[1] == 1:
            return starts[:, 0]
        best, lowest = starts[:, 0].copy(), np.full(len(starts), np.inf)
        remaining = np.arange(len(starts))
        for k in range(starts.shape[1]):
            early = self.take(remaining, EARLY)
            theta, _ = early.descend(starts[remaining, k], steps)
            residual = early.residual(solve(theta, early.t, self.actions))
            level = self.level(residual)
            lower = level < lowest[remaining]
            best[remaining[lower]], lowest[remaining[lower]] = theta[lower], level[lower]
            remaining = remaining[~early.fits(residual, SURELY_CORRELATED)]
            if not remaining.size:
                break
        return best

    def descend(self, start: Array, steps: int) -> tuple[Array, Array]:
        """Return unknowns (N, Q) after at most `steps` iterations, and the number of iterations (N,)."""
        theta = np.clip(start, self.low, self.high)
        damping, iterations = np.full(len(theta), 1e-2), np.zeros(len(theta), int)
        residual, slopes = self.linearise(theta)
        active = np.arange(len(theta))
        for _ in range(steps):
            part = self.take(active)
            new, move = part.propose(theta[active], residual[active], slopes[active], damping[active])
            new_residual = part.residual(solve(new, self.t, self.actions))
            level = part.level(residual[active])
            # both costs with the s before the step: with its own, smaller s a better step could look worse
            before, after = part.cost(theta[active], residual[active], level), part.cost(new, new_residual, level)
            better = after < before
            theta[active[better]], residual[active[better]] = new[better], new_residual[better]
            damping[active] = np.clip(damping[active] * np.where(better, 0.2, 8.0), 1e-14, 1e12)
            iterations[active] += 1
            converged = better & ((move < 1e-8) | (after > (1 - CONVERGED) * before))
            unfinished = ~(converged | (damping[active] > 1e10))
            moved, active = active[better & unfinished], active[unfinished]
            if not active.size:
                break
            slopes[moved] = self.take(moved).linearise(theta[moved])[1]
        return theta, iterations

    def linearise(self, theta: Array) -> tuple[Array, Array]:
        """Return weighted residuals (N, L, 2n) and weighted derivatives by the free unknowns (N, L 2n, F)."""
        solution, slopes = solve_with_derivatives(theta, self.t, self.actions)
        slopes = np.nan_to_num(slopes[..., self.free] * self.weight[..., None], nan=0.0)
        shape = len(theta), solution.shape[1] * solution.shape[2], len(self.free)
        return self.residual(solution), slopes.reshape(shape)

    def residual(self, solution: Array) -> Array:
        """Return weighted residuals of solutions (N, L, 2n); LOSS_OF_NAN where one has diverged."""
        return np.nan_to_num((self.series - solution) * self.weight, nan=LOSS_OF_NAN)

    def level(self, residual: Array) -> Array:
        """Return s (N,): the root mean square of weighted residuals (N, L, 2n), at least FLOOR."""
        return np.maximum(np.sqrt((residual**2).mean(axis=(1, 2))), FLOOR)

    def cost(self, theta: Array, residual: Array, level: Array) -> Array:
        """Return the cost (N,)."""
        prior = (self.precision * (theta - self.first)[:, self.free] ** 2).sum(axis=1)
        return (residual**2).sum(axis=(1, 2)) / level**2 + prior

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
        new[:, self.free] += solve_curvature(curvature, pull[..., None], self.precision.min(axis=1))[..., 0]
        new = np.clip(new, self.low, self.high)
        return new, (np.abs(new - theta)[:, self.free] / self.box.std[self.free]).max(axis=1)


def solve_curvature(curvature: Array, right: Array, least: Array) -> Array:
    """Solve (N, F, F) x = (N, F, K) for curvatures whose eigenvalues are no smaller than `least` (N,).

    Near divergence the curvature along some unknowns is 1e30 and more, and rounding makes the rest singular. Computed
    eigenvalues below `least` are then rounding errors, and `least` takes their place.
    """
    try:
        return np.linalg.solve(curvature, right)
    except np.linalg.LinAlgError:
        return np.stack([_solve_one(*one) for one in zip(curvature, right, least, strict=True)])


def _solve_one(curvature: Array, right: Array, least: float) -> Array:
    try:
        return np.linalg.solve(curvature, right)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(curvature)
        return np.asarray((vectors / np.maximum(values, least)) @ (vectors.T @ right))
