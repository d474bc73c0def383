"""Estimate the amplitude of measured oscillations."""

import numpy as np
import pandas as pd

from tests.toy_study.apply import apply
from tests.toy_study.config import ModelConfig
from trainers.study import Estimates, Trained, Trajectories

FEWEST_POINTS = 4


def fit(config: ModelConfig, trained: Trained, measured: Trajectories) -> Estimates:
    """Estimate `sqrt(x^2 + v^2)` over all points: mean, 5 % and 95 % quantile; `fit_curves` has one step of the model.

    Raises:
        ValueError: a trajectory has fewer than 4 points.
    """
    rows, curves = [], []
    step = apply(config, trained)
    for number, (t, y) in enumerate(zip(measured.t, measured.y, strict=True)):
        present = np.isfinite(t)
        if present.sum() < FEWEST_POINTS:
            raise ValueError(f"trajectory {number} has {present.sum()} points; expected at least {FEWEST_POINTS}")
        t, y = t[present], y[present]
        amplitude = np.hypot(y[:, 0], y[:, 1])
        caveat = "larger than in training" if np.abs(y).max() > trained.fitted["scale"] else ""
        rows.append((number, "amplitude", "m", amplitude.mean(), *np.quantile(amplitude, [0.05, 0.95]), caveat))
        for channel, values, after in zip(measured.names, y.T, step(y).T, strict=True):
            band = {"lower": np.nan, "upper": np.nan}
            columns = {"t": t[1:], "channel": channel, "measured": values[1:], "predicted": after[:-1]}
            curves.append(pd.DataFrame({"trajectory": number, **columns, **band}))
    names = ["trajectory", "parameter", "unit", "estimate", "lower", "upper", "caveat"]
    return Estimates(pd.DataFrame(rows, columns=names), {"fit_curves": pd.concat(curves, ignore_index=True)})
