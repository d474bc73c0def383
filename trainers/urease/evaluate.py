"""Evaluate posteriors: errors, intervals, ranks, contraction, forecasts, and the distance to the exact posterior.

Truth is exact: unknowns come with the test set, and forecasts are compared with the simulated pH of the solution. The
headline `crps` is a proper score of the whole posterior, in % of the prior's range; `baseline` is that of the prior.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from trainers.common.summary import Row, mean, root_mean_square, summary
from trainers.study import Evaluation, Trained, Trajectories
from trainers.urease.bounded import from_normal
from trainers.urease.config import ModelConfig
from trainers.urease.kinetics.families import UNITS
from trainers.urease.scores.case import LEVELS, SAMPLES, Case, compare
from trainers.urease.scores.distances import crps
from trainers.urease.scores.forecasts import HORIZONS, ForecastScores, forecast_scores
from trainers.urease.scores.tables import make_tables


def evaluate(config: ModelConfig, trained: Trained, test: Trajectories) -> Evaluation:
    """Evaluate a trained model on a test set.

    Tables: `unknowns` (each unknown at each prefix), `predictions`, `calibration` and `coverage` (of 90 % in strata),
    `ranks` (SBC), `tarp`, `forecast`, `forecast_curves`, `attention`, `distance` (to the exact posterior, of test sets
    that hold it).

    Raises:
        ValueError: the test set lacks the true unknowns or the known conditions.
    """
    case = compare(config, trained, test)
    scores = forecast_scores(case)
    tables = make_tables(case, scores)
    parts = (_scores(case), _prefixes(case, tables), _forecasts(case, scores), _distance(tables))
    rows = [row for part in parts for row in part]
    units = {row.metric: _unit(row.metric, case) for row in rows}
    return Evaluation(summary(rows, units, default_unit="1"), tables)


def _unit(metric: str, case: Case) -> str:
    if metric.startswith(("crps", "coverage", "forecast_coverage")) or metric == "baseline":
        return "%"
    for name in case.unknowns:
        if metric.startswith((f"mae_{name}_", f"rmse_{name}_")):
            return UNITS[name]
    return "1"


def _scores(case: Case) -> Iterator[Row]:
    """Yield what is averaged over all prefixes."""
    prefixes = range(len(case.durations))
    yield mean("crps", np.stack([100 * crps(case.samples[k], case.truth) / case.width for k in prefixes]))
    prior = from_normal(np.random.default_rng(0).standard_normal((SAMPLES, *case.truth.shape)), *case.predictor.box)
    yield mean("baseline", 100 * crps(prior, case.truth) / case.width)
    errors = np.stack([case.error(k) for k in prefixes])
    yield mean("error_activity", errors[:, :, 0])
    yield mean("error_k_d", errors[:, :, case.unknowns.index("k_d")])
    for level in LEVELS:
        yield mean(f"coverage_{100 * level:.0f}", np.stack([case.inside(k, level) for k in prefixes]), scale=100)
    low, high = case.predictor.box
    outside = np.stack([(samples < low) | (samples > high) for samples in case.samples])
    yield mean("mass_outside", outside)


def _prefixes(case: Case, tables: dict[str, pd.DataFrame]) -> Iterator[Row]:
    """Yield what is told prefix by prefix."""
    for row in tables["unknowns"].to_dict("records"):
        ending = f"{row['unknown']}_{row['prefix_s']:g}s"
        for name in ("mae", "rmse", "coverage_90", "contraction", "contraction_by_fisher"):
            yield Row(f"{name}_{ending}", float(row[name]), int(row["n"]))
    for k, duration in enumerate(case.durations):
        yield mean(f"coverage_90_{duration:g}s", case.inside(k, 0.9), scale=100)
        yield mean(f"crps_{duration:g}s", 100 * crps(case.samples[k], case.truth) / case.width)
        density = case.log_density[k]
        if density is not None:
            # per unknown, in units of the ranges: the prior has 0
            yield mean(f"nll_{duration:g}s", -(density + np.log(case.width).sum()) / len(case.unknowns))


def _forecasts(case: Case, scores: ForecastScores) -> Iterator[Row]:
    """Yield errors and coverage of forecasts, over all prefixes and at each."""
    errors = np.stack([made.mean - scores.truth for made in scores.forecasts])
    inside = np.stack([(made.lower <= scores.truth) & (scores.truth <= made.upper) for made in scores.forecasts])
    yield root_mean_square("forecast_rmse", errors)
    yield mean("forecast_coverage_90", inside, scale=100)
    yield mean("forecast_width_90", np.stack([made.upper - made.lower for made in scores.forecasts]))
    yield root_mean_square("forecast_rmse_mean_curve", scores.truth - scores.truth.mean(axis=0))
    for k, duration in enumerate(case.durations):
        for h, horizon in enumerate(HORIZONS):
            yield root_mean_square(f"forecast_rmse_{duration:g}s_at_{horizon:g}s", errors[k, :, h])


def _distance(tables: dict[str, pd.DataFrame]) -> Iterator[Row]:
    """Yield the mean distance to the exact posterior; NaN where the test set does not hold it."""
    table = tables.get("distance", pd.DataFrame({"c2st": [], "prefix_s": []}))
    yield mean("c2st_exact", table["c2st"].to_numpy())
    for duration, part in table.groupby("prefix_s"):
        yield mean(f"c2st_exact_{duration:g}s", part["c2st"].to_numpy())
