"""Deduce the times of structures of one's own: "at what time is this structure?", with a 90 % set for each.

Each trajectory begins with its first snapshot, from which the curve of scores is predicted; every later snapshot is a
structure whose time is deduced. Their own times need not be known: any increasing numbers will do.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from trainers.common.calibration import NORMAL_90
from trainers.phase_field.apply import Predictor, apply
from trainers.phase_field.config import ModelConfig
from trainers.study import Estimates, Trained, Trajectories

Array = np.ndarray

FAR = 4.0
"""Distance of a structure from the nearest point of its curve, in standard deviations of the model's errors, beyond
which the model does not know such a structure [1]."""


def fit(config: ModelConfig, trained: Trained, measured: Trajectories) -> Estimates:
    """Estimate the time at which each snapshot after the first is reached: parameters time_1, time_2, ...

    fit_curves: the predicted scores with their 90 % band, and the measured ones at the times deduced.

    Raises:
        ValueError: a trajectory has fewer than two snapshots, a parameter is missing, or the model was trained without
            validation runs.
    """
    predictor = apply(config, trained)
    rows, curves = [], []
    for number, (t, y) in enumerate(zip(measured.t, measured.y.astype(np.float64), strict=True)):
        present = np.isfinite(t)
        t, y = t[present], y[present]
        if len(t) < 2:
            raise ValueError(f"trajectory {number} has {len(t)} snapshots; expected a first one and at least one more")
        named = {name: values[number : number + 1] for name, values in measured.parameters.items()}
        curve = predictor.predict(y[:1], named)
        scores = predictor.basis.scores(y)
        rows.append(_rows(number, predictor, curve, scores[None, 1:], named, trained))
        growth = float(predictor.error_growth(named, 1)[0])
        curves.append(_curves(number, predictor, curve[0], growth, rows[-1]["estimate"].to_numpy(), scores[1:]))
    tables = {"fit_curves": pd.concat(curves, ignore_index=True)}
    return Estimates(pd.concat(rows, ignore_index=True), tables)


def _rows(
    number: int, predictor: Predictor, curve: Array, scores: Array, named: dict[str, Array], trained: Trained
) -> pd.DataFrame:
    posterior = predictor.times(curve, scores, named)
    growth = float(predictor.error_growth(named, 1)[0])
    low, high, width = posterior.interval(float(predictor.fitted["time/level"][0]))
    ranges = _outside(named, trained)
    caveats = []
    for structure, first, last, size in zip(scores[0], low[0], high[0], width[0], strict=True):
        doubts = [ranges] if ranges else []
        if _distance(predictor, curve[0], structure) > FAR * growth**0.5:
            doubts.append("no point of the predicted curve is like this structure")
        if last - first > 1.5 * size:
            doubts.append("times in between are less likely than both ends")
        if last >= predictor.t[-1]:
            doubts.append(f"it may be later than the model's last time, {predictor.t[-1]:g}")
        caveats.append("; ".join(doubts))
    mean = np.clip(posterior.mean()[0], low[0], high[0])
    columns = {"trajectory": number, "parameter": [f"time_{k}" for k in range(1, len(mean) + 1)], "unit": "1"}
    return pd.DataFrame({**columns, "estimate": mean, "lower": low[0], "upper": high[0], "caveat": caveats})


def _distance(predictor: Predictor, curve: Array, structure: Array) -> float:
    """Return the smallest distance of a structure (K,) from a curve (T, K) in standard deviations of the errors.

    The first point is left out: it is given, so that its errors say nothing.
    """
    away = structure - curve[1:]
    covariance = predictor.fitted["time/covariance"][1:]
    squared = np.einsum("ti,ti->t", away, np.linalg.solve(covariance, away[..., None])[..., 0])
    return float(np.sqrt(squared.min() / curve.shape[1]))


def _outside(named: dict[str, Array], trained: Trained) -> str:
    """Return which parameters of a run lie outside of those of the training runs."""
    names = str(trained.meta["parameters"]).split()
    low, high = trained.fitted["parameters_low"], trained.fitted["parameters_high"]
    doubts = [
        f"{name} is {named[name][0]:.4g}, outside of the training data ({low[k]:.4g} to {high[k]:.4g})"
        for k, name in enumerate(names)
        if name in named and not low[k] <= named[name][0] <= high[k]
    ]
    return "; ".join(doubts)


def _curves(
    number: int, predictor: Predictor, curve: Array, growth: float, deduced: Array, scores: Array
) -> pd.DataFrame:
    """Return predicted scores with their band, and measured ones at the times deduced.

    The first snapshot is left out: it is given, and its scores, those of noise, lie far from all later ones.
    """
    spread = NORMAL_90 * np.sqrt(growth * np.diagonal(predictor.fitted["time/covariance"], axis1=1, axis2=2))
    times = np.concatenate([predictor.t[1:], deduced])
    order = np.argsort(times, kind="stable")
    parts = []
    for k in range(scores.shape[1]):
        measured = np.concatenate([np.full(len(predictor.t) - 1, np.nan), scores[:, k]])
        ends = (curve[:, k], curve[:, k] - spread[:, k], curve[:, k] + spread[:, k])
        predicted, lower, upper = (np.interp(times, predictor.t, values) for values in ends)
        columns = {"t": times, "measured": measured, "predicted": predicted, "lower": lower, "upper": upper}
        table = pd.DataFrame({name: values[order] for name, values in columns.items()})
        parts.append(table.assign(channel=f"score_{k + 1}"))
    return pd.concat(parts, ignore_index=True).assign(trajectory=number)
