"""Figures of the data that a model was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LENGTHS = (4, 6, 10, 18, 24, 36, 60, 90)
"""Segment lengths [points]."""

MOST_ORBITS = 60
"""Orbits drawn, at most."""


def dataset(training: pd.DataFrame, trajectories: pd.DataFrame) -> Figure | None:
    """Draw the orbits of the training dataset in the x-y plane, and the distributions of their elements.

    Solid: orbits that train; dashed: orbits that validate. At most 60 orbits are drawn.
    """
    from matplotlib.figure import Figure

    if not _are_orbits(training):
        return None
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    plane, *panels = figure.subplots(1, 4, width_ratios=(1.3, 1, 1, 1))
    for number, (_, orbit) in enumerate(training.groupby("trajectory")):
        if number < MOST_ORBITS:
            plane.plot(orbit["x"], orbit["y"], "C0-" if orbit["trains"].all() else "C1--", lw=0.7)
    plane.plot(0, 0, "k+")
    plane.set(xlabel="x [DU]", ylabel="y [DU]", aspect="equal")
    plane.set_title(f"{len(trajectories)} orbits, {int(trajectories['trains'].sum())} train", fontsize="medium")
    names = ("semi_major_axis", "eccentricity", "true_anomaly")
    for axes, name, label in zip(panels, names, ("a [DU]", "e", "initial true anomaly [rad]"), strict=True):
        if name in trajectories:
            axes.hist(trajectories[name].dropna(), bins=min(20, max(5, len(trajectories) // 3)))
            axes.yaxis.get_major_locator().set_params(integer=True)
        axes.set(xlabel=label, ylabel="orbits")
    return figure


def segment_linearity(training: pd.DataFrame) -> Figure | None:
    """Draw the distance of segments of training orbits from straight lines, by their length: median and quartiles.

    The largest distance of a position from the chord between the ends of its segment, in percent of the length of the
    chord. The segments share no point, as in training.
    """
    from matplotlib.figure import Figure

    if not _are_orbits(training):
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
        axes.set_xticks(lengths, [str(int(length)) for length in lengths], minor=False)
        axes.minorticks_off()
    axes.set(xlabel="points per segment", ylabel="distance from the chord [% of it]")
    return figure


def _are_orbits(training: pd.DataFrame) -> bool:
    return {"x", "y", "z", "vx", "vy", "vz"} <= set(training)


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
