"""Figures of motion: true and predicted orbits, also after each phase, and the network along an orbit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainers.two_body.orbits.elements import MEAN_ORBIT

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
        _draw_orbit(axes, motion)
        axes.set(title=orbit_name(orbit), xlabel="x", ylabel="y")
    panels[0].legend(fontsize="small", loc="upper right")
    return figure


def orbits_per_phase(phases: pd.DataFrame) -> Figure:
    """Draw the orbits of the reference panel (rows) as the best model of each training phase predicts them (columns).

    The first row is the orbit of mean elements of the test set, or the one nearest to them.
    """
    from matplotlib.figure import Figure

    numbers, orbits = phases["phase"].unique(), phases["orbit"].unique()
    figure = Figure(figsize=(2.8 * len(numbers), 2.9 * len(orbits)), layout="constrained")
    grid = figure.subplots(len(orbits), len(numbers), squeeze=False)
    for row, orbit in zip(grid, orbits, strict=True):
        for axes, phase in zip(row, numbers, strict=True):
            _draw_orbit(axes, phases[(phases["orbit"] == orbit) & (phases["phase"] == phase)])
            axes.set_title(f"{orbit_name(orbit)}, phase {phase}", fontsize="medium")
    grid[0, 0].legend(fontsize="small", loc="upper right")
    return figure


def orbit_name(orbit: Any) -> str:
    """Return the name of an orbit of the panel."""
    return "mean elements" if orbit == MEAN_ORBIT else f"orbit {orbit}"


def _draw_orbit(axes: Axes, motion: pd.DataFrame) -> None:
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
    error.plot(motion["t"], np.hypot(motion["x"] - motion["x_true"], motion["y"] - motion["y_true"]), "C3-")
    error.set_title("distance from the true position [DU]", fontsize="medium")
    _draw_channels(features, motion, feature_names, "features")
    _draw_channels(outputs, motion, output_names, "network outputs")
    for axes in (features, outputs, error):
        axes.set_xlabel("t [TU]")
    size.legend(fontsize="small", loc="upper right")
    return figure


def features_per_orbit(rollouts: pd.DataFrame) -> Figure | None:
    """Draw features and outputs of the network along every reference orbit (rows), at the model's own states.

    Features in the network's units, outputs after the final activation. Models without a network have no figure.
    """
    from matplotlib.figure import Figure

    feature_names = [name for name in rollouts if str(name).startswith("feature ")]
    output_names = [name for name in rollouts if str(name).startswith("output ")]
    if not feature_names:
        return None
    groups = list(rollouts.groupby("orbit", sort=False))
    figure = Figure(figsize=(9, 1.9 * len(groups) + 0.6), layout="constrained")
    grid = figure.subplots(len(groups), 2, squeeze=False)
    for (features, outputs), (orbit, motion) in zip(grid, groups, strict=True):
        for axes, names in ((features, feature_names), (outputs, output_names)):
            for name in names:
                axes.plot(motion["t"], motion[name], lw=1, label=str(name).split(" ", 1)[1])
        features.set_ylabel(orbit_name(orbit))
    for axes, title in zip(grid[0], ("features", "network outputs"), strict=True):
        axes.set_title(title, fontsize="medium")
    for axes in grid[-1]:
        axes.set_xlabel("t [TU]")
        axes.legend(fontsize="x-small", ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.35))
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
