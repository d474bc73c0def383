"""Tables behind the summary of an evaluation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trainers.common.calibration import (
    binomial_interval,
    coverage_table,
    expected_coverage,
    simulation_based_calibration,
)
from trainers.urease.bounded import to_normal
from trainers.urease.kinetics.families import UNITS
from trainers.urease.scores.case import LEVELS, Case
from trainers.urease.scores.distances import c2st, crps
from trainers.urease.scores.forecasts import HORIZONS, ForecastScores, forecast, true_ph
from trainers.urease.scores.identifiability import fisher_contraction
from trainers.urease.settings import NETWORKS

Array = np.ndarray

EXAMPLES, EXAMPLE_SAMPLES = 6, 40
"""Curves whose forecast is drawn, and posterior samples of each."""

ATTENTION_CURVES, COMPARED = 200, 500
"""Curves whose weights are averaged; samples of two posteriors that are told apart."""


def make_tables(case: Case, scores: ForecastScores) -> dict[str, pd.DataFrame]:
    """Return all tables that have rows."""
    tables = {
        "unknowns": unknowns_table(case),
        "per_trajectory": per_trajectory_table(case),
        "predictions": predictions_table(case),
        "calibration": calibration_table(case),
        "coverage": strata_table(case),
        "ranks": ranks_table(case),
        "tarp": tarp_table(case),
        "forecast": forecast_table(case, scores),
        "forecast_curves": forecast_curves_table(case),
        "attention": attention_table(case),
        "distance": distance_table(case),
    }
    return {name: table for name, table in tables.items() if len(table)}


def _label(seconds: float) -> str:
    return f"{seconds:g} s"


def fisher(case: Case) -> Array:
    """Return the contraction that Fisher information allows (K, N, P)."""
    likelihood = case.predictor.likelihood(case.curves, len(case.durations) - 1)
    zero = np.zeros(len(case.truth))
    theta = np.stack([case.test.parameters.get(name, zero) for name in likelihood.names], axis=1)
    return fisher_contraction(likelihood, theta, case.durations)[:, :, : len(case.unknowns)]


def unknowns_table(case: Case) -> pd.DataFrame:
    """Return errors, coverage, sharpness and contraction of each unknown at each prefix.

    error: mean absolute error in units of a quarter of the range, which is what the middle of the range has.
    contraction: median of posterior by prior standard deviation; fisher: the same as Fisher information allows it.
    """
    rows, allowed = [], fisher(case)
    for k, duration in enumerate(case.durations):
        estimate, contraction = case.estimate(k), case.contraction(k)
        low, high = case.predictor.interval(case.samples[k], k, 0.9)
        score = crps(case.samples[k], case.truth)
        for p, name in enumerate(case.unknowns):
            error = estimate[:, p] - case.truth[:, p]
            ratio = contraction[:, p] / allowed[k, :, p]
            rows.append(
                {
                    "prefix_s": duration,
                    "unknown": name,
                    "unit": UNITS[name],
                    "mae": np.abs(error).mean(),
                    "mae_error": np.abs(error).std() / len(error) ** 0.5,
                    "rmse": np.sqrt((error**2).mean()),
                    "bias": error.mean(),
                    "error": case.error(k)[:, p].mean(),
                    "crps": 100 * (score[:, p] / case.width[p]).mean(),
                    **{f"coverage_{100 * level:.0f}": 100 * case.inside(k, level)[:, p].mean() for level in LEVELS},
                    "width_90": (high - low)[:, p].mean(),
                    "contraction": np.median(contraction[:, p]),
                    "fisher": np.median(allowed[k, :, p]),
                    "contraction_by_fisher": np.median(ratio),
                    "n": len(error),
                }
            )
    return pd.DataFrame(rows)


def per_trajectory_table(case: Case) -> pd.DataFrame:
    """Return the mean score of each curve, over prefixes and unknowns."""
    score = [100 * (crps(samples, case.truth) / case.width).mean(axis=1) for samples in case.samples]
    table = {
        "trajectory": np.arange(len(case.truth)),
        "n": len(score) * len(case.unknowns),
        "crps": np.mean(score, axis=0),
    }
    errors = np.mean([case.error(k) for k in range(len(score))], axis=0)
    return pd.DataFrame(table | {"error_activity": errors[:, 0], "error_k_d": errors[:, 1]})


def predictions_table(case: Case) -> pd.DataFrame:
    """Return the truth, the posterior median and both ends of the 90 % interval of every unknown at every prefix."""
    parts = []
    for k, duration in enumerate(case.durations):
        low, high = case.predictor.interval(case.samples[k], k, 0.9)
        number, unknown = np.indices(case.truth.shape, dtype=np.int32)
        columns = {"true": case.truth, "estimate": case.estimate(k), "low": low, "high": high}
        part = pd.DataFrame({"trajectory": number.ravel(), "unknown": np.array(case.unknowns)[unknown.ravel()]})
        parts.append(part.assign(prefix_s=duration, **{name: values.ravel() for name, values in columns.items()}))
    return pd.concat(parts, ignore_index=True)


def calibration_table(case: Case) -> pd.DataFrame:
    """Return nominal and observed coverage of central intervals, over all unknowns and prefixes [%]."""
    count, rows = len(case.truth), []
    for level in LEVELS:
        share = float(np.mean([case.inside(k, level) for k in range(len(case.durations))]))
        low, high = binomial_interval(np.array(share * count), np.array(count))
        rows.append((100 * level, 100 * share, 100 * float(low), 100 * float(high), count))
    return pd.DataFrame(rows, columns=["nominal", "observed", "low", "high", "n"])


def strata_table(case: Case) -> pd.DataFrame:
    """Return the coverage of 90 % intervals at each prefix, of each unknown there, and by ranges of the activity."""
    inside = np.stack([case.inside(k, 0.9) for k in range(len(case.durations))], axis=1).reshape(len(case.truth), -1)
    prefix = np.repeat(np.arange(len(case.durations)), len(case.unknowns))
    unknown = np.tile(np.arange(len(case.unknowns)), len(case.durations))
    every = np.ones(inside.shape, bool)
    strata = {"all": every}
    for k, duration in enumerate(case.durations):
        strata[_label(duration)] = every & (prefix == k)
        strata |= {
            f"{name} at {_label(duration)}": every & (prefix == k) & (unknown == p)
            for p, name in enumerate(case.unknowns)
        }
    place = np.argsort(np.argsort(case.truth[:, 0])) * 4 // len(case.truth)
    strata |= {f"activity, quarter {quarter + 1}": place == quarter for quarter in range(4)}
    return coverage_table(inside, strata)


def ranks_table(case: Case) -> pd.DataFrame:
    """Return the test of posterior ranks at every prefix: see `common.calibration.simulation_based_calibration`."""
    parts = [
        simulation_based_calibration(samples, case.truth, case.unknowns).assign(prefix_s=duration)
        for samples, duration in zip(case.samples, case.durations, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def tarp_table(case: Case) -> pd.DataFrame:
    """Return the coverage of the joint posterior at every prefix: see `common.calibration.expected_coverage`."""
    parts = [
        expected_coverage(samples, case.truth, seed=0).assign(prefix_s=duration)
        for samples, duration in zip(case.samples, case.durations, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def forecast_table(case: Case, scores: ForecastScores) -> pd.DataFrame:
    """Return errors and bands of the forecast at each prefix and time, beside the last reading and the mean curve."""
    rows = []
    mean = scores.truth.mean(axis=0)
    for k, duration in enumerate(case.durations):
        made = scores.forecasts[k]
        for h, horizon in enumerate(HORIZONS):
            truth = scores.truth[:, h]
            error = made.mean[:, h] - truth
            rows.append(
                {
                    "prefix_s": duration,
                    "time_s": horizon,
                    "rmse": np.sqrt((error**2).mean()),
                    "r2": 1 - (error**2).sum() / ((truth - mean[h]) ** 2).sum() if len(truth) > 1 else np.nan,
                    "coverage_90": 100 * ((made.lower[:, h] <= truth) & (truth <= made.upper[:, h])).mean(),
                    "width_90": (made.upper - made.lower)[:, h].mean(),
                    "rmse_last_reading": np.sqrt(((scores.persistence[k] - truth) ** 2).mean()),
                    "rmse_mean_curve": truth.std(),
                    "n": len(truth),
                }
            )
    return pd.DataFrame(rows)


def forecast_curves_table(case: Case) -> pd.DataFrame:
    """Return true and forecast pH with 90 % bands of the first curves to 2000 s, at every prefix."""
    t = np.concatenate([[0.0], np.geomspace(1, 2000, 80)])
    chosen, parts = slice(0, EXAMPLES), []
    truth = true_ph(case, chosen, t)
    curves = case.curves.take(chosen)
    number, time = np.indices(truth.shape, dtype=np.int32)
    for samples, duration in zip(case.samples, case.durations, strict=True):
        made = forecast(case.predictor, curves, samples[:EXAMPLE_SAMPLES, chosen], t)
        columns = {"true": truth, "forecast": made.mean, "low": made.lower, "high": made.upper}
        part = pd.DataFrame({"trajectory": number.ravel(), "t": t[time.ravel()], "prefix_s": duration})
        parts.append(part.assign(**{name: values.ravel() for name, values in columns.items()}))
    return pd.concat(parts, ignore_index=True)


def attention_table(case: Case) -> pd.DataFrame:
    """Return the mean weight of each point at each prefix; nothing for models without pooling."""
    if case.predictor.config.kind not in NETWORKS:
        return pd.DataFrame()
    curves = case.curves.take(slice(0, ATTENTION_CURVES))
    weight = case.predictor.attention(curves).mean(axis=0)
    t = curves.t.mean(axis=0)
    parts = []
    for k, duration in enumerate(case.durations):
        inside = t <= duration * (1 + 1e-9)
        parts.append(pd.DataFrame({"prefix_s": duration, "t": t[inside], "weight": weight[k, inside]}))
    return pd.concat(parts, ignore_index=True)


def distance_table(case: Case) -> pd.DataFrame:
    """Return how well a classifier tells a posterior from the exact one, where the test set holds samples of that."""
    rows = []
    for k, duration in enumerate(case.durations):
        exact = case.test.arrays.get(f"exact_{duration:g}")
        if exact is None or exact.shape[2] != len(case.unknowns):
            continue
        effective = case.test.arrays[f"effective_{duration:g}"]
        for number in range(exact.shape[1]):
            both = [to_normal(part[:COMPARED, number], *case.predictor.box) for part in (exact, case.samples[k])]
            size = min(map(len, both))
            rows.append((number, duration, c2st(both[0][:size], both[1][:size]), float(effective[number])))
    return pd.DataFrame(rows, columns=["trajectory", "prefix_s", "c2st", "effective_samples"])
