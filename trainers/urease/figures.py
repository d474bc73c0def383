"""Figures of the urease study; each parameter is the table of that name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from trainers.common.figures import coverage, coverage_by_stratum, loss_curve

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MOST_POINTS = 200
"""Curves drawn with error bars in a panel."""


def true_against_estimated(predictions: pd.DataFrame) -> Figure:
    """Draw the posterior median with its 90 % interval against the truth: unknowns in columns, prefixes in rows."""
    from matplotlib.figure import Figure

    unknowns, prefixes = list(dict.fromkeys(predictions["unknown"])), sorted(set(predictions["prefix_s"]))
    figure = Figure(figsize=(2.9 * len(unknowns), 2.1 * len(prefixes) + 0.4), layout="constrained")
    panels = figure.subplots(len(prefixes), len(unknowns), squeeze=False, sharex="col", sharey="col")
    for row, prefix in zip(panels, prefixes, strict=True):
        for axes, unknown in zip(row, unknowns, strict=True):
            part = predictions[(predictions["unknown"] == unknown) & (predictions["prefix_s"] == prefix)].head(
                MOST_POINTS
            )
            axes.vlines(part["true"], part["low"], part["high"], color="C0", alpha=0.25, lw=0.8)
            axes.plot(part["true"], part["estimate"], ".", color="C0", ms=3)
            ends = [part["true"].min(), part["true"].max()]
            axes.plot(ends, ends, "k-", lw=0.8)
        row[0].set_ylabel(f"{prefix:g} s: estimate")
    for axes, unknown in zip(panels[0], unknowns, strict=True):
        axes.set_title(unknown)
    for axes in panels[-1]:
        axes.set_xlabel("true")
    return figure


def forecasts(forecast_curves: pd.DataFrame) -> Figure:
    """Draw true pH (black) and forecasts with 90 % bands from three of the prefixes, which end at dotted lines."""
    from matplotlib.figure import Figure

    prefixes = sorted(set(forecast_curves["prefix_s"]))
    shown = sorted({prefixes[0], prefixes[len(prefixes) // 2], prefixes[-1]})
    curves = list(forecast_curves.groupby("trajectory"))
    rows = -(-len(curves) // 3)
    figure = Figure(figsize=(10, 2.6 * rows), layout="constrained")
    panels = figure.subplots(rows, 3, squeeze=False, sharex=True).ravel()
    for axes, (number, part) in zip(panels, curves, strict=False):
        for k, prefix in enumerate(shown):
            line = part[part["prefix_s"] == prefix]
            axes.fill_between(line["t"], line["low"], line["high"], color=f"C{k}", alpha=0.25, lw=0)
            axes.plot(line["t"], line["forecast"], color=f"C{k}", lw=1, label=f"from {prefix:g} s")
            axes.axvline(prefix, color=f"C{k}", ls=":", lw=0.8)
        axes.plot(line["t"], line["true"], "k-", lw=1, label="true")
        axes.set_xscale("symlog", linthresh=1)
        axes.set_title(f"curve {number}", fontsize="small")
    for axes in panels[len(curves) :]:
        axes.set_axis_off()
    for axes in panels[::3]:
        axes.set_ylabel("pH")
    for axes in panels[-3:]:
        axes.set_xlabel("time [s]")
    panels[0].legend(fontsize="x-small")
    return figure


def contraction_against_fisher(unknowns: pd.DataFrame) -> Figure:
    """Draw posterior by prior standard deviation against the prefix, beside what Fisher information allows (dashed)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for k, (name, part) in enumerate(unknowns.groupby("unknown", sort=False)):
        axes.plot(part["prefix_s"], part["contraction"], "o-", color=f"C{k}", label=name)
        axes.plot(part["prefix_s"], part["fisher"], "--", color=f"C{k}", label=f"{name}, Fisher")
    axes.set(xscale="log", yscale="log", xlabel="prefix [s]", ylabel="posterior / prior standard deviation")
    axes.legend(fontsize="small")
    return figure


def joint_coverage(tarp: pd.DataFrame) -> Figure:
    """Draw observed against nominal coverage of the joint posterior (TARP) at each prefix, with 95 % intervals."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 100], [0, 100], "k-", lw=0.8)
    for k, (prefix, part) in enumerate(tarp.groupby("prefix_s")):
        axes.plot(part["nominal"], part["observed"], color=f"C{k}", label=f"{prefix:g} s")
        axes.fill_between(part["nominal"], part["low"], part["high"], color=f"C{k}", alpha=0.12, lw=0)
    axes.set(xlabel="nominal coverage [%]", ylabel="observed coverage [%]")
    axes.legend(fontsize="small")
    return figure


def attention_over_time(attention: pd.DataFrame) -> Figure:
    """Draw the weight of each point against time, as a multiple of the even weight, for every prefix."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for k, (prefix, part) in enumerate(attention.groupby("prefix_s")):
        axes.plot(np.maximum(part["t"], 0.5), part["weight"] * len(part), ".-", color=f"C{k}", label=f"{prefix:g} s")
    axes.axhline(1, color="0.6", lw=0.8)
    axes.set(xscale="log", xlabel="time [s]", ylabel="weight / even weight")
    axes.legend(fontsize="small", title="prefix", title_fontsize="small")
    return figure


def errors_compared(unknowns: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the error of each unknown against the prefix, in units of the constant guess, one line per model."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(next(iter(unknowns.values()))["unknown"]))
    figure = Figure(figsize=(4 * len(names), 3.6), layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        for model, table in unknowns.items():
            part = table[table["unknown"] == name]
            axes.plot(part["prefix_s"], part["error"], "o-", ms=3, label=model)
        axes.set(title=name, xscale="log", yscale="log", xlabel="prefix [s]", ylabel="error / constant guess")
    panels[0].legend(fontsize="x-small")
    return figure


FIGURES = (
    loss_curve,
    true_against_estimated,
    forecasts,
    contraction_against_fisher,
    coverage,
    coverage_by_stratum,
    joint_coverage,
    attention_over_time,
)
"""In the order in which a report shows them."""

COMPARED = (errors_compared,)
"""Of several models: each parameter maps the name of a model to its table of that name."""
