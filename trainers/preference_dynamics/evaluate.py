"""Evaluate a model on whole series: its unknowns, its intervals, its forecast, and the series its unknowns lead to.

Truth is exact: unknowns come with the test set, and forecasts and series are compared with what they lead to without
noise. Everything is in raw units; only `mse` and its kin take forecasts in units of their series' scale, as published,
so that they compare with published figures. Series whose answer is not finite, or leads beyond 1e5, are counted in
`failures`; every number is over what is finite and says of how many values (n).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trainers.preference_dynamics import metrics
from trainers.preference_dynamics.apply import Estimate, apply
from trainers.preference_dynamics.config import ModelConfig
from trainers.preference_dynamics.features import steady_state
from trainers.preference_dynamics.normalisers import STILL
from trainers.preference_dynamics.prepare import Prepared, prepare
from trainers.preference_dynamics.propagate import propagate
from trainers.preference_dynamics.regimes import Regimes, regimes_of
from trainers.preference_dynamics.system import Array, actions_of, forecast_names, unknown_names
from trainers.preference_dynamics.tables import make_tables
from trainers.study import Evaluation, Trained, Trajectories

Row = dict[str, Any]

MISSED = 0.1
"""An error counts as large beyond this part of the target's spread over the training set [1]."""

PERCENT = ("series_error", "series_error_median", "coverage_90", "coverage_90_identified", "flagged", "missed")
COUNTS = {"failures": "series", "constraint_violations": "series"}


