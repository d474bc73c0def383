"""Figures of a search: history, curves, importance, slices, contours; parallel coordinates have their own module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.identity.text import value_text
from assets.report.parallel_coordinates import Scale, colours_of, logarithmic, norm_of, short_leaf
from assets.search.progress import better

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

COLOURS = {"complete": "C0", "pruned": "C1", "failed": "C3"}
LEAST_FOR_CONTOURS = 6
"""Fewer trials give no surface: it would be invented between them."""

LEVELS = 13
"""Contours and the two ends."""


def objective_history(trials: pd.DataFrame, objective: str, maximise: bool) -> Figure:
    """Draw the objective of every trial in the order of their numbers, and the best so far as a line.

    Open marks: pruned trials at the last value they had. Crosses at the lower edge: failed ones.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7.5, 3.8), layout="constrained")
    axes = figure.subplots()
    complete = trials[trials["state"] == "complete"]
    pruned, failed = (trials[trials["state"] == state] for state in ("pruned", "failed"))
    axes.plot(complete["trial"], complete["objective"], "o", color=COLOURS["complete"], ms=5, label="complete")
    axes.plot(pruned["trial"], pruned["last"], "o", color=COLOURS["pruned"], mfc="white", ms=5, label="pruned")
    axes.step(complete["trial"], better(list(complete["objective"]), maximise), "k-", where="post", lw=1, label="best")
    bottom = axes.get_xaxis_transform()
    axes.plot(failed["trial"], [0.02] * len(failed), "x", color=COLOURS["failed"], transform=bottom, label="failed")
    axes.set(xlabel="trial", ylabel=objective, yscale=_scale([*complete["objective"], *pruned["last"]]))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(fontsize="x-small", loc="upper right")
    return figure


def objective_curves(
    curves: Mapping[int, Mapping[int, float]], states: Mapping[int, str], objective: str, best: int
) -> Figure:
    """Draw the values of each trial at the checks of the pruner, against the part of its training.

    Blue: complete; orange, ended by a cross: pruned; black: the best.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 3.8), layout="constrained")
    axes = figure.subplots()
    for number, curve in curves.items():
        parts, values = list(curve), list(curve.values())
        style: dict[str, Any] = {"color": COLOURS.get(states[number], "0.5"), "lw": 0.9, "alpha": 0.8}
        if number == best:
            style |= {"color": "k", "lw": 1.8, "zorder": 3}
        axes.plot(parts, values, **style)
        if states[number] == "pruned":
            axes.plot(parts[-1:], values[-1:], "x", color=COLOURS["pruned"], ms=6)
    values = [value for curve in curves.values() for value in curve.values()]
    axes.set(xlabel="part of the training [%]", ylabel=objective, xlim=(0, 100), yscale=_scale(values))
    axes.grid(alpha=0.3)
    return figure


def importance(shares: Mapping[str, float], objective: str) -> Figure:
    """Draw which settings the objective depends on: their share of its variance over the space (fANOVA).

    Estimated from the complete trials by a forest of regression trees; from few trials it is a hint and no more.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, max(1.8, 0.34 * len(shares) + 1.0)), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(shares)), list(shares.values()), color="C0", height=0.6)
    axes.set_yticks(range(len(shares)), [short_leaf(name) for name in shares], fontsize="small")
    axes.invert_yaxis()
    axes.set(xlabel=f"share of the variance of {objective}", xlim=(0, max(1e-9, 1.05 * max(shares.values()))))
    axes.grid(axis="x", alpha=0.3)
    return figure


