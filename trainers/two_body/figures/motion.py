"""Figures of motion: true and predicted orbits and states, accelerations on the orbit, and what drives one orbit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainers.two_body.orbits.elements import MEAN_ORBIT

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ARROWS = 24
"""Arrows on each orbit, about."""


def reference_orbits(rollouts: pd.DataFrame) -> Figure:
    """Draw true and predicted orbits of the reference panel in the x-y plane, lengths in the dataset's unit.

    The panel: the orbit of mean elements of the test set (where there is none, the nearest one), the least and the
    most eccentric one, and the one with the largest semi-major axis, each once.
    """
    from matplotlib.figure import Figure

    groups = list(rollouts.groupby("orbit", sort=False))
    figure = Figure(figsize=(3.2 * len(groups), 3.4), layout="constrained")
    panels = figure.subplots(1, len(groups), squeeze=False)[0]
    for axes, (orbit, motion) in zip(panels, groups, strict=True):
        draw_orbit(axes, motion)
        axes.set(title=orbit_name(orbit), xlabel="x", ylabel="y")
    panels[0].legend(fontsize="small", loc="upper right")
    return figure


def orbit_name(orbit: Any) -> str:
    """Return the name of an orbit of the panel."""
    return "mean elements" if orbit == MEAN_ORBIT else f"orbit {orbit}"


def draw_orbit(axes: Axes, motion: pd.DataFrame) -> None:
    """Draw the true and the predicted orbit in the x-y plane."""
    draw_truth(axes, motion)
    axes.plot(motion["x"], motion["y"], "C3-", lw=1, label="predicted")
    reach = reach_of(motion)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach))


def draw_truth(axes: Axes, motion: pd.DataFrame) -> None:
    """Draw the true orbit, and the centre of attraction as a cross, on axes of equal scale."""
    axes.plot(motion["x_true"], motion["y_true"], "k-", lw=2.5, alpha=0.3, label="true")
    axes.plot(0, 0, "k+")
    axes.set_aspect("equal")


def reach_of(motion: pd.DataFrame) -> float:
    """Return half the side of a square about the origin that holds the true orbit, and 30 % more for predictions."""
    return 1.3 * float(motion[["x_true", "y_true"]].abs().to_numpy().max())


def distance_from_truth(motion: pd.DataFrame) -> np.ndarray:
    """Return the distance (T,) of the predicted position from the true one, in all three dimensions."""
    difference = motion[["x", "y", "z"]].to_numpy() - motion[["x_true", "y_true", "z_true"]].to_numpy()
    return np.linalg.norm(difference, axis=1)


def is_planar(motion: pd.DataFrame) -> bool:
    """Tell whether the true motion stays in the x-y plane."""
    return not (motion["z_true"].abs() > 0).any()


def states_against_time(rollouts: pd.DataFrame) -> Figure:
    """Draw position and velocity against time, true and predicted, of every reference orbit (columns).

    In the dataset's units; a prediction that leaves the range of the true states by more than half of it leaves the
    panel. z and its velocity are left out where all orbits are planar.
    """
    from matplotlib.figure import Figure

    groups = list(rollouts.groupby("orbit", sort=False))
    names = ("x", "y", "vx", "vy") if is_planar(rollouts) else ("x", "y", "z", "vx", "vy", "vz")
    size = (max(5.0, 2.9 * len(groups)), 1.25 * len(names) + 1)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(names), len(groups), squeeze=False, sharex="col")
    for row, name in zip(grid, names, strict=True):
        for axes, (_, motion) in zip(row, groups, strict=True):
            axes.plot(motion["t"], motion[f"{name}_true"], "k-", lw=2.5, alpha=0.3, label="true")
            axes.plot(motion["t"], motion[name], "C3-", lw=1, label="predicted")
            axes.set_ylim(*limits_of(motion[f"{name}_true"]))
        row[0].set_ylabel(f"{name} [{'DU/TU' if name.startswith('v') else 'DU'}]")
    for axes, (orbit, _) in zip(grid[0], groups, strict=True):
        axes.set_title(orbit_name(orbit), fontsize="medium")
    for axes in grid[-1]:
        axes.set_xlabel("t [TU]")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize="small")
    return figure


def limits_of(true: pd.Series) -> tuple[float, float]:
    """Return the ends of an axis: the range of true values and half of it on both sides."""
    low, high = float(true.min()), float(true.max())
    margin = 0.5 * (high - low) or 0.05
    return low - margin, high + margin


def acceleration_arrows(rollouts: pd.DataFrame) -> Figure:
    """Draw the acceleration as arrows on the orbit: true at true positions, predicted at the model's own.

    The same moments of both motions, evenly spread over time. The length of an arrow grows with the square root of
    |a|, so that apoapsis shows as well; in the x-y plane.
    """
    from matplotlib.figure import Figure

    groups = list(rollouts.groupby("orbit", sort=False))
    figure = Figure(figsize=(3.4 * len(groups), 3.8), layout="constrained")
    panels = figure.subplots(1, len(groups), squeeze=False)[0]
    for axes, (orbit, motion) in zip(panels, groups, strict=True):
        draw_orbit(axes, motion)
        moments = motion.iloc[:: max(1, len(motion) // ARROWS)]
        size = np.sqrt(np.linalg.norm(motion[["ax_true", "ay_true", "az_true"]].to_numpy(), axis=1)).max()
        for suffix, color, label in (("_true", "0.3", "true a"), ("", "C0", "predicted a")):
            _draw_arrows(axes, moments, suffix, 0.4 * reach_of(motion) / size, color, label)
        axes.set(title=orbit_name(orbit), xlabel="x [DU]", ylabel="y [DU]")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, fontsize="small")
    return figure


def _draw_arrows(axes: Axes, moments: pd.DataFrame, suffix: str, scale: float, color: str, label: str) -> None:
    position = moments[[f"x{suffix}", f"y{suffix}"]].to_numpy()
    a = moments[[f"a{name}{suffix}" for name in "xyz"]].to_numpy()
    size = np.linalg.norm(a, axis=1, keepdims=True)
    arrow = scale * a[:, :2] / np.sqrt(np.where(size > 0, size, 1.0))
    axes.quiver(*position.T, *arrow.T, angles="xy", scale_units="xy", scale=1, width=0.007, color=color, label=label,
                alpha=0.8, zorder=3)  # fmt: skip


def along_an_orbit(rollouts: pd.DataFrame) -> Figure:
    """Draw true and predicted acceleration, and features and outputs of the network, along the first reference orbit.

    Predictions are at the model's own states; radial is along the position, outward positive, transverse in the
    direction of motion. Features are in the network's units, outputs after the final activation.
    """
    from matplotlib.figure import Figure

    motion = rollouts[rollouts["orbit"] == rollouts["orbit"].iloc[0]]
    feature_names = [name for name in motion if str(name).startswith("feature ")]
    output_names = [name for name in motion if str(name).startswith("output ")]
    figure = Figure(figsize=(10, 5.6), layout="constrained")
    (size, radial, transverse), (features, outputs, error) = figure.subplots(2, 3, sharex=True)
    true, predicted = _parts(motion, "_true"), _parts(motion, "")
    titles = ("|a|", "radial a", "transverse a")
    for axes, title, a, b in zip((size, radial, transverse), titles, true, predicted, strict=True):
        axes.plot(motion["t"], a, "k-", lw=2.5, alpha=0.3, label="true")
        axes.plot(motion["t"], b, "C3-", lw=1, label="predicted")
        axes.set_title(f"{title} [DU/TU$^2$]", fontsize="medium")
    error.plot(motion["t"], distance_from_truth(motion), "C3-")
    error.set_title("distance from the true position [DU]", fontsize="medium")
    _draw_channels(features, motion, feature_names, "features")
    _draw_channels(outputs, motion, output_names, "network outputs")
    for axes in (features, outputs, error):
        axes.set_xlabel("t [TU]")
    size.legend(fontsize="small", loc="upper right")
    return figure


def _parts(motion: pd.DataFrame, suffix: str) -> tuple[Any, Any, Any]:
    """Return size, radial and transverse part of the acceleration at each step, (T,) each."""
    r, v, a = (motion[[f"{name}{suffix}" for name in names]].to_numpy() for names in
               (("x", "y", "z"), ("vx", "vy", "vz"), ("ax", "ay", "az")))  # fmt: skip
    outward = r / np.linalg.norm(r, axis=1, keepdims=True)
    ahead = v - (v * outward).sum(axis=1, keepdims=True) * outward
    ahead = ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
    return np.linalg.norm(a, axis=1), (a * outward).sum(axis=1), (a * ahead).sum(axis=1)


def _draw_channels(axes: Axes, motion: pd.DataFrame, names: list, title: str) -> None:
    for name in names:
        axes.plot(motion["t"], motion[name], lw=1, label=str(name).split(" ", 1)[1])
    axes.set_title(title if names else f"no {title}: no network", fontsize="medium")
    if names:
        axes.legend(fontsize="x-small", ncols=2, loc="upper right")
