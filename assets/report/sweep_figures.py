"""Figures over a whole sweep: losses of its runs and the trade-off of their parts, the ranking, test sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from assets.identity.text import cell, value_text
from assets.report.axis_figures import whisker
from assets.statistics.experiment import short

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Histories = Mapping[str, Sequence["pd.DataFrame"]]
"""Histories of the runs of each setting."""

MOST_RUNS = 60
MOST_BARS = 40

LAST = 0.05
"""Share of the steps at the end over which a part of the loss is averaged."""


def losses(histories: Histories) -> Figure:
    """Draw the training loss of every run against the optimiser step over all phases, one colour per setting.

    Solid: training loss; dots: validation loss, where there is any; dotted lines mark the start of a phase.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    axes = figure.subplots()
    runs_left = MOST_RUNS
    for number, (setting, runs) in enumerate(histories.items()):
        for place, history in enumerate(runs[: max(0, runs_left)]):
            label = setting if place == 0 else None
            axes.plot(history["step"], history["loss"], lw=0.8, alpha=0.8, color=f"C{number % 10}", label=label)
            if "validation_loss" in history:
                points = history[["step", "validation_loss"]].dropna()
                axes.plot(points["step"], points["validation_loss"], ".", ms=2, color=f"C{number % 10}", alpha=0.6)
        runs_left -= len(runs)
    first = next((runs[0] for runs in histories.values() if runs), None)
    if first is not None:
        for start in first.loc[first["phase"].diff() > 0, "step"]:
            axes.axvline(start, color="0.6", ls=":")
    axes.set(xlabel="optimiser step", ylabel="loss", yscale="log" if _positive(axes) else "linear")
    if axes.lines and len(histories) <= 12:
        axes.legend(fontsize="x-small", loc="upper right")
    return figure


def _positive(axes: Axes) -> bool:
    values = [np.asarray(line.get_ydata(), float) for line in axes.lines if len(np.asarray(line.get_ydata())) > 2]
    return bool(values) and all(np.nanmin(value) > 0 for value in values if np.isfinite(value).any())


def loss_parts(histories: Histories) -> list[str]:
    """Return the first two parts of the loss that all runs have; none where there are not two.

    A part is a column of the history that has a counterpart on validation data, `validation_<name>`.
    """
    columns = [set(history) for runs in histories.values() for history in runs]
    names = dict.fromkeys(str(name) for runs in histories.values() for history in runs for name in history)
    parts = [name for name in names if name != "loss" and all({name, f"validation_{name}"} <= own for own in columns)]
    return parts[:2] if len(parts) > 1 else []


def trade_off(histories: Histories) -> Figure:
    """Draw two parts of the loss of every run against each other, means over the last twentieth of its steps.

    One colour per setting. The line joins the runs that no other run beats in both parts (Pareto front): along it one
    part improves only at the cost of the other; a run far above it has a worse minimum in both.
    """
    from matplotlib.figure import Figure

    first, second = loss_parts(histories)
    figure = Figure(figsize=(6.0, 4.2), layout="constrained")
    axes = figure.subplots()
    ends = {
        setting: np.array(
            [history.tail(max(1, round(LAST * len(history))))[[first, second]].mean() for history in runs]
        )
        for setting, runs in histories.items()
    }
    for number, (setting, points) in enumerate(ends.items()):
        axes.plot(points[:, 0], points[:, 1], "o", ms=5, color=f"C{number % 10}", label=setting)
    best = pareto_front(np.concatenate(list(ends.values())))
    axes.plot(best[:, 0], best[:, 1], "-", color="0.5", lw=1, zorder=0)
    axes.set(xlabel=first, ylabel=second, xscale="log", yscale="log")
    if len(histories) <= 12:
        axes.legend(fontsize="x-small")
    return figure


def pareto_front(points: np.ndarray) -> np.ndarray:
    """Return the finite points (N, 2) that no other one is below in both coordinates, from left to right."""
    finite = points[np.isfinite(points).all(axis=1)]
    ordered = finite[np.lexsort((finite[:, 1], finite[:, 0]))]
    before = np.minimum.accumulate(np.concatenate([[np.inf], ordered[:-1, 1]])) if len(ordered) else np.zeros(0)
    return ordered[ordered[:, 1] < before]


