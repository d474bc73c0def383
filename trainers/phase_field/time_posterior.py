"""At what time is this structure? A posterior over times from a predicted curve and the errors of its model.

The scores of a structure at time t are taken to be normal about the predicted curve, with the covariance C(t) of the
errors on validation runs:

    p(t | s) ~ exp(-(s - curve(t))' C(t)^-1 (s - curve(t))/2) / sqrt(det C(t)),   t uniform over the curve

Between snapshots curve and covariance are interpolated. The smallest set of times that holds a probability `level` is
the set of the structure; the level at which such sets hold 90 % of the true times is found on the validation runs
(split conformal prediction over highest-density sets: Lei, Robins & Wasserman 2013, JASA 108:278). The source takes
`softmax(-d/0.1)` of a weighted squared distance d instead, whose 0.1 promises nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trainers.common.calibration import conformal_factor

Array = np.ndarray

FINER = 8
"""Times per snapshot in a posterior."""

WINDOW = 3
"""Snapshots on either side whose errors count for a covariance."""

STRIDE = 3
"""Every third snapshot of a run is a structure whose time is deduced; the first is given."""

LEAST_STD = 1e-4
"""Smallest std of an error [score]: single precision, and what a simulation's step costs."""


class TimePosterior(NamedTuple):
    """Posteriors over the time of N runs with S structures each, as probabilities of G fine times."""

    grid: Array
    """(G,)"""
    probability: Array
    """(N, S, G), each sums to 1."""

    def mean(self) -> Array:
        """Return the expected time (N, S)."""
        return np.asarray(self.probability @ self.grid)

    def depth(self, time: Array) -> Array:
        """Return the probability (N, S) of all times that are likelier than `time` (N, S): 0 at the mode."""
        place = np.clip(np.searchsorted(self.grid, time - 1e-9), 0, len(self.grid) - 1)
        own = np.take_along_axis(self.probability, place[..., None], axis=2)
        return np.asarray(np.where(self.probability > own, self.probability, 0.0).sum(axis=2))

    def interval(self, level: float) -> tuple[Array, Array, Array]:
        """Return the ends (N, S) of the smallest set of times that holds `level`, and its size, gaps left out."""
        order = np.argsort(-self.probability, axis=2, kind="stable")
        ordered = np.take_along_axis(self.probability, order, axis=2)
        before = np.cumsum(ordered, axis=2) - ordered
        inside = np.zeros(self.probability.shape, bool)
        np.put_along_axis(inside, order, before <= level, axis=2)
        count = len(self.grid)
        low, high = inside.argmax(axis=2), count - 1 - inside[..., ::-1].argmax(axis=2)
        width = (self.grid[-1] - self.grid[0]) / (count - 1)
        return self.grid[low], self.grid[high], width * inside.sum(axis=2)


def time_posterior(curves: Array, scores: Array, t: Array, covariance: Array) -> TimePosterior:
    """Return posteriors for scores (N, S, K) on curves (N, T, K) at times t (T,) with covariances (T, K, K)."""
    grid = np.linspace(t[0], t[-1], (len(t) - 1) * FINER + 1)
    fine = _between(covariance, t, grid)
    # whitening at each time turns the distance into a plain sum of squares
    whitening = np.linalg.inv(np.linalg.cholesky(fine))
    log_size = -np.log(np.diagonal(whitening, axis1=1, axis2=2)).sum(axis=1)
    probability = np.empty((*scores.shape[:2], len(grid)))
    for run, curve in enumerate(curves):
        centre = np.einsum("gij,gj->gi", whitening, _between(curve, t, grid))
        away = np.einsum("gij,sj->sgi", whitening, scores[run]) - centre
        log_density = -0.5 * (away**2).sum(axis=2) - log_size
        density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
        probability[run] = density / density.sum(axis=1, keepdims=True)
    return TimePosterior(grid, probability)


def calibrate(curves: Array, scores: Array, t: Array) -> dict[str, Array]:
    """Return covariances and the level of 90 % sets from predicted and true curves (N, T, K) of validation runs."""
    covariance = error_covariance(curves, scores)
    chosen = structures(len(t))
    # run by run, since a posterior is large
    depth = np.concatenate(
        [
            time_posterior(curve[None], run[None, chosen], t, covariance).depth(t[None, chosen]).reshape(-1, 1)
            for curve, run in zip(curves, scores, strict=True)
        ]
    )
    level = conformal_factor(depth, np.ones_like(depth), otherwise=0.9)
    return {"time/covariance": covariance, "time/level": level}


def structures(points: int) -> Array:
    """Return the indices of the snapshots whose time is deduced."""
    return np.arange(1, points, STRIDE)


def error_covariance(curves: Array, scores: Array) -> Array:
    """Return the mean of `e e'` over runs and neighbouring snapshots (T, K, K); the first, given, has none."""
    error = scores - curves
    products = np.einsum("nti,ntj->tij", error, error) / len(error)
    count = len(products)
    smooth = [products[max(1, k - WINDOW) : k + WINDOW + 1].mean(axis=0) for k in range(count)]
    return np.stack(smooth) + LEAST_STD**2 * np.eye(products.shape[1])


def _between(values: Array, t: Array, grid: Array) -> Array:
    """Interpolate values (T, ...) linearly to the times of a grid."""
    place = np.clip(np.searchsorted(t, grid, "right") - 1, 0, len(t) - 2)
    share = ((grid - t[place]) / (t[place + 1] - t[place])).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray((1 - share) * values[place] + share * values[place + 1])
