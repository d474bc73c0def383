"""Figures of orbits in space: true and predicted in three dimensions, with the elements that turn their planes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from trainers.two_body.figures.motion import is_planar, orbit_name
from trainers.two_body.orbits.elements import MEAN_ORBIT, mean_elements
from trainers.two_body.orbits.kepler import Elements

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TURNS = {"inclination": "i", "raan": "RAAN", "argument_of_perigee": "arg. of perigee"}
"""The elements that turn an orbit in space, and how figures call them."""


def orbits_in_space(rollouts: pd.DataFrame, orbits: pd.DataFrame) -> Figure | None:
    """Draw true and predicted reference orbits in three dimensions, with inclination, RAAN and argument of perigee.

    In the dataset's unit; the dotted line leads from the centre of attraction to the true perigee or first point.
    Planar sets have no figure.
    """
    from matplotlib.figure import Figure

    if is_planar(rollouts):
        return None
    groups = list(rollouts.groupby("orbit", sort=False))
    columns = len(groups) if len(groups) < 4 else 2
    rows = -(-len(groups) // columns)
    figure = Figure(figsize=(4.4 * columns, 4.4 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, subplot_kw={"projection": "3d"}).ravel()
    for axes, (orbit, motion) in zip(panels, groups, strict=False):
        draw_in_space(axes, motion)
        turns = _turns(orbits, int(str(orbit)))
        axes.set_title("\n".join([orbit_name(orbit), *([turns] if turns else [])]), fontsize="small")
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize="small")
    return figure


def draw_in_space(axes: Any, motion: pd.DataFrame) -> None:
    """Draw the true and the predicted orbit on axes of equal scale, and a line to the true periapsis."""
    true = motion[["x_true", "y_true", "z_true"]].to_numpy()
    axes.plot(*true.T, "k-", lw=2.5, alpha=0.3, label="true")
    reach = 1.15 * np.abs(true).max()
    predicted = motion[["x", "y", "z"]].to_numpy()
    inside = (np.abs(predicted) <= reach).all(axis=1, keepdims=True)
    axes.plot(*np.where(inside, predicted, np.nan).T, "C3-", lw=1.2, label="predicted")
    nearest = true[np.linalg.norm(true, axis=1).argmin()]
    axes.plot(*np.stack([np.zeros(3), nearest]).T, "k:", lw=0.8)
    axes.plot([0], [0], [0], "k+")
    limits = {f"{name}lim": (-reach, reach) for name in "xyz"}
    axes.set(xlabel="x [DU]", ylabel="y [DU]", zlabel="z [DU]", **limits)
    axes.set_box_aspect((1, 1, 1), zoom=0.85)
    axes.tick_params(labelsize="x-small")
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.get_major_locator().set_params(nbins=5)


def _turns(orbits: pd.DataFrame, orbit: int) -> str:
    """Return the elements that turn an orbit in space, in words; empty where the set has none."""
    if not all(name in orbits for name in Elements._fields):
        return ""
    elements: Mapping[str, float]
    if orbit == MEAN_ORBIT:
        means = mean_elements({name: orbits[name].to_numpy() for name in Elements._fields})
        elements = {name: float(values[0]) for name, values in means._asdict().items()}
    else:
        elements = {name: float(orbits[name].to_numpy()[orbit]) for name in TURNS}
    return ", ".join(f"{label} {np.rad2deg(elements[name]):.0f}°" for name, label in TURNS.items())
