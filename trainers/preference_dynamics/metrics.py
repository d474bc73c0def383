"""How far predictions are from the truth: arrays (N, P), rows are series and columns are targets.

A constant target says nothing of a model: its r2 is 1 if hit exactly and else 0, and mu = 0 makes a relative error
of any size. `overall` is therefore computed twice, with and without constant targets, under two names.
"""

from __future__ import annotations

import numpy as np

from trainers.preference_dynamics.system import Array

SMALLEST = 1e-8
"""Added to what a relative error divides by."""

OVERALL = ("mse", "rmse", "mae", "median", "r2", "mre", "nrmse_range", "nrmse_std", "pearson", "spearman")
"""Metrics over all targets together."""

PER_TARGET = ("rmse", "mae", "median", "mre", "nrmse_range", "nrmse_std", "bias")
"""Metrics of each target."""


def overall(predicted: Array, truth: Array) -> dict[str, float]:
    """Return the metrics of OVERALL.

    mse, rmse, mae, median (of |e|), mre `mean(|e| / (|y| + 1e-8))`: over all entries. r2
    `1 - sum(e^2)/sum((y - mean)^2)`: mean over targets. nrmse_range, nrmse_std: rmse by the range and by the std of
    all entries. pearson, spearman: correlations of all entries. NaN without entries, and where a divisor is 0.
    """
    if not truth.size:
        return dict.fromkeys(OVERALL, np.nan)
    size = np.abs(predicted - truth)
    mse = float((size**2).mean())
    return {
        "mse": mse,
        "rmse": mse**0.5,
        "mae": float(size.mean()),
        "median": float(np.median(size)),
        "r2": r2(predicted, truth),
        "mre": float((size / (np.abs(truth) + SMALLEST)).mean()),
        "nrmse_range": _ratio(mse**0.5, float(np.ptp(truth))),
        "nrmse_std": _ratio(mse**0.5, float(truth.std())),
        "pearson": correlation(predicted.ravel(), truth.ravel()),
        "spearman": correlation(_ranks(predicted.ravel()), _ranks(truth.ravel())),
    }


def per_target(predicted: Array, truth: Array) -> dict[str, Array]:
    """Return the metrics (P,) of PER_TARGET; bias is the mean of predicted less true."""
    error = predicted - truth
    size = np.abs(error)
    rmse = np.sqrt((error**2).mean(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "rmse": rmse,
            "mae": size.mean(axis=0),
            "median": np.median(size, axis=0),
            "mre": (size / (np.abs(truth) + SMALLEST)).mean(axis=0),
            "nrmse_range": rmse / np.ptp(truth, axis=0),
            "nrmse_std": rmse / truth.std(axis=0),
            "bias": error.mean(axis=0),
        }


def r2(predicted: Array, truth: Array) -> float:
    """Return the mean over targets of `1 - sum(e^2)/sum((y - mean y)^2)`; a constant target counts 1 if hit, else 0."""
    missed = ((predicted - truth) ** 2).sum(axis=0)
    spread = ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    constant = spread == 0
    explained = 1 - missed / np.where(constant, 1.0, spread)
    return float(np.where(constant, missed == 0, explained).mean())


def correlation(one: Array, other: Array) -> float:
    """Return Pearson's correlation; NaN without spread."""
    a, b = one - one.mean(), other - other.mean()
    return _ratio(float(a @ b), float(np.sqrt((a @ a) * (b @ b))))


def series_error(predicted: Array, truth: Array) -> Array:
    """Return `100 |y - y_true| / |y_true|` (N,) of series (N, T, 2n), norms over times and channels [%].

    NaN for a series that stays at 0, of which no error is a part.
    """
    missed, size = (np.sqrt((values**2).sum(axis=(1, 2))) for values in (predicted - truth, truth))
    return 100 * missed / np.where(size > SMALLEST, size, np.nan)


def constant_targets(truth: Array) -> Array:
    """Return which targets (P,) have the same value in all series."""
    return np.ptp(truth, axis=0) == 0 if len(truth) else np.ones(truth.shape[1], bool)


def _ranks(values: Array) -> Array:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values), np.float64)


def _ratio(value: float, divisor: float) -> float:
    return value / divisor if divisor > 0 else np.nan
