"""Figures of the vehicle study; each parameter is the table of that name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from trainers.common.figures import coverage_by_stratum, loss_curve

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LABELS = {
    "mu_C_Sf": "mu C_Sf [1/rad]",
    "mu_C_Sr": "mu C_Sr [1/rad]",
    "m_over_I": "m/I [1/m²]",
    "lf": "lf [m]",
    "lr": "lr [m]",
    "h": "h [m]",
}


def scenarios(rollouts: pd.DataFrame) -> Figure:
    """Draw paths of six scored windows, true (wide) and predicted, from the best at the left to the worst at the right,
    and below them their yaw rates with the measured ones as points."""
    from matplotlib.figure import Figure

    groups = list(rollouts.groupby("window", sort=False))
    figure = Figure(figsize=(2.5 * len(groups), 5), layout="constrained")
    panels = figure.subplots(2, len(groups), squeeze=False)
    for (_, part), (path, turn) in zip(groups, panels.T, strict=True):
        path.plot(part["true_x"], part["true_y"], lw=4, alpha=0.35, color="C0", label="true")
        path.plot(part["predicted_x"], part["predicted_y"], lw=1.2, color="C1", label="predicted")
        path.set(xlabel="x [m]", aspect="equal")
        path.set_title(f"run {part['trajectory'].iloc[0]}", fontsize="small")
        path.set_adjustable("datalim")
        turn.plot(part["t"], part["measured_yaw_rate"], ".", ms=2, color="0.6", label="measured")
        turn.plot(part["t"], part["true_yaw_rate"], lw=4, alpha=0.35, color="C0")
        turn.plot(part["t"], part["predicted_yaw_rate"], lw=1.2, color="C1")
        turn.set(xlabel="t [s]")
    panels[0, 0].set_ylabel("y [m]")
    panels[1, 0].set_ylabel("yaw rate [rad/s]")
    panels[0, 0].legend(fontsize="x-small")
    panels[1, 0].legend(fontsize="x-small")
    return figure


def error_over_time(horizons: pd.DataFrame) -> Figure:
    """Draw the position error of rollouts over time: mean, median, 95 % quantile, and the mean of constant twist."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, style in (("tail", "C0:"), ("mean", "C0-"), ("median", "C0--"), ("constant_twist", "0.5")):
        axes.plot(horizons["t"], horizons[name], style, label=name.replace("_", " ").replace("tail", "95 % quantile"))
    axes.set(xlabel="t [s]", ylabel="position error [m]", yscale="log")
    axes.legend(fontsize="small")
    return figure


def estimated_against_true(cars: pd.DataFrame) -> Figure | None:
    """Draw the estimated combinations of every car with 90 % intervals against the true ones."""
    from matplotlib.figure import Figure

    known = cars[np.isfinite(cars["true"])]
    if not len(known):
        return None
    groups = list(known.groupby("combination", sort=False))
    figure = Figure(figsize=(9, 5.4), layout="constrained")
    for axes, (name, part) in zip(figure.subplots(2, 3).ravel(), groups, strict=False):
        spread = np.stack([part["estimate"] - part["low"], part["high"] - part["estimate"]])
        axes.errorbar(part["true"], part["estimate"], spread, fmt=".", ms=4, lw=0.7, color="C0", alpha=0.7)
        ends = [part["true"].min(), part["true"].max()]
        axes.plot(ends, ends, "k-", lw=0.8)
        axes.set(title=LABELS[str(name)], xlabel="true", ylabel="estimated", xscale="log", yscale="log")
        room = (ends[0] / 1.6, ends[1] * 1.6)
        axes.set(xlim=room, ylim=room)
    return figure


def spread_of_windows(windows: pd.DataFrame) -> Figure | None:
    """Draw the estimates of single windows of a few cars, a column of points for each car, before they are pooled."""
    from matplotlib.figure import Figure

    columns = [column for column in windows["column"].unique() if column < len(LABELS)]
    figure = Figure(figsize=(9, 5.4), layout="constrained")
    for axes, column in zip(figure.subplots(2, 3).ravel(), columns, strict=False):
        part = windows[windows["column"] == column]
        place = np.unique(part["car"], return_inverse=True)[1]
        axes.plot(place, part["estimate"], "_", ms=9, alpha=0.6)
        axes.set(title=list(LABELS.values())[column], xlabel="car", yscale="log")
    return figure


def error_by_stratum(strata: pd.DataFrame) -> Figure:
    """Draw the position error after 2 s by speed and friction: mean (dot), median (line) and quartiles (bar)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 0.8 + 0.32 * len(strata)), layout="constrained")
    axes = figure.subplots()
    place = np.arange(len(strata))
    axes.hlines(place, strata["low"], strata["high"], color="C0", lw=5, alpha=0.35)
    axes.plot(strata["median"], place, "|", color="C0", ms=9)
    axes.plot(strata["fde_2s"], place, "o", color="C0", ms=4)
    axes.set_yticks(place, [f"{row.stratum} (n = {row.n})" for row in strata.itertuples()], fontsize="small")
    axes.invert_yaxis()
    axes.set(xlabel="position error after 2 s [m]", xscale="log")
    return figure


def errors_compared(horizons: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the mean position error over time of several models."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for model, table in horizons.items():
        axes.plot(table["t"], table["mean"], label=model)
    axes.set(xlabel="t [s]", ylabel="mean position error [m]", yscale="log")
    axes.legend(fontsize="small")
    return figure


def combinations_compared(combinations: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the error of each combination of several models, and the spread of the true ones over the test cars."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(combinations)
    for number, (model, table) in enumerate(combinations.items()):
        axes.bar(np.arange(len(table)) + number * width, table["error"], width, label=model)
    first = next(iter(combinations.values()))
    axes.plot(np.arange(len(first)) + 0.4 - width / 2, first["spread"], "k_", ms=24, label="spread of the cars")
    axes.set_xticks(np.arange(len(first)) + 0.4 - width / 2, first["combination"], fontsize="small")
    axes.set(ylabel="error [%]", yscale="log")
    figure.legend(loc="outside upper center", ncols=3, fontsize="small")
    return figure


FIGURES = (
    scenarios,
    error_over_time,
    estimated_against_true,
    spread_of_windows,
    error_by_stratum,
    coverage_by_stratum,
    loss_curve,
)
"""What a report shows of one model, in this order."""

COMPARED = (errors_compared, combinations_compared)
"""Of several models: each parameter maps the name of a model to its table of that name."""
