"""Figures of linearity over a segment: of the training orbits, and of the learned field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainers.two_body.figures.data import are_orbits
from trainers.two_body.tables.linearity import LENGTHS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUANTITIES = {
    "jacobian_change": "largest change of the Jacobian [%]",
    "linear_residual": "residual of a line in time [% of rms a]",
}


def segment_linearity(training: pd.DataFrame) -> Figure | None:
    """Draw the distance of segments of training orbits from straight lines, by their length: median and quartiles.

    The largest distance of a position from the chord between the ends of its segment, in percent of the length of the
    chord. The segments share no point, as in training.
    """
    from matplotlib.figure import Figure

    if not are_orbits(training):
        return None
    figure = Figure(figsize=(5.6, 3.6), layout="constrained")
    axes = figure.subplots()
    points = int(training["step"].max()) + 1
    rows = [(length, *_quartiles(training, length)) for length in LENGTHS if length <= points // 2]
    if rows:
        lengths, low, middle, high = np.array(rows).T
        axes.fill_between(lengths, low, high, alpha=0.25, lw=0)
        axes.plot(lengths, middle, "o-")
        axes.set(xscale="log", yscale="log")
        _ticks_at(axes, lengths)
    axes.set(xlabel="points per segment", ylabel="distance from the chord [% of it]")
    return figure


def _quartiles(training: pd.DataFrame, length: int) -> np.ndarray:
    """Return the quartiles over all segments of `length` points of the distance from the chord [%]."""
    parts = []
    for _, orbit in training[training["trains"]].groupby("trajectory"):
        position = orbit[["x", "y", "z"]].to_numpy()
        segments = position[: len(position) // length * length].reshape(-1, length, 3)
        chord = segments[:, -1] - segments[:, 0]
        size = np.linalg.norm(chord, axis=1)
        distance = np.linalg.norm(np.cross(segments - segments[:, :1], chord[:, None]), axis=2).max(axis=1) / size
        parts.append(100 * distance / size)
    values = np.concatenate(parts)
    return np.nanpercentile(values, (25, 50, 75))


def _ticks_at(axes: Axes, lengths: np.ndarray) -> None:
    """Label the axis of segment lengths at these lengths alone."""
    axes.set_xticks(lengths, [str(int(length)) for length in lengths], minor=False)
    axes.xaxis.minorticks_off()


def model_linearity(linearity: pd.DataFrame) -> Figure:
    """Draw how far the learned field (blue) and the law (grey) are from linear over a segment, by its length.

    Left: the largest change of the Jacobian da/d(r, v) within a segment. Right: what a straight line in time, fitted to
    the acceleration, leaves. Medians and quartiles over the segments of the reference orbits; p is the exponent of a
    power of the length fitted to the medians: where dynamics are linear over short segments, both fall towards zero.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.8), layout="constrained")
    for axes, (quantity, label) in zip(figure.subplots(1, 2), QUANTITIES.items(), strict=True):
        for source, color in (("law", "0.4"), ("model", "C0")):
            own = linearity[(linearity["quantity"] == quantity) & (linearity["source"] == source)]
            own = own[own["median"] > 0]
            if len(own):
                axes.fill_between(own["segment_length"], own["low"], own["high"], color=color, alpha=0.2, lw=0)
                axes.plot(own["segment_length"], own["median"], "o-", color=color, label=f"{source}{_exponent(own)}")
        present = linearity["segment_length"].unique()
        if axes.lines:
            axes.set(xscale="log", yscale="log")
            axes.legend(fontsize="small")
            _ticks_at(axes, present)
        axes.set(xlabel="points per segment", ylabel=label)
    return figure


def _exponent(medians: pd.DataFrame) -> str:
    if len(medians) < 2:
        return ""
    return f", p = {np.polyfit(np.log(medians['segment_length']), np.log(medians['median']), 1)[0]:.2f}"
