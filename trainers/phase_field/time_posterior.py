"""At what time is this structure? A posterior over times from a predicted curve and the errors of its model.

The scores of a structure at time t are taken to be normal about the predicted curve, with the covariance C(t) of the
errors on validation runs, times a growth g of the run:

    p(t | s) ~ exp(-(s - curve(t))' C(t)^-1 (s - curve(t))/(2 g)) / sqrt(det C(t)),   t uniform over the curve

A model is less sure of a run that lies far from those it was trained on: `g = a + b d`, as the variance of a linear
regression grows, with the squared distance d of its parameters from their mean (in standard deviations; c0 as
|2 c0 - 1|, since c -> 1 - c maps runs onto runs). a and b are fitted on validation runs, so that g is about 1 there.

Between snapshots curve and covariance are interpolated. The smallest set of times that holds a probability `level` is
the set of the structure; the level at which such sets hold 90 % of the true times is found on the validation runs
(split conformal prediction over highest-density sets: Lei, Robins & Wasserman 2013, JASA 108:278). The source takes
`softmax(-d/0.1)` of a weighted squared distance d instead, whose 0.1 promises nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trainers.common.calibration import conformal_factor
from trainers.study import Arrays

Array = np.ndarray

FINER = 8
"""Times per snapshot in a posterior."""

WINDOW = 3
"""Snapshots on either side whose errors count for a covariance."""

STRIDE = 3
"""Every third snapshot of a run is a structure whose time is deduced; the first is given."""

LEAST_STD = 1e-4
"""Smallest std of an error [score]: single precision, and what a simulation's step costs."""

LEAST_GROWTH = 1e-3
"""Smallest a [1]: keeps the logarithm of its likelihood finite where a model makes no error."""


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


def time_posterior(curves: Array, scores: Array, t: Array, covariance: Array, growth: Array) -> TimePosterior:
    """Return posteriors for scores (N, S, K) on curves (N, T, K) at times t (T,).

    covariance (T, K, K) of the errors; growth (N,) of their squares in each run.
    """
    grid = np.linspace(t[0], t[-1], (len(t) - 1) * FINER + 1)
    fine = _between(covariance, t, grid)
    # whitening at each time turns the distance into a plain sum of squares
    whitening = np.linalg.inv(np.linalg.cholesky(fine))
    log_size = -np.log(np.diagonal(whitening, axis1=1, axis2=2)).sum(axis=1)
    probability = np.empty((*scores.shape[:2], len(grid)))
    for run, curve in enumerate(curves):
        centre = np.einsum("gij,gj->gi", whitening, _between(curve, t, grid))
        away = np.einsum("gij,sj->sgi", whitening, scores[run]) - centre
        log_density = -0.5 * (away**2).sum(axis=2) / growth[run] - log_size
        density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
        probability[run] = density / density.sum(axis=1, keepdims=True)
    return TimePosterior(grid, probability)


def calibrate(curves: Array, scores: Array, t: Array, distance: Array) -> dict[str, Array]:
    """Return what validation runs tell of errors, from predicted and true curves (N, T, K) and distances (N,).

    time/covariance (T, K, K); time/growth, a and b; time/level of 90 % sets.
    """
    covariance = error_covariance(curves, scores)
    coefficients = error_growth(curves, scores, covariance, distance)
    growth = growth_at(distance, coefficients)
    chosen = structures(len(t))
    # run by run, since a posterior is large
    depth = np.concatenate(
        [
            time_posterior(curve[None], run[None, chosen], t, covariance, own[None])
            .depth(t[None, chosen])
            .reshape(-1, 1)
            for curve, run, own in zip(curves, scores, growth, strict=True)
        ]
    )
    level = conformal_factor(depth, np.ones_like(depth), otherwise=0.9)
    return {"time/covariance": covariance, "time/growth": coefficients, "time/level": level}


def error_growth(curves: Array, scores: Array, covariance: Array, distance: Array) -> Array:
    """Return a > 0 and b >= 0 of the growth `a + b d`, the likeliest for the squared errors of N runs.

    The mean square x of the whitened errors of a run is taken to be one draw of variance g: `log g + x/g` is minimised.
    """
    from scipy.optimize import minimize

    inverse = np.linalg.inv(covariance[1:])
    error = (scores - curves)[:, 1:]
    square = np.einsum("nti,tij,ntj->n", error, inverse, error) / error[0].size

    def unlikeliness(coefficients: Array) -> float:
        growth = growth_at(distance, coefficients)
        return float((np.log(growth) + square / growth).mean())

    bounds = ((LEAST_GROWTH, None), (0.0, None))
    return np.asarray(minimize(unlikeliness, (0.8, 0.2), bounds=bounds, method="L-BFGS-B").x)


def growth_at(distance: Array, coefficients: Array) -> Array:
    """Return the growth (N,) of squared errors at squared distances (N,) from the training runs."""
    return np.asarray(coefficients[0] + coefficients[1] * distance)


def spread_of_runs(names: tuple[str, ...], parameters: Array) -> dict[str, Array]:
    """Return mean and std of the parameters (S, P) of training runs, `time/centre` and `time/spread` (P,)."""
    folded = _folded(names, parameters)
    return {"time/centre": folded.mean(axis=0), "time/spread": folded.std(axis=0)}


def squared_distance(names: tuple[str, ...], parameters: Array, fitted: Arrays) -> Array:
    """Return the mean over parameters (N, P) of their squared distance from the training runs' mean, in std (N,).

    1 on average over the training runs. A parameter that is the same for all of them counts nothing.
    """
    centre, spread = fitted["time/centre"], fitted["time/spread"]
    varied = spread > 1e-9 * np.abs(centre)
    away = (_folded(names, parameters) - centre) / np.where(varied, spread, np.inf)
    return np.asarray((away**2).sum(axis=1) / max(1, varied.sum()))


def _folded(names: tuple[str, ...], parameters: Array) -> Array:
    folded = [
        np.abs(2 * column - 1) if name == "mean" else column for name, column in zip(names, parameters.T, strict=True)
    ]
    return np.stack(folded, axis=1) if folded else np.zeros((len(parameters), 0))


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