def slices(trials: pd.DataFrame, scales: Sequence[Scale], objective: str) -> Figure:
    """Draw the objective of the complete trials against each setting; later trials are darker."""
    from matplotlib.figure import Figure

    complete = trials[trials["state"] == "complete"]
    wide = min(3, len(scales))
    high = -(-len(scales) // wide)
    figure = Figure(figsize=(max(3.6, 2.7 * wide), 2.4 * high + 0.4), layout="constrained")
    panels = np.atleast_1d(figure.subplots(high, wide, sharey=True, squeeze=False)).ravel()
    for axes, scale in zip(panels, scales, strict=False):
        places = scale.places(list(complete[scale.name]))
        axes.scatter(places, complete["objective"], c=complete["trial"], cmap="Blues", vmin=-len(trials) / 2, s=22,
                     edgecolors="0.4", linewidths=0.4)  # fmt: skip
        _ticks(axes, scale, "x", places)
        axes.set_xlabel(short_leaf(scale.name), fontsize="small")
        axes.set_yscale(_scale(list(complete["objective"])))
        axes.grid(alpha=0.3)
    for axes in panels[len(scales) :]:
        axes.set_visible(False)
    for axes in panels[::wide]:
        axes.set_ylabel(objective, fontsize="small")
    return figure


def contours(
    trials: pd.DataFrame, pairs: Sequence[tuple[Scale, Scale]], objective: str, maximise: bool, best: int
) -> Figure:
    """Draw the objective over pairs of the settings that matter most; dots are complete trials, the star is the best.

    Between the trials it is interpolated linearly, all other settings as they were: a picture, not a model.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.3 * len(pairs) + 1.0, 3.2), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(pairs), squeeze=False)).ravel()
    complete = trials[trials["state"] == "complete"]
    norm, colours = norm_of(complete["objective"]), colours_of(maximise)
    for axes, (first, second) in zip(panels, pairs, strict=True):
        points = complete.dropna(subset=[first.name, second.name])
        x, y = first.places(list(points[first.name])), second.places(list(points[second.name]))
        _surface(axes, x, y, points["objective"].to_numpy(float), norm, colours)
        axes.scatter(x, y, c=points["objective"], norm=norm, cmap=colours, s=26, edgecolors="k", linewidths=0.6)
        is_best = (points["trial"] == best).to_numpy()
        axes.plot(x[is_best], y[is_best], "*", color="w", mec="k", ms=14)
        axes.use_sticky_edges = False
        axes.margins(0.08)
        _ticks(axes, first, "x", x)
        _ticks(axes, second, "y", y)
        axes.set(xlabel=short_leaf(first.name), ylabel=short_leaf(second.name))
    figure.colorbar(ScalarMappable(norm, colours), ax=panels, label=objective)
    return figure


def _surface(axes: Axes, x: np.ndarray, y: np.ndarray, z: np.ndarray, norm: Normalize, colours: Any) -> None:
    """Fill the triangles between points, where they span an area."""
    from matplotlib.tri import Triangulation
    from scipy.spatial import Delaunay, QhullError

    if len(z) < LEAST_FOR_CONTOURS or not np.ptp(x) or not np.ptp(y):
        return
    try:
        triangles = Delaunay(np.column_stack([x / np.ptp(x), y / np.ptp(y)])).simplices
    except QhullError:  # all points on one line
        return
    levels = norm.inverse(np.linspace(0, 1, LEVELS))
    axes.tricontourf(Triangulation(x, y, triangles), z, levels, norm=norm, cmap=colours, alpha=0.8)


def _ticks(axes: Axes, scale: Scale, which: str, places: np.ndarray) -> None:
    """Write values instead of places on an axis."""
    from matplotlib.ticker import MaxNLocator

    set_ticks = axes.set_xticks if which == "x" else axes.set_yticks
    if scale.labels:
        set_ticks(range(len(scale.labels)), [value_text(label) for label in scale.labels], fontsize=7)
    elif scale.log and np.isfinite(places).any():
        ticks = np.linspace(np.nanmin(places), np.nanmax(places), 3 if np.ptp(places[np.isfinite(places)]) else 1)
        set_ticks(ticks, [scale.text(tick) for tick in ticks], fontsize=7)
    else:
        axis = axes.xaxis if which == "x" else axes.yaxis
        axis.set_major_locator(MaxNLocator(5, integer=scale.whole))
        axis.set_tick_params(labelsize=7)


def _scale(values: Sequence[Any]) -> str:
    finite = np.array([value for value in values if value is not None], float)
    finite = finite[np.isfinite(finite)]
    return "log" if finite.size and logarithmic(finite) else "linear"
