"""Figures of the axes of a sweep: the effect of each, panels and lines over several of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from assets.identity.text import value_text
from assets.report.heat_maps import numeric
from assets.report.parallel_coordinates import Scale, logarithmic, parallel_coordinates
from assets.statistics.experiment import short

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def whisker(axes: Axes, x: float, low: float, high: float, y: float, color: str, filled: bool = True) -> None:
    """Draw a value as a dot with its interval as a bar; an open dot where it is not `filled`."""
    if np.isfinite(low) and np.isfinite(high):
        axes.plot([low, high], [y, y], "-", color=color, lw=1.5)
    axes.plot([x], [y], "o", color=color, mfc=color if filled else "white", ms=5)


def axis_effects(values: pd.DataFrame, metric: str, unit: str) -> Figure:
    """Draw the scores at every value of every axis over all other settings: mean with 95 % interval, median, and best.

    Dot and bar: mean and interval; tick: median; triangle: the best run. The share is the part of the variance of the
    scores that lies between the values of the axis.
    """
    from matplotlib.figure import Figure

    means = values.dropna(subset=["mean"])
    groups = list(means.groupby("axis", sort=False))
    heights = [len(group) + 1 for _, group in groups] or [2]
    figure = Figure(figsize=(7.5, max(2.0, 0.32 * sum(heights) + 0.8)), layout="constrained")
    panels = np.atleast_1d(figure.subplots(max(1, len(groups)), 1, sharex=True, height_ratios=heights))
    for axes, (axis, group) in zip(panels, groups, strict=False):
        for place, row in enumerate(group.to_dict("records")):
            whisker(axes, row["mean"], row["low"], row["high"], place, "C0")
            axes.plot([row["median"]], [place], "|", color="k", ms=12, mew=1.5)
            axes.plot([row["best"]], [place], "^", color="C2", ms=5)
        axes.set_yticks(range(len(group)), [value_text(value) for value in group["value"]], fontsize="small")
        axes.set_ylim(len(group) - 0.4, -0.6)
        share = group["importance"].iloc[0]
        of_variance = f", {100 * share:.0f} % of the variance" if np.isfinite(share) else ""
        axes.set_title(f"{short(str(axis))}{of_variance}", loc="left", fontsize="medium")
        axes.grid(axis="x", alpha=0.3)
    positive = len(means) > 0 and bool((means["best"] > 0).all())
    panels[-1].set(xlabel=f"{metric} [{unit or '1'}]", xscale="log" if positive else "linear")
    return figure


def facets(board: pd.DataFrame, axes_names: Sequence[str], metric: str, fixed: str) -> Figure:
    """Draw the score of every setting with its 95 % interval over up to four axes at once, the most important first.

    The first axis is vertical, the second the colour, the third the column of panels, the fourth their row; settings
    that differ in further axes alone overlap. The title lists the settings that all share.
    """
    from matplotlib.figure import Figure

    settings = board.drop_duplicates("keys").dropna(subset=["score"])
    as_text = settings.assign(**{name: settings[name].map(value_text) for name in axes_names})
    names = list(axes_names)[:4]
    first, second, third, fourth = (list(dict.fromkeys(as_text[name])) for name in (names + names[:1] * 4)[:4])
    columns, rows = (third if len(names) > 2 else [""]), (fourth if len(names) > 3 else [""])
    size = (max(6.0, 2.9 * len(columns) + 1.8), len(rows) * max(1.8, 0.4 * len(first) + 0.8) + 1)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(rows), len(columns), squeeze=False, sharex=True, sharey=True)
    for (i, j), axes in np.ndenumerate(grid):
        panel = as_text[(as_text[names[2]] == columns[j]) if len(names) > 2 else slice(None)]
        panel = panel[(panel[names[3]] == rows[i]) if len(names) > 3 else slice(None)]
        for row in panel.to_dict("records"):
            place = second.index(row[names[1]])
            height = first.index(row[names[0]]) + 0.5 * ((place + 0.5) / len(second) - 0.5)
            whisker(axes, row["score"], row["score_low"], row["score_high"], height, f"C{place % 10}")
        title = [f"{short(name)} {value}" for name, value in zip(names[2:], (columns[j], rows[i]), strict=False)]
        axes.set_title(", ".join(title), fontsize="small")
        axes.set_yticks(range(len(first)), first, fontsize="small")
        axes.grid(axis="x", alpha=0.3)
    positive = len(as_text) > 0 and bool((as_text["score"] > 0).all())
    for axes in grid[-1]:
        axes.set_xscale("log" if positive else "linear")
    _name_facets(figure, short(names[1]), second, f"{metric}; {fixed}")
    return figure


def _name_facets(figure: Figure, axis: str, values: Sequence[str], title: str) -> None:
    """Put the title on top and the colours of an axis beside the panels."""
    from textwrap import fill

    from matplotlib.lines import Line2D

    marks = [Line2D([], [], marker="o", color=f"C{place % 10}", label=value) for place, value in enumerate(values)]
    figure.legend(handles=marks, title=axis, loc="outside right upper", fontsize="small")
    figure.suptitle(fill(title, int(12 * figure.get_figwidth())), fontsize="small", x=0.01, ha="left")


def parallel_settings(board: pd.DataFrame, axes_names: Sequence[str], metric: str) -> Figure:
    """Draw every setting as a line through its values of the axes, coloured by its score; the best one is black.

    The first vertical line is the score; the others are the axes, the most important first.
    """
    settings = board.drop_duplicates("keys").dropna(subset=["score"]).reset_index(drop=True)
    scales = []
    for name in axes_names:
        if numeric(settings[name]):
            scales.append(Scale(name, log=logarithmic(settings[name])))
        else:
            settings[name] = settings[name].map(value_text)
            scales.append(Scale(name, labels=tuple(dict.fromkeys(settings[name]))))
    lines = settings.assign(trial=range(len(settings)), state="complete", objective=settings["score"].astype(float))
    return parallel_coordinates(lines, scales, metric, False, int(lines["objective"].argmin()))


def important_axes(values: pd.DataFrame) -> list[str]:
    """Return the axes that have several values with runs, the most important ones first."""
    several = [str(axis) for axis, group in values.groupby("axis", sort=False) if (group["runs"] > 0).sum() > 1]
    share = {str(row["axis"]): row["importance"] for row in values.to_dict("records")}
    return sorted(several, key=lambda axis: -np.nan_to_num(share[axis]))
