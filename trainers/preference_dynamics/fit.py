"""Fit series of one's own with a trained model: its unknowns with 90 % intervals, and the series that they give.

`fit_without_model.py` needs no model. The first time of a series counts as 0: a system does not depend on it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from trainers.common.resampling import states_at
from trainers.preference_dynamics.apply import Estimate, apply
from trainers.preference_dynamics.config import ModelConfig
from trainers.preference_dynamics.series.inputs import FEWEST_POINTS
from trainers.preference_dynamics.system.equations import Array, actions_of, unknown_names
from trainers.preference_dynamics.system.solution import solve
from trainers.study import Estimates, Trained, Trajectories

SAME_TIME = 1e-6
"""Largest difference of two times that count as the same [1]."""


class Prepared(NamedTuple):
    """A series as the model takes it, and what was done to it."""

    t: Array
    """(L,) from 0."""
    y: Array
    """(L, 2n)"""
    caveat: str


def fit(config: ModelConfig, trained: Trained, measured: Trajectories) -> Estimates:
    """Estimate the unknowns of series of desires and efforts, which may differ in length and times.

    Least squares alone (kind `fit`) takes a series at its own times. All other models take the times that they were
    trained on: a series at others is interpolated linearly, and what lies after the last of them is not used; a caveat
    says so. fit_curves: the series of the estimated unknowns at the measured times, without a band.

    Raises:
        ValueError: another number of actions than in training, a series with NaN, or one that is too short.
    """
    actions = int(trained.meta["actions"])
    if (given := actions_of(measured.names)) != actions:
        raise ValueError(f"series of {given} actions; the model was trained on {actions}")
    if config.targets == "forecast":
        raise ValueError("this model forecasts only (targets: forecast); expected one that estimates unknowns")
    predictor, grid = apply(config, trained), trained.fitted["t"]
    step = grid[-1] - grid[-2]
    rows, curves = [], []
    for number, (t, y) in enumerate(zip(measured.t, measured.y, strict=True)):
        present = np.isfinite(t)
        t, y = t[present] - t[present][:1], y[present]
        _check(number, y)
        series = Prepared(t, y, "") if config.kind == "fit" else _at_times_of(grid[: -config.horizon], number, t, y)
        after = series.t[-1] + step * np.arange(1, config.horizon + 1)
        padded = np.concatenate([series.y, np.full((config.horizon, 2 * actions), np.nan)])
        estimate = predictor.predict(padded[None], np.concatenate([series.t, after]))
        rows.append(_rows(number, estimate, trained, actions, series.caveat))
        curves.append(_curves(number, measured.t[number][present], t, y, estimate, actions, measured.names))
    complete = [table for table in curves if len(table)]
    tables = {"fit_curves": pd.concat(complete, ignore_index=True)} if complete else {}
    return Estimates(pd.concat(rows, ignore_index=True), tables)


def _check(number: int, y: Array) -> None:
    if not np.isfinite(y).all():
        raise ValueError(f"series {number} holds values that are not finite; leave those times out")
    if len(y) < FEWEST_POINTS:
        raise ValueError(f"series {number} has {len(y)} points; expected at least {FEWEST_POINTS}")


def _at_times_of(grid: Array, number: int, t: Array, y: Array) -> Prepared:
    """Return a series at the times that the model was trained on, before its horizon."""
    times = grid - grid[0]
    if t[-1] < times[-1] - SAME_TIME:
        raise ValueError(
            f"series {number} lasts {t[-1]:g}; the model needs {times[-1]:g}: give a longer one, or a model of kind fit"
        )
    caveats = []
    if len(t) < len(times) or np.abs(t[: len(times)] - times).max() > SAME_TIME:
        caveats.append(f"interpolated from {len(t)} points to the {len(times)} times of the training data")
    if t[-1] > times[-1] + (times[-1] - times[-2]) * 1.5:
        caveats.append(f"only times up to {times[-1]:g} are used")
    return Prepared(times, states_at(np.minimum(times, t[-1]), t, y), "; ".join(caveats))


def _rows(number: int, estimate: Estimate, trained: Trained, actions: int, caveat: str) -> pd.DataFrame:
    value, half_width = estimate.unknowns[0], estimate.half_width[0]
    size = len(value)
    low, high = trained.fitted["unknowns_low"][:size], trained.fitted["unknowns_high"][:size]
    doubts = [[caveat] if caveat else [] for _ in value]
    for k, texts in enumerate(doubts):
        if not estimate.identified[0, k]:
            texts.append("the series does not determine it")
        if low[k] < high[k] and not low[k] <= value[k] <= high[k]:
            texts.append(f"outside of the training data ({low[k]:.3g} to {high[k]:.3g})")
        if estimate.flagged[0] and estimate.identified[0].all():
            texts.append("the fit leaves more than noise")
    return pd.DataFrame(
        {
            "trajectory": number,
            "parameter": unknown_names(actions)[:size],
            "unit": "1",
            "estimate": value,
            "lower": value - half_width,
            "upper": value + half_width,
            "caveat": ["; ".join(texts) for texts in doubts],
        }
    )


def _curves(
    number: int, times: Array, t: Array, y: Array, estimate: Estimate, actions: int, names: tuple[str, ...]
) -> pd.DataFrame:
    """Return the measured series and that of the estimated unknowns; nothing where initial values are not estimated."""
    unknowns = estimate.unknowns
    if unknowns.shape[1] < len(unknown_names(actions)) or not np.isfinite(unknowns).all():
        return pd.DataFrame()
    predicted = solve(unknowns, t, actions)[0]
    columns = {"t": np.repeat(times, len(names)), "channel": np.tile(np.array(names), len(times))}
    columns |= {"measured": y.ravel(), "predicted": predicted.ravel()}
    return pd.DataFrame({"trajectory": number, **columns, "lower": np.nan, "upper": np.nan})
