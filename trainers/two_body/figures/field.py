"""Figures of the learned field in the plane: its errors, and the field itself beside the true one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.quiver import Quiver

CUTS = (0.1, 1, 10, 100)
"""Ticks of the residual's colour scale; larger and smaller values have the colours of its ends [%]."""


def field_residual(field: pd.DataFrame, training: pd.DataFrame) -> Figure:
    """Draw predicted minus true acceleration in the x-y plane in percent of the true one, training orbits on top.

    Arrows have the direction of the difference; the velocity is that of a circular orbit, counter-clockwise. The colour
    scale runs from 0.1 to 100 percent.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 4.8), layout="constrained")
    axes = figure.subplots()
    arrows = draw_residual(axes, field, training)
    figure.colorbar(arrows, ax=axes, label="difference [% of the law]", extend="both", ticks=CUTS)
    return figure


def draw_residual(axes: Axes, field: pd.DataFrame, training: pd.DataFrame) -> Quiver:
    """Draw the residual of a field as arrows coloured by its size, with the training orbits on top."""
    from matplotlib.colors import LogNorm

    dx, dy = field["ax"] - field["ax_true"], field["ay"] - field["ay_true"]
    size = (dx**2 + dy**2) ** 0.5
    percent: pd.Series = 100 * size / np.hypot(field["ax_true"], field["ay_true"])
    length = size.where(size > 0, 1)
    arrows = axes.quiver(field["x"], field["y"], dx / length, dy / length, percent.clip(CUTS[0], CUTS[-1]),
                         norm=LogNorm(CUTS[0], CUTS[-1]), cmap="viridis_r", pivot="mid", scale=30,
                         width=0.004)  # fmt: skip
    for _, orbit in training[training["trains"]].groupby("trajectory"):
        axes.plot(orbit["x"], orbit["y"], "-", color="0.3", lw=0.6, alpha=0.6)
    axes.set(xlabel="x [DU]", ylabel="y [DU]", aspect="equal")
    return arrows


def vector_field(field: pd.DataFrame, training: pd.DataFrame) -> Figure:
    """Draw the whole predicted field beside the true one in the x-y plane, training orbits on top.

    Arrows have the direction of the acceleration, colours its size, on one scale: that of the true field. The velocity
    is that of a circular orbit, counter-clockwise.
    """
    return _fields(field, training, "y")


def vector_field_xz(field_xz: pd.DataFrame, training: pd.DataFrame) -> Figure:
    """Draw the whole predicted field beside the true one in the x-z plane, training orbits on top, for sets in space.

    As in the x-y plane: arrows have the direction of the acceleration, colours its size.
    """
    return _fields(field_xz, training, "z")


def _fields(field: pd.DataFrame, training: pd.DataFrame, across: str) -> Figure:
    """Draw the true and the predicted field in the plane of x and of `across`."""
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 4.4), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    size = np.hypot(field["ax_true"], field[f"a{across}_true"])
    norm = LogNorm(size[size > 0].min(), size.max())
    for axes, suffix, title in zip(panels, ("_true", ""), ("true", "predicted"), strict=True):
        ax, ay = field[f"ax{suffix}"], field[f"a{across}{suffix}"]
        length = np.hypot(ax, ay)
        arrows = axes.quiver(field["x"], field[across], ax / length, ay / length, length, norm=norm, cmap="viridis",
                             pivot="mid", scale=30, width=0.004)  # fmt: skip
        for _, orbit in training[training["trains"]].groupby("trajectory"):
            axes.plot(orbit["x"], orbit[across], "-", color="0.3", lw=0.6, alpha=0.6)
        axes.set(xlabel="x [DU]", ylabel=f"{across} [DU]", aspect="equal", title=title)
    figure.colorbar(arrows, ax=list(panels), label="|a| [DU/TU$^2$]", extend="both")
    return figure
