"""Figures that several studies show: losses of a training, coverage of intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def loss_curve(history: pd.DataFrame) -> Figure:
    """Draw losses against the epoch, or the optimiser step where there are no epochs.

    Lines join the points at which the validation loss was measured. A dotted line marks the start of a phase, a dashed
    one the lowest validation loss.
    """
    return draw_losses(history, loss_columns(history))


def draw_losses(history: pd.DataFrame, names: Sequence[str]) -> Figure:
    """Draw the columns `names` of a history as `loss_curve` does."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    x = "epoch" if "epoch" in history else "step"
    columns = [name for name in names if history[name].notna().any()]
    for name in columns:
        points = history[[x, name]].dropna()
        style = ".-" if name.startswith("validation_") or x == "epoch" else "-"
        axes.plot(points[x], points[name], style, label=name, lw=2.0 if name == "loss" else 0.9)
    mark_phases(axes, history, x)
    if "validation_loss" in columns:
        lowest = int(history[x].iloc[int(history["validation_loss"].argmin())])
        axes.axvline(lowest, color="0.6", ls="--", lw=0.9, label=f"lowest validation loss: {x} {lowest}")
    # a likelihood may be negative, and then a logarithmic axis would hide it
    positive = bool(columns) and bool((history[columns].min() > 0).all())
    axes.set(
        xlabel="epoch" if x == "epoch" else "optimiser step", ylabel="loss", yscale="log" if positive else "linear"
    )
    if axes.lines:
        axes.legend(fontsize="small", loc="upper right")
    return figure


def loss_columns(history: pd.DataFrame) -> list[str]:
    """Return the columns of a history that are losses: `loss`, `validation_<name>`, and each <name> among them."""
    names = [str(name) for name in history]
    return [name for name in names if name == "loss" or name.startswith("validation_") or f"validation_{name}" in names]


def mark_phases(axes: Axes, history: pd.DataFrame, x: str) -> None:
    """Mark the start of every phase but the first by a dotted line."""
    for start in history.loc[history["phase"].diff() > 0, x]:
        axes.axvline(start, color="0.6", ls=":")


def coverage(calibration: pd.DataFrame) -> Figure:
    """Draw observed against nominal coverage of the intervals, with its 95 % band if the table has `low` and `high`.

    Calibrated intervals lie on the diagonal, intervals that are too narrow below it.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 4), layout="constrained")
    axes = figure.subplots()
    ends = [min(40.0, *calibration["nominal"]), 100.0]
    axes.plot(ends, ends, "k-", lw=0.8)
    axes.plot(calibration["nominal"], calibration["observed"], "o-")
    if "low" in calibration:
        axes.fill_between(calibration["nominal"], calibration["low"], calibration["high"], color="C0", alpha=0.2, lw=0)
    axes.set(xlabel="nominal coverage [%]", ylabel="observed coverage [%]")
    return figure


def coverage_by_stratum(coverage: pd.DataFrame) -> Figure | None:
    """Draw the coverage of each stratum with its 95 % interval, and the nominal one as a line."""
    from matplotlib.figure import Figure

    if not len(coverage):
        return None
    figure = Figure(figsize=(6, 0.8 + 0.28 * len(coverage)), layout="constrained")
    axes = figure.subplots()
    place = range(len(coverage))
    axes.hlines(place, coverage["low"], coverage["high"], color="C0", lw=2)
    axes.plot(coverage["observed"], place, "o", color="C0")
    axes.axvline(coverage["nominal"].iloc[0], color="k", lw=0.8)
    axes.set_yticks(place, [f"{row.stratum} (n = {row.n})" for row in coverage.itertuples()], fontsize="small")
    axes.invert_yaxis()
    axes.set(xlabel="observed coverage [%]")
    return figure
