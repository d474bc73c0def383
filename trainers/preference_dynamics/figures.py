"""Figures of the preference-dynamics study; each parameter is the table of that name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from trainers.common.figures import (
    coverage,
    coverage_by_stratum,
    estimates_with_intervals,
    loss_curve,
    measured_and_predicted,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def true_against_predicted(predictions: pd.DataFrame) -> Figure:
    """Draw every unknown, predicted against true; flagged series in red."""
    from matplotlib.figure import Figure

    groups = list(predictions.groupby("target", sort=False))
    columns = min(5, len(groups))
    rows = -(-len(groups) // columns)
    figure = Figure(figsize=(2.6 * columns, 2.7 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (target, part) in zip(panels, groups, strict=False):
        for flagged, colour, label in ((False, "C0", "identified"), (True, "C3", "flagged")):
            points = part[part["flagged"] == flagged]
            axes.plot(points["true"], points["predicted"], ".", color=colour, ms=3, alpha=0.5, label=label)
        ends = [part["true"].min(), part["true"].max()]
        axes.plot(ends, ends, "k-", lw=0.8)
        axes.set(title=target, xlabel="true", ylabel="predicted")
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    panels[0].legend(fontsize="small")
    return figure


def metric_bars(targets: pd.DataFrame) -> Figure:
    """Draw five metrics of each target as bars, without targets that are constant."""
    from matplotlib.figure import Figure

    varying = targets[~targets["constant"]]
    figure = Figure(figsize=(7, 9), layout="constrained")
    for axes, name in zip(figure.subplots(5, 1), ("rmse", "mae", "median", "nrmse_range", "nrmse_std"), strict=True):
        axes.bar(np.arange(len(varying)), varying[name], color="C0")
        axes.set(ylabel=name)
        axes.set_xticks(
            np.arange(len(varying)), varying["target"], rotation=45 if len(varying) > 9 else 0, fontsize="small"
        )
    return figure


def example_series(series: pd.DataFrame) -> Figure:
    """Draw true and predicted desires and efforts of the example series."""
    from matplotlib.figure import Figure

    groups = list(series.groupby("sample"))
    rows = -(-len(groups) // 2)
    figure = Figure(figsize=(10, 1.9 * rows), layout="constrained")
    panels = figure.subplots(rows, 2, squeeze=False, sharex=True).ravel()
    for axes, (sample, part) in zip(panels, groups, strict=False):
        for k, (channel, curve) in enumerate(part.groupby("channel", sort=False)):
            axes.plot(curve["t"], curve["true"], color=f"C{k}", lw=2.5, alpha=0.35)
            axes.plot(curve["t"], curve["predicted"], color=f"C{k}", lw=0.9, label=channel)
        axes.set_title(f"series {sample}", fontsize="small")
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    panels[0].legend(fontsize="x-small", title="wide: true", title_fontsize="x-small")
    return figure


def series_compared(series: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the first example series, one panel per channel: true (wide, grey) and predicted by each model."""
    from matplotlib.figure import Figure

    first = next(iter(series.values()))
    sample = first["sample"].iloc[0]
    channels = list(dict.fromkeys(first["channel"]))
    figure = Figure(figsize=(8, 1.6 * len(channels) + 1), layout="constrained")
    panels = figure.subplots(len(channels), 1, squeeze=False, sharex=True).ravel()
    for axes, channel in zip(panels, channels, strict=True):
        for number, (model, table) in enumerate(series.items()):
            curve = table[(table["sample"] == sample) & (table["channel"] == channel)]
            if number == 0:
                axes.plot(curve["t"], curve["true"], "k-", lw=2.5, alpha=0.3, label="true")
            axes.plot(curve["t"], curve["predicted"], color=f"C{number}", lw=1, label=model)
        axes.set_ylabel(channel)
    panels[-1].set_xlabel("t")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize="small")
    return figure


FIGURES = (
    loss_curve,
    true_against_predicted,
    metric_bars,
    coverage,
    coverage_by_stratum,
    example_series,
    estimates_with_intervals,
    measured_and_predicted,
)
"""Figures of one model, in the order of a report; the last two are of data of one's own."""

COMPARED = (series_compared,)
"""Figures of several models: each parameter maps the name of a model to its table of that name."""
