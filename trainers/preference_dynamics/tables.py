"""Tables behind the summary of an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trainers.preference_dynamics import metrics
from trainers.preference_dynamics.propagate import propagate
from trainers.preference_dynamics.system import Array, series_names

if TYPE_CHECKING:
    from trainers.preference_dynamics.evaluate import Case

EXAMPLES, POINTS = 10, 401
"""Series that are drawn, and points of each."""

WORST = 20
"""Series in the table of the worst."""

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Nominal coverages of the calibration table."""


def make_tables(case: Case, predicted: Array, truth: Array, names: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    """Return all tables; predicted and true targets (N, P) have the given names."""
    samples = samples_table(case)
    made = {
        "targets": targets_table(case, predicted, truth, names),
        "predictions": predictions_table(case),
        "samples": samples,
        "per_trajectory": per_trajectory_table(case),
        "worst": samples.sort_values("error", ascending=False, kind="stable").head(WORST).reset_index(drop=True),
        "calibration": calibration_table(case),
        "series": series_table(case),
    }
    return {name: table for name, table in made.items() if len(table)}


def targets_table(case: Case, predicted: Array, truth: Array, names: tuple[str, ...]) -> pd.DataFrame:
    """Return the metrics of each target; `constant` ones are left out of overall metrics."""
    good = ~case.failed
    predicted, truth = predicted[good], truth[good]
    count = case.said.unknowns.shape[1]
    inside = np.full(len(names), np.nan)
    inside[:count] = 100 * (np.abs(case.said.unknowns - case.known) <= case.said.reach)[good].mean(axis=0)
    identified = np.full(len(names), np.nan)
    identified[:count] = 100 * case.said.identified[good].mean(axis=0)
    table = {"target": names, "constant": metrics.constant_targets(truth), "n": good.sum()}
    table |= metrics.per_target(predicted, truth)
    return pd.DataFrame(table | {"coverage_90": inside, "identified": identified})


def predictions_table(case: Case) -> pd.DataFrame:
    """Return every series and unknown that is not constant: true, predicted, half width of the interval, flags."""
    names = [name for name, live in zip(case.names, case.live, strict=True) if live]
    sample, target = np.indices((len(case.truth), len(names)), dtype=np.int32)
    columns = {"true": case.known, "predicted": case.said.unknowns, "before": case.said.first}
    columns |= {"reach": case.said.reach, "identified": case.said.identified}
    table = pd.DataFrame({"sample": sample.ravel(), "target": np.array(names)[target.ravel()]})
    for name, values in columns.items():
        table[name] = values[:, case.live].ravel()
    table["flagged"] = case.said.flagged[sample.ravel()]
    return table


def samples_table(case: Case) -> pd.DataFrame:
    """Return one row per series: regime, largest error in units of the target's spread, and where it is."""
    spread = case.spread[: len(case.live)][case.live]
    error = np.abs(case.said.unknowns - case.known)[:, case.live] / spread
    error = np.where(np.isfinite(error), error, np.inf)
    names = np.array([name for name, live in zip(case.names, case.live, strict=True) if live])
    with np.errstate(invalid="ignore", over="ignore"):
        off = metrics.series_error(case.led_to, case.clean)
    return pd.DataFrame(
        {
            "sample": np.arange(len(case.truth), dtype=np.int32),
            "error": error.max(axis=1) if names.size else np.nan,
            "target": names[error.argmax(axis=1)] if names.size else "",
            "series_error": off,
            "flagged": case.said.flagged,
            "failed": case.failed,
            "oscillating": case.regimes.oscillating,
            "steady": case.regimes.steady,
            "never_active": case.regimes.never_active.sum(axis=1),
            "negative_start": (case.regimes.initial < 0).sum(axis=1),
            **{f"true_{name}": case.truth[:, k] for k, name in enumerate(case.names)},
            **{f"predicted_{name}": case.said.unknowns[:, k] for k, name in enumerate(case.names)},
        }
    )


def per_trajectory_table(case: Case) -> pd.DataFrame:
    """Return the mean squared and mean absolute error of the n unknowns of each series; n = 0, NaN where it failed."""
    error = (case.said.unknowns - case.known)[:, case.live]
    good = ~case.failed & (error.shape[1] > 0)
    error = np.where(good[:, None], error, np.nan)
    columns = {"unknowns_mse": error**2, "unknowns_mae": np.abs(error)}
    means = {name: np.full(len(error), np.nan) for name in columns}
    for name, values in columns.items():
        means[name][good] = values[good].mean(axis=1)
    count = np.where(good, error.shape[1], 0)
    return pd.DataFrame({"trajectory": np.arange(len(error)), "n": count, **means})


def calibration_table(case: Case) -> pd.DataFrame:
    """Return nominal and observed coverage of intervals whose half width is scaled like a normal distribution's."""
    from scipy.stats import norm

    good = ~case.failed
    error = np.abs(case.said.unknowns - case.known)[good][:, case.live]
    reach = case.said.reach[good][:, case.live] / norm.ppf(0.95)
    observed = [100 * (error <= reach * norm.ppf((1 + level) / 2)).mean() if error.size else np.nan for level in LEVELS]
    return pd.DataFrame({"nominal": [100 * level for level in LEVELS], "observed": observed, "n": error.size})


def series_table(case: Case) -> pd.DataFrame:
    """Return true and predicted series of the first series that did not fail, at 401 times."""
    if case.said.unknowns.shape[1] < case.truth.shape[1]:
        return pd.DataFrame()
    chosen = np.flatnonzero(~case.failed)[:EXAMPLES]
    t = np.linspace(0.0, case.t[-1] - case.t[0], POINTS)
    true, predicted = (propagate(rows[chosen], t, case.actions) for rows in (case.truth, case.said.unknowns))
    sample, time, channel = np.indices(true.shape, dtype=np.int32)
    columns = {"sample": chosen[sample.ravel()], "t": t[time.ravel()]}
    columns["channel"] = np.array(series_names(case.actions))[channel.ravel()]
    return pd.DataFrame(columns | {"true": true.ravel(), "predicted": predicted.ravel()})
