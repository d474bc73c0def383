"""Figures that several studies show: losses of a training, coverage of intervals, data of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

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


MOST_ESTIMATED, MOST_CURVES = 40, 6
"""Trajectories of which estimates are drawn, and curves."""


def estimates_with_intervals(estimates: pd.DataFrame) -> Figure:
    """Draw the estimate of each parameter with its interval, one panel per parameter; rows with a caveat are hollow.

    At most 40 trajectories are drawn.
    """
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(estimates["trajectory"]))[:MOST_ESTIMATED]
    groups = list(estimates[estimates["trajectory"].isin(names)].groupby("parameter", sort=False))
    columns = min(3, len(groups))
    rows = -(-len(groups) // columns)
    figure = Figure(figsize=(3.6 * columns, (0.9 + 0.22 * len(names)) * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for axes, (parameter, part) in zip(panels, groups, strict=False):
        places = [names.index(name) for name in part["trajectory"]]
        axes.hlines(places, part["lower"], part["upper"], color="C0", lw=2)
        for doubtful, filling in ((False, "C0"), (True, "white")):
            members = (part["caveat"] != "").to_numpy() == doubtful
            axes.plot(part["estimate"][members], np.array(places)[members], "o", color="C0", mfc=filling, ms=5)
        unit = part["unit"].iloc[0]
        axes.set(title=parameter if unit == "1" else f"{parameter} [{unit}]", ylim=(len(names) - 0.5, -0.5))
        axes.set_yticks(range(len(names)), [str(name) for name in names], fontsize="small")
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    return figure


def measured_and_predicted(fit_curves: pd.DataFrame) -> Figure:
    """Draw measured values (points) and those predicted from the estimates (lines, with their band if they have one).

    One column of panels per trajectory, at most six; one row per channel.
    """
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(fit_curves["trajectory"]))[:MOST_CURVES]
    channels = list(dict.fromkeys(fit_curves["channel"]))
    size = (max(5.0, 3.2 * len(names)), 1.0 + 1.6 * len(channels))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(channels), len(names), squeeze=False, sharex="col")
    for row, channel in zip(panels, channels, strict=True):
        for axes, name in zip(row, names, strict=True):
            own = fit_curves[(fit_curves["trajectory"] == name) & (fit_curves["channel"] == channel)]
            axes.plot(own["t"], own["measured"], ".", color="0.6", ms=3, label="measured")
            axes.plot(own["t"], own["predicted"], "-", color="C0", lw=1, label="of the estimates")
            if own["lower"].notna().any():
                axes.fill_between(own["t"], own["lower"], own["upper"], color="C0", alpha=0.2, lw=0)
        row[0].set_ylabel(channel)
    for axes, name in zip(panels[0], names, strict=True):
        axes.set_title(str(name), fontsize="small")
    for axes in panels[-1]:
        axes.set_xlabel("t")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize="small")
    return figure
