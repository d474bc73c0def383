"""Tables behind the summary of an evaluation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trainers.common.calibration import binomial_interval, coverage_table, median_widths
from trainers.preference_dynamics import metrics
from trainers.preference_dynamics.comparison import Comparison
from trainers.preference_dynamics.refinement.bounds import relative_noise
from trainers.preference_dynamics.system.equations import Array, series_names
from trainers.preference_dynamics.system.solution import solve

EXAMPLES, POINTS = 10, 401
"""Series in the table `series`, and points of each."""

WORST = 20
"""Series in the table `worst`."""

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Nominal coverages of the calibration table."""

ERRORS = (1e-6, 1e-3, 0.1)
"""Errors at which the next stratum of the coverage table begins [std of the unknown over the training set]."""

NOISE = (0.001, 0.02, 0.05)
"""Estimated noise at which the next stratum of the coverage table begins [std of the series]."""


def make_tables(case: Comparison) -> dict[str, pd.DataFrame]:
    """Return all tables that have rows."""
    samples = samples_table(case)
    tables = {
        "targets": targets_table(case),
        "predictions": predictions_table(case),
        "samples": samples,
        "per_trajectory": per_trajectory_table(case),
        "worst": samples.sort_values("error", ascending=False, kind="stable").head(WORST).reset_index(drop=True),
        "calibration": calibration_table(case),
        "coverage": strata_table(case),
        "series": series_table(case),
    }
    return {name: table for name, table in tables.items() if len(table)}


def targets_table(case: Comparison) -> pd.DataFrame:
    """Return the metrics of each target; `constant` marks those that overall metrics leave out."""
    predicted, truth, names = case.targets()
    good, count = ~case.failed, case.estimate.unknowns.shape[1]
    inside, identified = np.full(len(names), np.nan), np.full(len(names), np.nan)
    if good.any():
        inside[:count] = 100 * case.inside[good].mean(axis=0)
        identified[:count] = 100 * case.estimate.identified[good].mean(axis=0)
    table = {"target": names, "constant": case.constant(truth[good]), "n": good.sum()}
    table |= metrics.per_target(predicted[good], truth[good])
    return pd.DataFrame(table | {"coverage_90": inside, "identified": identified})


def predictions_table(case: Comparison) -> pd.DataFrame:
    """Return one row per series and unknown that varies: true, predicted, half width of the interval, flags."""
    estimate, names = case.estimate, _varying_names(case)
    sample, target = np.indices((len(case.truth), len(names)), dtype=np.int32)
    columns = {"true": case.truth, "predicted": estimate.unknowns, "before": estimate.first}
    columns |= {"half_width": estimate.half_width, "identified": estimate.identified}
    table = pd.DataFrame({"sample": sample.ravel(), "target": names[target.ravel()]})
    for name, values in columns.items():
        table[name] = values[:, case.varying].ravel()
    table["flagged"] = estimate.flagged[sample.ravel()]
    return table


def samples_table(case: Comparison) -> pd.DataFrame:
    """Return one row per series: regime, largest error in units of the target's std, and the target that has it."""
    varying, names = case.varying, _varying_names(case)
    error = np.abs(case.estimate.unknowns - case.truth)[:, varying] / case.spread[: len(varying)][varying]
    error = np.where(np.isfinite(error), error, np.inf)
    with np.errstate(invalid="ignore", over="ignore"):
        series_error = metrics.series_error(case.solution, case.series)
    return pd.DataFrame(
        {
            "sample": np.arange(len(case.truth), dtype=np.int32),
            "error": error.max(axis=1) if names.size else np.nan,
            "target": names[error.argmax(axis=1)] if names.size else "",
            "series_error": series_error,
            "flagged": case.estimate.flagged,
            "failed": case.failed,
            "oscillating": case.regimes.oscillating,
            "steady": case.regimes.steady,
            "never_active": case.regimes.never_active.sum(axis=1),
            "negative_start": (case.regimes.initial < 0).sum(axis=1),
            **{f"true_{name}": case.truth[:, k] for k, name in enumerate(case.names)},
            **{f"predicted_{name}": case.estimate.unknowns[:, k] for k, name in enumerate(case.names)},
        }
    )


def per_trajectory_table(case: Comparison) -> pd.DataFrame:
    """Return mean squared and mean absolute error over the n unknowns of each series; NaN and n = 0 if it failed."""
    error = (case.estimate.unknowns - case.truth)[:, case.varying]
    good = ~case.failed & (error.shape[1] > 0)
    table = pd.DataFrame({"trajectory": np.arange(len(error)), "n": np.where(good, error.shape[1], 0)})
    for name, values in {"unknowns_mse": error**2, "unknowns_mae": np.abs(error)}.items():
        means = np.full(len(error), np.nan)
        means[good] = values[good].mean(axis=1)
        table[name] = means
    return table


