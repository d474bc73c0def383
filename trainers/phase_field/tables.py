"""Tables behind the summary of an evaluation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trainers.common.calibration import binomial_interval
from trainers.phase_field.comparison import Comparison

Array = np.ndarray

EXAMPLES = 6
"""Runs that are drawn."""

PROFILE_TIMES = 5
"""Snapshots of each example whose profile is drawn."""

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Nominal coverages of the calibration table."""


def make_tables(case: Comparison) -> dict[str, pd.DataFrame]:
    """Return all tables that have rows."""
    tables = {
        "per_trajectory": per_trajectory_table(case),
        "components": components_table(case),
        "over_time": over_time_table(case),
        "curves": curves_table(case),
        "profiles": profiles_table(case),
        "deduced": deduced_table(case),
        "calibration": calibration_table(case),
        "basis": basis_table(case),
        "sensitivity": sensitivity_table(case),
    }
    return {name: table for name, table in tables.items() if len(table)}


def per_trajectory_table(case: Comparison) -> pd.DataFrame:
    """Return the errors of each run; n is the number of its scores."""
    error = np.abs(case.predicted - case.truth)
    columns = {
        "trajectory": np.arange(len(error)),
        "n": error[0].size,
        "mae": error.mean(axis=(1, 2)),
        "mae_last": error[:, -1].mean(axis=1),
        "time_error": np.abs(case.deduced.mean - case.deduced.truth).mean(axis=1),
    }
    if case.profiles is not None:
        columns["profile_error"] = np.abs(case.profiles.predicted - case.profiles.truth).mean(axis=(1, 2))
    return pd.DataFrame(columns)


def components_table(case: Comparison) -> pd.DataFrame:
    """Return the error of each score beside its spread over the test set."""
    error = case.predicted - case.truth
    flat = error.reshape(-1, error.shape[2])
    return pd.DataFrame(
        {
            "component": np.arange(1, error.shape[2] + 1),
            "mae": np.abs(flat).mean(axis=0),
            "bias": flat.mean(axis=0),
            "rmse": np.sqrt((flat**2).mean(axis=0)),
            "spread": case.truth.reshape(-1, error.shape[2]).std(axis=0),
            "n": len(flat),
        }
    )


def over_time_table(case: Comparison) -> pd.DataFrame:
    """Return the errors at each time, over all runs and components; lengths where the channels are radial."""
    error = np.abs(case.predicted - case.truth).mean(axis=2)
    low, high = np.quantile(error, (0.05, 0.95), axis=0)
    table = {"t": case.t, "mae": error.mean(axis=0), "low": low, "high": high}
    if case.profiles is not None:
        table["profile_error"] = np.abs(case.profiles.predicted - case.profiles.truth).mean(axis=(0, 2))
        table["length"] = _mean_of_finite(case.profiles.length)
        table["length_error"] = 100 * _mean_of_finite(case.profiles.length_error)
    return pd.DataFrame(table)


def curves_table(case: Comparison) -> pd.DataFrame:
    """Return true and predicted scores of the first runs."""
    true, predicted = (array[:EXAMPLES] for array in (case.truth, case.predicted))
    run, time, component = np.indices(true.shape, dtype=np.int32)
    columns = {"run": run.ravel(), "t": case.t[time.ravel()], "component": component.ravel() + 1}
    return pd.DataFrame({**columns, "true": true.ravel(), "predicted": predicted.ravel()})


def profiles_table(case: Comparison) -> pd.DataFrame:
    """Return true and predicted radial profiles of the first runs at some times; no rows without radial channels."""
    if case.profiles is None:
        return pd.DataFrame()
    times = np.linspace(0, len(case.t) - 1, PROFILE_TIMES + 1).round().astype(int)[1:]
    true, predicted = (array[:EXAMPLES][:, times] for array in (case.profiles.truth, case.profiles.predicted))
    run, time, radius = np.indices(true.shape, dtype=np.int32)
    columns = {"run": run.ravel(), "t": case.t[times][time.ravel()], "radius": radius.ravel()}
    return pd.DataFrame({**columns, "true": true.ravel(), "predicted": predicted.ravel()})


def deduced_table(case: Comparison) -> pd.DataFrame:
    """Return the true time of each structure, the deduced one, and the ends of its 90 % set."""
    deduced = case.deduced
    if np.isnan(deduced.level):
        return pd.DataFrame()
    run = np.indices(deduced.truth.shape, dtype=np.int32)[0].ravel()
    columns = {"true": deduced.truth, "deduced": deduced.mean, "low": deduced.low, "high": deduced.high}
    return pd.DataFrame({"run": run, **{name: values.ravel() for name, values in columns.items()}})


def calibration_table(case: Comparison) -> pd.DataFrame:
    """Return nominal and observed coverage of sets of times.

    The sets are the posterior's own, before the level of the 90 % set was found on validation runs; that set is the
    last row. low and high are the 95 % interval of the observed coverage for as many runs, whose structures succeed
    and fail together.
    """
    deduced = case.deduced
    if np.isnan(deduced.level):
        return pd.DataFrame()
    levels = [*LEVELS, deduced.level]
    observed = np.array([(deduced.depth <= level).mean() for level in levels])
    runs = len(deduced.depth)
    low, high = binomial_interval(observed * runs, np.full(len(levels), runs))
    columns = {"nominal": np.array([*LEVELS, 0.9]), "observed": observed, "low": low, "high": high}
    table = pd.DataFrame({name: 100 * values for name, values in columns.items()})
    return table.assign(calibrated=[*[False] * len(LEVELS), True], n=deduced.depth.size)


def basis_table(case: Comparison) -> pd.DataFrame:
    """Return what each component explains of the variance of the training statistics."""
    explained = 100 * case.basis.explained
    components = np.arange(1, len(explained) + 1)
    return pd.DataFrame({"component": components, "explained": explained, "cumulative": explained.cumsum()})


def sensitivity_table(case: Comparison) -> pd.DataFrame:
    """Return the mean absolute change of scores over time when a parameter increases, true and predicted."""
    if case.sensitivity is None:
        return pd.DataFrame()
    rows = []
    for name, (predicted, truth) in case.sensitivity.items():
        columns = {"true": truth, "predicted": predicted, "error": predicted - truth}
        means = {column: np.abs(values).mean(axis=(0, 2)) for column, values in columns.items()}
        rows.append(pd.DataFrame({"parameter": name, "t": case.t, **means}))
    return pd.concat(rows, ignore_index=True)


def _mean_of_finite(values: Array) -> Array:
    """Return the mean over runs (T,) of values (N, T), NaN left out; NaN where nothing is left."""
    count = np.isfinite(values).sum(axis=0)
    return np.where(count > 0, np.nansum(values, axis=0) / np.maximum(count, 1), np.nan)
