"""What parts of a loss cost each other: the figure of the parts that every run of a sweep ended with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LAST = 0.05
"""Share of the steps at the end over which a part is averaged."""

Runs = Mapping[str, Sequence["pd.DataFrame"]]


def loss_parts(histories: Runs) -> list[str]:
    """Return the first two parts of the loss that all runs have; none where there are not two.

    A part is a column of the history that is measured on validation data as well, under `validation_<name>`.
    """
    columns = [set(history) for runs in histories.values() for history in runs]
    named = [str(name) for runs in histories.values() for history in runs for name in history]
    shared = [
        name
        for name in dict.fromkeys(named)
        if name != "loss" and all({name, f"validation_{name}"} <= own for own in columns)
    ]
    return shared[:2] if len(shared) > 1 else []


def trade_off(histories: Runs) -> Figure:
    """Draw two parts of the loss against each other, as every run ended: mean over the last 20th of its steps.

    One colour per setting. The line joins the runs that no other run beats in both parts (Pareto front): along it one
    part is had only at the cost of the other; a run far above it is in a worse minimum of both.
    """
    from matplotlib.figure import Figure

    first, second = loss_parts(histories)
    figure = Figure(figsize=(6.0, 4.2), layout="constrained")
    axes = figure.subplots()
    ends = {setting: np.array([ended(run, (first, second)) for run in runs]) for setting, runs in histories.items()}
    for number, (setting, points) in enumerate(ends.items()):
        axes.plot(points[:, 0], points[:, 1], "o", ms=5, color=f"C{number % 10}", label=setting)
    best = front(np.concatenate(list(ends.values())))
    axes.plot(best[:, 0], best[:, 1], "-", color="0.5", lw=1, zorder=0)
    axes.set(xlabel=first, ylabel=second, xscale="log", yscale="log")
    if len(histories) <= 12:
        axes.legend(fontsize="x-small")
    return figure


def ended(history: pd.DataFrame, parts: Sequence[str]) -> np.ndarray:
    """Return the mean of each part over the last steps."""
    last = history.tail(max(1, round(LAST * len(history))))
    return last[list(parts)].to_numpy(float).mean(axis=0)


def front(points: np.ndarray) -> np.ndarray:
    """Return the points (N, 2) that no other one is below in both, from left to right; none that is not finite."""
    known = points[np.isfinite(points).all(axis=1)]
    ordered = known[np.lexsort((known[:, 1], known[:, 0]))]
    before = np.minimum.accumulate(np.concatenate([[np.inf], ordered[:-1, 1]])) if len(ordered) else np.zeros(0)
    return ordered[ordered[:, 1] < before]