def calibration_table(case: Comparison) -> pd.DataFrame:
    """Return nominal and observed coverage at several levels, half widths scaled as for a normal distribution.

    low and high are the 95 % interval of the observed coverage. It counts series, not unknowns, since the errors of one
    series are not independent.
    """
    from scipy.stats import norm

    good = ~case.failed
    error = np.abs(case.estimate.unknowns - case.truth)[good][:, case.varying]
    spread = case.estimate.half_width[good][:, case.varying] / norm.ppf(0.95)
    if not error.size:
        return pd.DataFrame({"nominal": [100 * level for level in LEVELS], "observed": np.nan, "n": 0})
    observed = np.array([(error <= spread * norm.ppf((1 + level) / 2)).mean() for level in LEVELS])
    low, high = binomial_interval(observed * len(error), np.full(len(LEVELS), len(error)))
    columns = {"nominal": np.array(LEVELS), "observed": observed, "low": low, "high": high}
    return pd.DataFrame({name: 100 * values for name, values in columns.items()} | {"n": error.size})


def strata_table(case: Comparison) -> pd.DataFrame:
    """Return coverage and median width of 90 % intervals in every stratum.

    Strata: each unknown, ranges of estimated noise, kinds of series, initial values above their threshold, which the
    first point shows, or not, unknowns that a series identifies or not, and sizes of the error. Intervals that cover
    90 % of all may cover less in one stratum and more in another. Those of a range of errors need not cover 90 %: large
    errors lie outside of their intervals more often than small ones, whatever the posterior.
    """
    good, varying, regimes = ~case.failed, case.varying, case.regimes
    names = _varying_names(case)
    noise = np.searchsorted(NOISE, relative_noise(case.inputs.series), "right")
    edges = ("0", *(f"{edge:g}" for edge in NOISE))
    strata: dict[str, Array] = {"all": np.ones(len(good), bool)}
    strata |= {str(name): np.broadcast_to(names == name, (len(good), len(names))) for name in names}
    strata |= {f"noise from {edge}": noise == k for k, edge in enumerate(edges)}
    strata |= {"steady": regimes.steady, "not steady": ~regimes.steady}
    strata |= {"oscillating": regimes.oscillating, "not oscillating": ~regimes.oscillating}
    strata |= {"flagged": case.estimate.flagged, "not flagged": ~case.estimate.flagged}
    identified = case.estimate.identified[:, varying]
    strata |= {"identified": identified, "not identified": ~identified}
    strata |= {name: members[:, varying] for name, members in _starts(case).items()}
    size = np.abs(case.estimate.unknowns - case.truth)[:, varying] / case.spread[: len(varying)][varying]
    ranges = np.searchsorted(ERRORS, size, "right")
    strata |= {f"error from {edge}": ranges == k for k, edge in enumerate(("0", *(f"{edge:g}" for edge in ERRORS)))}
    members_of = {name: members[good] for name, members in strata.items()}
    table = coverage_table(case.inside[good][:, varying], members_of)
    widths = median_widths(2 * case.estimate.half_width[good][:, varying], members_of)
    return table.assign(median_width=table["stratum"].map(widths))


def _starts(case: Comparison) -> dict[str, Array]:
    """Return which entries (N, P) are initial values that the first point shows, or hides, or never show at all."""
    columns = case.regimes.initial_columns(len(case.varying))
    never, hidden = case.regimes.never_active, case.regimes.initial <= case.threshold
    kinds = {"start seen": ~hidden, "start hidden": hidden & ~never, "channel never seen": never}
    masks = {name: np.zeros(case.truth.shape, bool) for name in kinds}
    for name, members in kinds.items():
        masks[name][:, columns] = members[:, : len(columns)]
    return masks


def series_table(case: Comparison) -> pd.DataFrame:
    """Return true and predicted series of the first ten that did not fail, at 401 times."""
    if case.estimate.unknowns.shape[1] < case.unknowns.shape[1]:
        return pd.DataFrame()
    index = np.flatnonzero(~case.failed)[:EXAMPLES]
    t = np.linspace(0.0, case.t[-1] - case.t[0], POINTS)
    true, predicted = (solve(rows[index], t, case.actions) for rows in (case.unknowns, case.estimate.unknowns))
    sample, time, channel = np.indices(true.shape, dtype=np.int32)
    columns = {"sample": index[sample.ravel()], "t": t[time.ravel()]}
    columns["channel"] = np.array(series_names(case.actions))[channel.ravel()]
    return pd.DataFrame(columns | {"true": true.ravel(), "predicted": predicted.ravel()})


def _varying_names(case: Comparison) -> Array:
    return np.array(case.names, dtype=object)[case.varying].astype(str)
