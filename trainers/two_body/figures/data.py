"""Figures of datasets: orbits and the distributions of their elements, of one set and of several side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Tables = Mapping[str, pd.DataFrame]

MOST_ORBITS = 60
"""Orbits drawn, at most."""

ELEMENTS = {
    "semi_major_axis": "a [DU]",
    "eccentricity": "e",
    "true_anomaly": "initial true anomaly [rad]",
    "inclination": "i [rad]",
    "raan": "RAAN [rad]",
    "argument_of_perigee": "arg. of perigee [rad]",
}
"""Elements of an orbit and the labels of their axes; the last three are drawn where they vary."""

ALWAYS = 3
"""How many of them are drawn in any case."""


def dataset(training: pd.DataFrame, trajectories: pd.DataFrame) -> Figure | None:
    """Draw the orbits of a dataset, in the x-y plane or in space, and the distributions of their elements.

    Solid: orbits that train; dashed: orbits that validate. At most 60 orbits are drawn. Inclination, RAAN and argument
    of perigee are shown where they vary.
    """
    from matplotlib.figure import Figure

    if not are_orbits(training):
        return None
    names = _varied([trajectories])
    rows = -(-len(names) // ALWAYS)
    figure = Figure(figsize=(11, 3.6 * rows), layout="constrained")
    grid = figure.add_gridspec(rows, 4, width_ratios=(1.3, 1, 1, 1))
    in_space = _leaves_plane(training)
    orbits = figure.add_subplot(grid[:, 0], projection="3d" if in_space else None)
    _draw_orbits(orbits, training, in_space)
    orbits.set_title(_title(trajectories), fontsize="medium")
    for number, name in enumerate(names):
        axes = figure.add_subplot(grid[number // ALWAYS, 1 + number % ALWAYS])
        if name in trajectories:
            values = trajectories[name].dropna()
            axes.hist(values, bins=_bins([values]))
        axes.yaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
        axes.set(xlabel=ELEMENTS[name], ylabel="orbits")
    return figure


def datasets_compared(training: Tables, trajectories: Tables) -> Figure | None:
    """Draw datasets side by side (columns): their orbits, and below the distributions of their elements on equal axes.

    Solid: orbits that train; dashed: orbits that validate. At most 60 orbits of each set are drawn. Models that share a
    dataset have one column; a single dataset has no figure.
    """
    from matplotlib.figure import Figure

    names_of = _distinct({name: table for name, table in training.items() if are_orbits(table)})
    if len(names_of) < 2:
        return None
    sets = list(names_of)
    elements = _varied([trajectories[one] for one in sets])
    figure = Figure(figsize=(2.9 * len(sets) + 0.4, 3.0 + 1.7 * len(elements)), layout="constrained")
    grid = figure.add_gridspec(1 + len(elements), len(sets), height_ratios=(1.7, *[1.0] * len(elements)))
    for column, one in enumerate(sets):
        in_space = _leaves_plane(training[one])
        axes = figure.add_subplot(grid[0, column], projection="3d" if in_space else None)
        _draw_orbits(axes, training[one], in_space)
        axes.set_title(f"{_wrap(names_of[one])}\n{_title(trajectories[one])}", fontsize="small")
    for row, name in enumerate(elements, start=1):
        values = {one: trajectories[one][name].dropna() for one in sets if name in trajectories[one]}
        bins = _bins(values.values())
        shared: Axes | None = None
        for column, one in enumerate(sets):
            axes = figure.add_subplot(grid[row, column], sharex=shared, sharey=shared)
            shared = shared or axes
            if one in values:
                axes.hist(values[one], bins=bins, weights=np.full(len(values[one]), 100 / len(values[one])))
            axes.set_xlabel(ELEMENTS[name], fontsize="small")
            axes.set_ylabel("orbits [%]" if column == 0 else "", fontsize="small")
    return figure


def are_orbits(training: pd.DataFrame) -> bool:
    """Tell whether the states of a dataset are positions and velocities in space."""
    return {"x", "y", "z", "vx", "vy", "vz"} <= set(training)


def _distinct(training: Tables) -> dict[str, list[str]]:
    """Return the first model of every distinct dataset, with the names of all that share it."""
    names_of: dict[str, list[str]] = {}
    for name, table in training.items():
        same = next((one for one in names_of if training[one].drop(columns="trains").equals(
            table.drop(columns="trains"))), name)  # fmt: skip
        names_of.setdefault(same, []).append(name)
    return names_of


def _wrap(names: list[str]) -> str:
    from textwrap import fill

    return fill(names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more", 34)


def _varied(tables: Iterable[pd.DataFrame]) -> list[str]:
    """Return the elements to draw: the first three, and of the others those that vary within or between sets."""

    def varies(name: str) -> bool:
        values = [table[name].dropna().to_numpy(float) for table in tables if name in table]
        return bool(values) and float(np.ptp(np.concatenate(values))) > 0

    tables = list(tables)
    return [name for number, name in enumerate(ELEMENTS) if number < ALWAYS or varies(name)]


def _bins(values: Iterable[pd.Series]) -> list[float]:
    """Return edges of bins that cover all values, between 5 and 20 of them."""
    together = np.concatenate([np.asarray(one, float) for one in values] or [np.zeros(1)])
    if not together.size:
        together = np.zeros(1)
    return np.histogram_bin_edges(together, bins=min(20, max(5, together.size // 3))).tolist()


def _title(trajectories: pd.DataFrame) -> str:
    return f"{len(trajectories)} orbits, {int(trajectories['trains'].sum())} train"


def _leaves_plane(training: pd.DataFrame) -> bool:
    return bool((training["z"].abs() > 0).any())


def _drawn(training: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, str]]:
    """Yield the orbits to draw, each with the style of its line."""
    for number, (_, orbit) in enumerate(training.groupby("trajectory")):
        if number < MOST_ORBITS:
            yield orbit, "C0-" if orbit["trains"].all() else "C1--"


def _draw_orbits(axes: Any, training: pd.DataFrame, in_space: bool) -> None:
    names = ["x", "y", "z"] if in_space else ["x", "y"]
    for orbit, style in _drawn(training):
        axes.plot(*orbit[names].to_numpy().T, style, lw=0.7)
    axes.plot(*[[0]] * len(names), "k+")
    axes.set(**{f"{name}label": f"{name} [DU]" for name in names}, aspect="equal")
    if in_space:
        axes.set_box_aspect(None, zoom=0.85)
        axes.tick_params(labelsize="x-small")