def ranking(board: pd.DataFrame, axes_names: Sequence[str], metric: str) -> Figure:
    """Draw the score of every setting that has one, best first, with its 95 % interval.

    Open circles: settings without a rank, since a seed failed.
    """
    from matplotlib.figure import Figure

    settings = board.drop_duplicates("keys").dropna(subset=["score"]).head(MOST_BARS)
    figure = Figure(figsize=(7.5, max(1.8, 0.32 * len(settings) + 1.2)), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(settings.to_dict("records")):
        ranked = row["rank"] != ""
        whisker(axes, row["score"], row["score_low"], row["score_high"], place, "C0" if ranked else "0.5", ranked)
    labels = [
        ", ".join(f"{short(name)} {value_text(row[name])}" for name in axes_names)
        for row in settings.to_dict("records")
    ]
    axes.set_yticks(range(len(settings)), [label or "the one setting" for label in labels], fontsize="small")
    axes.set_ylim(max(len(settings), 1) - 0.5, -0.5)  # the best on top, none on the frame
    unit = next(filter(None, board["unit"]), "1") if len(board) else "1"
    positive = len(settings) > 0 and bool((settings["score"] > 0).all())
    axes.set(xlabel=f"{metric} [{unit}], mean over seeds and test sets", xscale="log" if positive else "linear")
    axes.grid(axis="x", alpha=0.3)
    return figure


def test_matrix(board: pd.DataFrame, axes_names: Sequence[str], metric: str) -> Figure:
    """Draw the metric of every setting (rows, in the order of the ranking) on every test set (columns)."""
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.figure import Figure

    labels = board[list(axes_names)].map(value_text).agg(", ".join, axis=1) if axes_names else board["keys"]
    named = board.assign(setting=labels).drop_duplicates(["setting", "test"])
    order = list(dict.fromkeys(named["setting"]))[:MOST_BARS]
    table = named.pivot(index="setting", columns="test", values="mean")[list(dict.fromkeys(named["test"]))].loc[order]
    values = table.to_numpy(float)
    figure = Figure(figsize=(max(5.0, 1.5 * len(table.columns) + 3.5), max(2.2, 0.34 * len(table) + 1.6)),
                    layout="constrained")  # fmt: skip
    axes = figure.subplots()
    positive = np.isfinite(values).any() and np.nanmin(values) > 0
    mesh = axes.imshow(values, aspect="auto", cmap="viridis_r", norm=LogNorm() if positive else Normalize())
    for (i, j), value in np.ndenumerate(values):
        axes.text(j, i, cell(float(value)) or "-", ha="center", va="center", fontsize="small",
                  bbox={"fc": "white", "alpha": 0.6, "lw": 0, "pad": 1})  # fmt: skip
    axes.set_xticks(range(len(table.columns)), [str(name) for name in table.columns], fontsize="small", rotation=15)
    axes.set_yticks(range(len(table)), order, fontsize="small")
    unit = next(filter(None, board["unit"]), "1")
    figure.colorbar(mesh, ax=axes, label=f"{metric} [{unit}]")
    return figure


def spread(values: Mapping[str, Mapping[str, np.ndarray]], metric: str, unit: str) -> Figure:
    """Draw the metric of every setting as a box over its seeds and trajectories, on each test set (columns).

    The least interquartile range on the first test set comes on top. Median solid, mean dashed; outliers, red, lie
    beyond Q1 - 1.5 IQR and Q3 + 1.5 IQR.
    """
    from matplotlib.figure import Figure

    first = next(iter(values.values()))
    order = sorted(first, key=lambda setting: float(np.subtract(*np.percentile(first[setting], (75, 25)))))[:MOST_BARS]
    size = (2.6 * len(values) + 3.0, max(2.2, 0.34 * len(order) + 1.4))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(values), squeeze=False, sharey=True)[0]
    for axes, (test, groups) in zip(panels, values.items(), strict=True):
        places = [place for place, setting in enumerate(order) if setting in groups]
        boxes = [groups[order[place]] for place in places]
        axes.boxplot(boxes, positions=places, orientation="horizontal", showmeans=True, meanline=True, widths=0.6,
                     flierprops={"marker": ".", "markersize": 3, "markeredgecolor": "red"})  # fmt: skip
        positive = bool(boxes) and all((box > 0).all() for box in boxes)
        axes.set(xlabel=f"{metric} [{unit or '1'}]", xscale="log" if positive else "linear")
        axes.set_title(f"test set {test}", fontsize="small")
        axes.set_yticks(range(len(order)), order, fontsize="small")
    panels[0].set_ylim(len(order) - 0.5, -0.5)
    return figure
