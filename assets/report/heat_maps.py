"""Heat maps of the scores over two axes of a sweep, one per test set, with marks where they are not monotonic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.identity.text import cell, value_text
from assets.statistics.experiment import short

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

RATIO = "segment_ratio"
"""The count of a segmentation that says which share of a trajectory a segment is; a study may have none."""

Ratios = Mapping[str, Mapping[Any, float]]
"""For each axis that decides on the segment ratio, the ratio at each of its values."""

NONE: Ratios = {}


def heat_map(
    scores: pd.DataFrame, first: str, second: str, metric: str, unit: str, test: str = "", ratios: Ratios = NONE
) -> Figure:
    """Draw the mean score on a test set over seeds (and over all other axes) for every two values of two axes.

    Below a segment length stands its share of a trajectory, the segment ratio. An arrow marks a step along a numeric
    axis against the trend of its line from first to last value: there the score is not monotonic. Empty cells:
    combinations that the sweep excludes or that failed.
    """
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.figure import Figure

    table = scores.pivot_table(index=first, columns=second, values="score", aggfunc="mean", sort=False)
    values = table.to_numpy(float)
    figure = Figure(figsize=(max(3.6, 1.0 * len(table.columns) + 2.6), max(3.4, 0.6 * len(table) + 1.6)),
                    layout="constrained")  # fmt: skip
    axes = figure.subplots()
    positive = np.isfinite(values).any() and np.nanmin(values) > 0 and np.nanmax(values) > 10 * np.nanmin(values)
    mesh = axes.imshow(values, aspect="auto", cmap="viridis_r", norm=LogNorm() if positive else Normalize())
    for (i, j), value in np.ndenumerate(values):
        if np.isfinite(value):
            axes.text(j, i, cell(float(value)), ha="center", va="center", fontsize="small",
                      bbox={"fc": "white", "alpha": 0.6, "lw": 0, "pad": 1})  # fmt: skip
    rises = [*_rises(table, axis=0), *_rises(table, axis=1)]
    for (i, j), (di, dj) in rises:
        axes.annotate("", (j + 0.62 * dj, i + 0.62 * di), (j + 0.38 * dj, i + 0.38 * di),
                      arrowprops={"arrowstyle": "-|>", "color": "red"})  # fmt: skip
    axes.set_xticks(range(len(table.columns)), _tick_labels(table.columns, ratios.get(second, {})), fontsize="small")
    axes.set_yticks(range(len(table)), _tick_labels(table.index, ratios.get(first, {})), fontsize="small")
    title = "not monotonic where an arrow stands" if rises else "monotonic along every numeric axis"
    monotonic = title if numeric(table.index) or numeric(table.columns) else ""
    axes.set_title("\n".join(filter(None, (f"test set {test}" if test else "", monotonic))), fontsize="small")
    axes.set(xlabel=short(second), ylabel=short(first))
    figure.colorbar(mesh, ax=axes, label=f"{metric} [{unit or '1'}]")
    return figure


def _rises(table: pd.DataFrame, axis: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return cell and direction of every step against the trend of its line along a numeric axis.

    Lines run along the index (axis 0) or the columns (axis 1), in the order of the values.
    """
    names = table.index if axis == 0 else table.columns
    if not numeric(names) or len(names) < 3:
        return []
    order = np.argsort(np.asarray(names, float))
    values = np.take(table.to_numpy(float), order, axis=axis)
    lines = values.T if axis == 0 else values
    rises = []
    for line, row in enumerate(lines):
        trend = np.sign(row[-1] - row[0])
        for k in range(len(row) - 1):
            if np.isfinite(row[k : k + 2]).all() and np.sign(row[k + 1] - row[k]) == -trend != 0:
                here, there = order[k], order[k + 1]
                place = (here, line) if axis == 0 else (line, here)
                step = (there - here, 0) if axis == 0 else (0, there - here)
                rises.append((place, step))
    return rises


def _tick_labels(values: Iterable[Any], ratios: Mapping[Any, float]) -> list[str]:
    return [f"{value_text(v)}\nratio {cell(ratios[v])}" if v in ratios else value_text(v) for v in values]


def numeric(names: Any) -> bool:
    """Tell whether all values of an axis are numbers."""
    return all(isinstance(name, int | float | np.number) and not isinstance(name, bool) for name in names)


def segment_ratios(scores: pd.DataFrame, axes: Sequence[str]) -> Ratios:
    """Return the segment ratio at each value of every axis that decides on it; no axis does where several do."""
    if RATIO not in scores or scores[RATIO].nunique() < 2:
        return NONE
    return {
        axis: groups.first().to_dict()
        for axis in axes
        if (groups := scores.groupby(axis, sort=False)[RATIO]).nunique().max() == 1
    }


def mapped_pairs(scores: pd.DataFrame, axes: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs of axes to draw, at most three, of axes in the order of their importance.

    Where several axes decide on the segment ratio together, it is drawn itself, against the first other axis.
    """
    pairs = list(combinations(axes, 2))[:3]
    if RATIO not in scores or scores[RATIO].nunique() < 2 or segment_ratios(scores, axes):
        return pairs
    others = [axis for axis in axes if scores.groupby(axis)[RATIO].unique().map(frozenset).nunique() == 1]
    return [*pairs, *[(axis, RATIO) for axis in others[:1]]]
