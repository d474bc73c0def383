"""Errors of predictions: arrays (N, P), rows are series and columns are targets.

A constant target does not test a model: its r2 is 1 if predicted exactly and 0 otherwise, and a target of 0, such as
mu, has an unbounded relative error. `overall` is therefore computed with and without constant targets, under two names.
"""

from __future__ import annotations

import numpy as np

from trainers.preference_dynamics.system.equations import Array

SMALLEST = 1e-8
"""Added to the divisor of a relative error."""

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
    error = np.abs(predicted - truth)
    mse = float((error**2).mean())
    return {
        "mse": mse,
        "rmse": mse**0.5,
        "mae": float(error.mean()),
        "median": float(np.median(error)),
        "r2": r2(predicted, truth),
        "mre": float((error / (np.abs(truth) + SMALLEST)).mean()),
        "nrmse_range": _ratio(mse**0.5, float(np.ptp(truth))),
        "nrmse_std": _ratio(mse**0.5, float(truth.std())),
        **correlations(predicted.ravel(), truth.ravel()),
    }


def per_target(predicted: Array, truth: Array) -> dict[str, Array]:
    """Return the metrics (P,) of PER_TARGET; bias is the mean of predicted less true. NaN without series."""
    if not len(truth):
        return {name: np.full(truth.shape[1], np.nan) for name in PER_TARGET}
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
    """Return the mean of r2 over targets; that of a constant target is 1 if predicted exactly, else 0.

    NaN for fewer than two series.
    """
    from sklearn.metrics import r2_score

    if len(truth) < 2:
        return np.nan
    return float(np.mean(r2_score(truth, predicted, multioutput="raw_values")))


def correlations(one: Array, other: Array) -> dict[str, float]:
    """Return the correlation of values (pearson) and of ranks (spearman); NaN without spread."""
    from scipy.stats import pearsonr, spearmanr

    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return {"pearson": np.nan, "spearman": np.nan}
    return {"pearson": float(pearsonr(one, other)[0]), "spearman": float(spearmanr(one, other)[0])}


def series_error(predicted: Array, truth: Array) -> Array:
    """Return `100 |y - y_true| / |y_true|` (N,) of series (N, T, 2n), norms over times and channels [%].

    NaN for a series that is 0 throughout: its relative error is undefined.
    """
    error, size = (np.sqrt((values**2).sum(axis=(1, 2))) for values in (predicted - truth, truth))
    return 100 * error / np.where(size > SMALLEST, size, np.nan)


def constant_targets(truth: Array) -> Array:
    """Return whether each target (P,) has the same value in all series."""
    return np.ptp(truth, axis=0) == 0 if len(truth) else np.ones(truth.shape[1], bool)


def _ratio(value: float, divisor: float) -> float:
    return value / divisor if divisor > 0 else np.nan
