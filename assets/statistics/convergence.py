"""Convergence of a training: steps to reach a loss, and the area under its logarithm."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

MOST_LEVELS = 6


def levels(histories: Sequence[pd.DataFrame]) -> list[float]:
    """Return the powers of ten between the extreme losses of all trainings, descending, at most the six lowest."""
    losses = [values for values in map(_losses, histories) if values.size]
    if not losses:
        return []
    highest, lowest = (math.log10(extreme(extreme(v) for v in losses)) for extreme in (max, min))
    return [10.0**k for k in range(math.ceil(highest) - 1, math.ceil(lowest) - 1, -1)][-MOST_LEVELS:]


def steps_to(history: pd.DataFrame, level: float) -> float:
    """Return the first optimiser step at which the training loss is at or below a level; NaN if it never is."""
    steps = history.loc[history["loss"] <= level, "step"]
    return float(steps.iloc[0]) if len(steps) else math.nan


def area(history: pd.DataFrame) -> float:
    """Return the mean of log10(loss) over the optimiser steps: the area under a logarithmic curve per step.

    Smaller means faster at equal length. NaN where no loss is positive.
    """
    values = _losses(history)
    return float(np.log10(values).mean()) if values.size else math.nan


def convergence(histories: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return one row per history: name, last and lowest loss, area, and the steps to every level of `levels`."""
    import pandas as pd

    thresholds = levels(list(histories.values()))
    return pd.DataFrame(
        [
            {"name": name, "last": float(table["loss"].iloc[-1]), "lowest": float(table["loss"].min())}
            | {"area": area(table)}
            | {f"steps to {level:g}": steps_to(table, level) for level in thresholds}
            for name, table in histories.items()
            if len(table)
        ]
    )


def _losses(history: pd.DataFrame) -> np.ndarray:
    """Return the losses that have a logarithm."""
    values = history["loss"].to_numpy(float)
    return values[np.isfinite(values) & (values > 0)]
