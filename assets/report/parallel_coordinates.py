"""Parallel coordinates: the scale of a setting on a vertical axis, and the figure of lines through all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.identity.text import value_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Scale:
    """The scale of a setting on an axis."""

    name: str
    log: bool = False
    whole: bool = False
    labels: tuple[Any, ...] = ()
    """Options of a choice, at 0, 1, 2, ..."""

    def places(self, values: Sequence[Any]) -> np.ndarray:
        """Return the places of values: logarithm, number, or index of the option; NaN for no value."""
        return np.array([self._place(value) for value in values], float)

    def _place(self, value: Any) -> float:
        if value is None or (isinstance(value, float) and not np.isfinite(value)):
            return np.nan
        if self.labels:
            return float(self.labels.index(value))
        return float(np.log10(value)) if self.log else float(value)

    def text(self, place: float) -> str:
        """Return the value at a place as text."""
        return f"{10**place:.3g}" if self.log else f"{place:.3g}"


def parallel_coordinates(
    trials: pd.DataFrame, scales: Sequence[Scale], objective: str, maximise: bool, best: int
) -> Figure:
    """Draw every complete trial as a line through its settings, coloured by the objective; the best one is black.

    The first axis is the objective. A list that is too short to have an entry leaves a gap.
    """
    from matplotlib.figure import Figure

    complete = trials[trials["state"] == "complete"].sort_values("objective", ascending=maximise)
    norm = norm_of(complete["objective"])
    columns = [Scale("objective", log=logarithmic(complete["objective"])), *scales]
    figure = Figure(figsize=(max(7.5, 1.15 * len(columns)), 4.2), layout="constrained")
    axes = figure.subplots()
    heights = np.array([_heights(axes, x, scale, complete[scale.name]) for x, scale in enumerate(columns)])
    colours = colours_of(maximise)
    for trial, line, value in zip(complete["trial"], heights.T, complete["objective"], strict=True):
        style = {"color": "k", "lw": 2.2, "zorder": 3} if trial == best else {"color": colours(norm(value)), "lw": 1.1}
        axes.plot(range(len(columns)), line, "-", marker=".", ms=4, **style)
    names = [objective if scale.name == "objective" else short_leaf(scale.name) for scale in columns]
    axes.set_xticks(range(len(columns)), names, fontsize="small", rotation=20, ha="right")
    axes.set(yticks=[], xlim=(-0.3, len(columns) - 0.4), ylim=(-0.06, 1.06))
    for side in axes.spines.values():
        side.set_visible(False)
    return figure


def _heights(axes: Axes, x: int, scale: Scale, values: pd.Series) -> np.ndarray:
    """Draw one vertical axis with its ends or options, and return the height of each value on it."""
    places = scale.places(list(values))
    low, high = (0, len(scale.labels) - 1) if scale.labels else (np.nanmin(places), np.nanmax(places))
    span = high - low or 1.0
    ticks = {k: value_text(label) for k, label in enumerate(scale.labels)} or {p: scale.text(p) for p in (low, high)}
    axes.axvline(x, color="0.7", lw=0.8, zorder=0)
    for place, text in ticks.items():
        height = (place - low) / span if high > low else 0.5
        axes.annotate(text, (x, height), (3, 2), textcoords="offset points", fontsize=7, color="0.25", zorder=4,
                      bbox={"fc": "white", "alpha": 0.7, "lw": 0, "pad": 0.5})  # fmt: skip
    return (places - low) / span if high > low else np.where(np.isfinite(places), 0.5, np.nan)


def short_leaf(name: str) -> str:
    """Return the name of a setting on an axis: the last part of its path, entries of lists with their list.

    >>> short_leaf("model.phases[*].learning_rate"), short_leaf("model.phases[1].steps"), short_leaf("m.filters.length")
    ('learning rate', 'phases[1] steps', 'filters length')
    """
    parts = name.replace("[*]", "").split(".")
    listed = len(parts) > 2 and (parts[-1] == "length" or parts[-2].endswith("]"))
    return " ".join(parts[-2:] if listed else parts[-1:]).replace("_", " ")


def colours_of(maximise: bool) -> Any:
    """Return the colour map of an objective; the best values are light."""
    from matplotlib import colormaps

    return colormaps["viridis" if maximise else "viridis_r"]


def norm_of(values: pd.Series) -> Normalize:
    """Return the scale of colours: logarithmic where the values are `logarithmic`."""
    from matplotlib.colors import LogNorm, Normalize

    low, high = float(values.min()), float(values.max())
    return LogNorm(low, high) if logarithmic(values) else Normalize(low, high if high > low else low + 1.0)


def logarithmic(values: Any) -> bool:
    """Whether values are positive and span more than a factor of three."""
    low, high = float(np.min(values)), float(np.max(values))
    return low > 0 and high > 3 * low