@dataclass(frozen=True)
class Case:
    """A model's answers to a test set, beside the truth."""

    actions: int
    t: Array
    truth: Array
    """(N, Q) unknowns."""
    clean: Array
    """(N, T, 2n) series without noise."""
    said: Estimate
    led_to: Array
    """(N, T, 2n) the series that the answer leads to; NaN where a model says no initial values."""
    given: Prepared
    ahead: Array
    """(N, 2n h) what was to be forecast, without noise."""
    spread: Array
    """(Q,) of the unknowns over the training set."""
    mean: Array
    """(Q,) of the unknowns over the training set."""
    regimes: Regimes

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the unknowns that the model speaks of."""
        return unknown_names(self.actions)[: self.said.unknowns.shape[1]]

    @property
    def known(self) -> Array:
        """The truth (N, P) of those."""
        return self.truth[:, : self.said.unknowns.shape[1]]

    @property
    def live(self) -> Array:
        """Which of those (P,) are not constant."""
        return ~metrics.constant_targets(self.known)

    @property
    def failed(self) -> Array:
        """Which answers (N,) are not finite, or lead to series that are not."""
        wrong = ~np.isfinite(self.said.unknowns).all(axis=1) | ~np.isfinite(self.said.forecast).all(axis=1)
        whole = self.said.unknowns.shape[1] == self.truth.shape[1]
        return wrong | ~np.isfinite(self.led_to).all(axis=(1, 2)) if whole else wrong


def evaluate(config: ModelConfig, trained: Trained, test: Trajectories) -> Evaluation:
    """Evaluate a trained model on the test set `name`.

    Tables: `targets` (metrics of each target), `predictions` (every series and target), `samples` (every series with
    its regime and errors), `worst` (the worst of them), `calibration` (coverage at several levels), `series` (true and
    predicted, ten examples).

    Raises:
        ValueError: if the test set does not say its unknowns, or its series have different times.
    """
    case = _case(config, trained, test)
    return Evaluation(_summary(case), make_tables(case, *published_targets(case)))


def _case(config: ModelConfig, trained: Trained, test: Trajectories) -> Case:
    actions, t = actions_of(test.names), test.t[0]
    missing = [name for name in unknown_names(actions) if name not in test.parameters]
    if missing:
        raise ValueError(f"the test set does not say {', '.join(missing)}; expected the true unknowns of every series")
    if not np.array_equal(test.t, np.broadcast_to(t, test.t.shape)):
        raise ValueError("the series of the test set have different times; expected the same for all")
    truth = np.stack([test.parameters[name] for name in unknown_names(actions)], axis=1)
    clean = propagate(truth, t - t[0], actions)
    given = prepare(config, test.y, t)
    said = apply(config, trained).estimate(given, t)
    whole = said.unknowns.shape[1] == truth.shape[1]
    led_to = propagate(said.unknowns, t - t[0], actions) if whole else np.full(clean.shape, np.nan)
    ahead = np.moveaxis(clean[:, -config.horizon :], 1, 2).reshape(len(clean), -1)
    spread, mean = (np.asarray(trained.fitted[f"unknowns_{what}"], np.float64) for what in ("std", "mean"))
    regimes = regimes_of(truth, clean[:, : -config.horizon], actions)
    return Case(actions, t, truth, clean, said, led_to, given, ahead, spread, mean, regimes)


def _summary(case: Case) -> pd.DataFrame:
    rows = [*_unknowns(case), *_targets(case), *_forecast(case), *_series(case), *_intervals(case)]
    for row in rows:
        row["unit"] = "%" if row["metric"] in PERCENT else COUNTS.get(row["metric"], "1")
    return pd.DataFrame(rows, columns=["metric", "value", "unit", "n"])


def _unknowns(case: Case) -> list[Row]:
    """Return the errors of unknowns that are not constant, all and by kind of series, before and after refining."""
    good, live = ~case.failed, case.live
    error = (case.said.unknowns - case.known)[:, live]
    first = (case.said.first - case.known)[:, live]
    flagged = case.said.flagged
    large = (np.abs(error) > MISSED * case.spread[: len(live)][live]).any(axis=1)
    initial = np.abs(case.said.unknowns - case.known)[:, case.regimes.initial_columns(len(live))]
    still = (case.mean - case.truth)[:, : len(live)][:, live]
    rows = [
        _rms("unknowns_rmse", error[good]),
        _entry("unknowns_mse", _mean(error[good] ** 2), error[good].size),
        _entry("baseline", _mean(still**2), still.size),
        _rms("unknowns_rmse_before", first[np.isfinite(first).all(axis=1)]),
        _rms("unknowns_rmse_unflagged", error[good & ~flagged]),
        _rms("unknowns_rmse_identified", error[good][case.said.identified[good][:, live]]),
        _entry("unknowns_mae", _mean(np.abs(error[good])), error[good].size),
        _entry("unknowns_median", _median(np.abs(error[good])), error[good].size),
        _entry(
            "unknowns_tail", float(np.quantile(np.abs(error[good]), 0.99)) if good.any() else np.nan, error[good].size
        ),
        _entry("flagged", 100 * float(flagged.mean()), len(flagged)),
        _entry("missed", 100 * _mean(large[good & ~flagged]), int((good & ~flagged).sum())),
        _entry("failures", float(case.failed.sum()), len(good)),
        _entry("constraint_violations", float(_violations(case).sum()), len(good)),
    ]
    for kind, chosen in case.regimes.initial_kinds(initial.shape[1]).items():
        rows.append(_rms(f"initial_rmse_{kind}", initial[good[:, None] & chosen]))
    return rows


def _violations(case: Case) -> Array:
    """Return which answers (N,) break `Pi_ii > 0`, `Gamma_ii > 0`."""
    diagonal = [k for k, name in enumerate(case.names) if _is_diagonal(name)]
    return np.asarray((case.said.unknowns[:, diagonal] <= 0).any(axis=1))


def _is_diagonal(name: str) -> bool:
    row, _, column = name.partition("_")[2].partition(",")
    return bool(column) and row == column


def published_targets(case: Case) -> tuple[Array, Array, tuple[str, ...]]:
    """Return predicted and true targets (N, P) and their names: unknowns, and forecasts by their series' scale.

    A channel that stands still before the horizon has no scale: its forecast stays in raw units.
    """
    horizon = case.ahead.shape[1] // case.given.scale.shape[1]
    scale = np.where(case.given.scale < STILL, 1.0, case.given.scale)
    shift, scale = (np.repeat(part, horizon, axis=1) for part in (case.given.shift, scale))
    told = case.said.forecast.shape[1] > 0
    ahead = [(part - shift) / scale for part in ((case.said.forecast, case.ahead) if told else ())]
    predicted = np.concatenate([case.said.unknowns, *ahead[:1]], axis=1)
    truth = np.concatenate([case.known, *ahead[1:]], axis=1)
    return predicted, truth, case.names + (forecast_names(case.actions, horizon) if told else ())


def _targets(case: Case) -> list[Row]:
    """Return the metrics over all targets, without and with constant ones, and the rmse of each."""
    predicted, truth, names = published_targets(case)
    predicted, truth = predicted[~case.failed], truth[~case.failed]
    live = ~metrics.constant_targets(truth)
    rows = []
    for ending, chosen in (("", live), ("_with_constants", np.ones(len(live), bool))):
        made = metrics.overall(predicted[:, chosen], truth[:, chosen])
        rows += [_entry(name + ending, value, truth[:, chosen].size) for name, value in made.items()]
    return rows + [_rms(f"rmse_{name}", predicted[:, k] - truth[:, k]) for k, name in enumerate(names)]


def _forecast(case: Case) -> list[Row]:
    """Return the error of the forecast in raw units, beside that of the last value."""
    good = ~case.failed
    last = case.given.x[:, :, -1] * case.given.scale + case.given.shift
    still = np.repeat(last, case.ahead.shape[1] // last.shape[1], axis=1) - case.ahead
    told = case.said.forecast.shape[1] > 0
    error = case.said.forecast - case.ahead if told else np.zeros((len(good), 0))
    return [
        _rms("forecast_rmse", error[good]),
        _entry("forecast_median", _median(np.abs(error[good])), error[good].size),
        _rms("forecast_rmse_persistence", still),
    ]


def _series(case: Case) -> list[Row]:
    """Return the error of the series that the answers lead to, and of the steady states they end in."""
    finite = np.isfinite(case.led_to).all(axis=(1, 2))
    error = metrics.series_error(case.led_to[finite], case.clean[finite])
    error = error[np.isfinite(error)]
    level = steady_state(case.clean, case.t)
    steady = finite & (level[:, 0] == 1)
    missed = case.led_to[steady, -1] - level[steady, 1:]
    return [
        _entry("series_error", _mean(error), error.size),
        _entry("series_error_median", _median(error), error.size),
        _rms("series_rmse", (case.led_to - case.clean)[finite]),
        _rms("steady_state_rmse", missed),
        _entry("steady_state_median", _median(np.abs(missed)), missed.size),
    ]


def _intervals(case: Case) -> list[Row]:
    """Return how many true unknowns lie in their 90 % interval."""
    good, live = ~case.failed, case.live
    inside = (np.abs(case.said.unknowns - case.known) <= case.said.reach)[good][:, live]
    identified = case.said.identified[good][:, live]
    return [
        _entry("coverage_90", 100 * _mean(inside), inside.size),
        _entry("coverage_90_identified", 100 * _mean(inside[identified]), int(identified.sum())),
        _entry("interval_width", _mean(2 * case.said.reach[good][:, live]), inside.size),
    ]


def _rms(metric: str, error: Array) -> Row:
    return _entry(metric, float(np.sqrt((error**2).mean())) if error.size else np.nan, error.size)


def _mean(values: Array) -> float:
    return float(values.mean()) if values.size else np.nan


def _median(values: Array) -> float:
    return float(np.median(values)) if values.size else np.nan


def _entry(metric: str, value: float, count: int) -> Row:
    return {"metric": metric, "value": value, "n": count}
