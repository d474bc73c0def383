"""Evaluate a model on whole series: its unknowns, their intervals, its forecast, and the solution for its unknowns.

The truth is exact: unknowns come with the test set, and forecasts and series are compared with the noise-free solution.
All errors are in raw units but those of `metrics.overall` (mse, rmse, ...): there forecasts are in units of their
series' scale, as in the published figures. Series whose estimate is not finite, or whose solution exceeds 1e5, are
counted in `failures`; every number is over finite values, n of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from trainers.common.summary import Row, mean, quantile, root_mean_square, summary
from trainers.preference_dynamics import metrics
from trainers.preference_dynamics.comparison import Comparison, compare
from trainers.preference_dynamics.config import ModelConfig
from trainers.preference_dynamics.series.features import steady_state
from trainers.preference_dynamics.system.equations import Array
from trainers.preference_dynamics.tables import make_tables
from trainers.study import Evaluation, Trained, Trajectories

LARGE = 0.1
"""Smallest error that counts as large, in units of the target's std over the training set [1]."""

UNITS = dict.fromkeys(
    ("series_error", "series_error_median", "coverage_90", "coverage_90_identified", "flagged", "missed"), "%"
) | {"failures": "series", "constraint_violations": "series"}
"""Units of metrics that are not dimensionless."""


def evaluate(config: ModelConfig, trained: Trained, test: Trajectories) -> Evaluation:
    """Evaluate a trained model on a test set.

    Tables: `targets` (metrics of each target), `predictions` (every series and target), `samples` (every series with
    its regime and errors), `worst` (the worst of them), `calibration` (coverage at several levels), `coverage` (of 90 %
    in strata), `series` (true and predicted, ten examples).

    Raises:
        ValueError: the test set has no true unknowns, or its series have different times.
    """
    comparison = compare(config, trained, test)
    parts = (_unknowns, _targets, _forecast, _series, _intervals)
    rows = [row for part in parts for row in part(comparison)]
    return Evaluation(summary(rows, UNITS, default_unit="1"), make_tables(comparison))


def _unknowns(case: Comparison) -> Iterator[Row]:
    """Yield errors of unknowns that are not constant, all and by kind of series, before and after refinement."""
    good, varying, estimate = ~case.failed, case.varying, case.estimate
    error = (estimate.unknowns - case.truth)[:, varying]
    first = (estimate.first - case.truth)[:, varying]
    large = (np.abs(error) > LARGE * case.spread[: len(varying)][varying]).any(axis=1)
    yield root_mean_square("unknowns_rmse", error[good])
    yield mean("unknowns_mse", error[good] ** 2)
    yield mean("baseline", (case.mean[: len(varying)] - case.truth)[:, varying] ** 2)
    yield root_mean_square("unknowns_rmse_before", first[np.isfinite(first).all(axis=1)])
    yield root_mean_square("unknowns_rmse_unflagged", error[good & ~estimate.flagged])
    yield root_mean_square("unknowns_rmse_identified", error[good][estimate.identified[good][:, varying]])
    yield mean("unknowns_mae", np.abs(error[good]))
    yield quantile("unknowns_median", np.abs(error[good]))
    yield quantile("unknowns_tail", np.abs(error[good]), 0.99)
    yield mean("flagged", estimate.flagged, scale=100)
    yield mean("missed", large[good & ~estimate.flagged], scale=100)
    yield Row("failures", float(case.failed.sum()), len(good))
    yield Row("constraint_violations", float(_violations(case).sum()), len(good))
    initial = np.abs(estimate.unknowns - case.truth)[:, case.regimes.initial_columns(len(varying))]
    for kind, members in case.regimes.initial_kinds(initial.shape[1]).items():
        yield root_mean_square(f"initial_rmse_{kind}", initial[good[:, None] & members])


def _violations(case: Comparison) -> Array:
    """Return which estimates (N,) break `Pi_ii > 0`, `Gamma_ii > 0`."""
    # a matrix entry is named `Pi_row,column`
    entries = [name.partition("_")[2].split(",") for name in case.names]
    diagonal = [k for k, entry in enumerate(entries) if len(entry) == 2 and entry[0] == entry[1]]
    return np.asarray((case.estimate.unknowns[:, diagonal] <= 0).any(axis=1))


def _targets(case: Comparison) -> Iterator[Row]:
    """Yield the metrics over all targets, without and with constant ones, and the rmse of each."""
    predicted, truth, names = case.targets()
    predicted, truth = predicted[~case.failed], truth[~case.failed]
    varying = ~case.constant(truth)
    for ending, members in (("", varying), ("_with_constants", np.ones(len(varying), bool))):
        values = metrics.overall(predicted[:, members], truth[:, members])
        yield from (Row(name + ending, value, truth[:, members].size) for name, value in values.items())
    yield from (root_mean_square(f"rmse_{name}", predicted[:, k] - truth[:, k]) for k, name in enumerate(names))


def _forecast(case: Comparison) -> Iterator[Row]:
    """Yield the error of the forecast in raw units, and that of the last value."""
    good, last = ~case.failed, case.inputs.last
    persistence = np.repeat(last, case.forecast.shape[1] // last.shape[1], axis=1) - case.forecast
    predicted = case.estimate.forecast
    error = predicted - case.forecast if predicted.shape[1] else predicted
    yield root_mean_square("forecast_rmse", error[good])
    yield quantile("forecast_median", np.abs(error[good]))
    yield root_mean_square("forecast_rmse_persistence", persistence)


def _series(case: Comparison) -> Iterator[Row]:
    """Yield the error of the series of the estimated unknowns, and of the steady states they end in."""
    finite = np.isfinite(case.solution).all(axis=(1, 2))
    relative = metrics.series_error(case.solution[finite], case.series[finite])
    level = steady_state(case.series, case.t)
    steady = finite & (level[:, 0] == 1)
    final = case.solution[steady, -1] - level[steady, 1:]
    yield mean("series_error", relative)
    yield quantile("series_error_median", relative)
    yield root_mean_square("series_rmse", (case.solution - case.series)[finite])
    yield root_mean_square("steady_state_rmse", final)
    yield quantile("steady_state_median", np.abs(final))


def _intervals(case: Comparison) -> Iterator[Row]:
    """Yield the share of true unknowns in their 90 % intervals, and the width of these."""
    good, varying = ~case.failed, case.varying
    inside, identified = case.inside[good][:, varying], case.estimate.identified[good][:, varying]
    yield mean("coverage_90", inside, scale=100)
    yield mean("coverage_90_identified", inside[identified], scale=100)
    yield mean("interval_width", 2 * case.estimate.half_width[good][:, varying])
