"""Figures of the acceleration over the radius: its slope, where it breaks, and what the training data reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from trainers.two_body.problems import load_problem

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Tables = Mapping[str, pd.DataFrame]

BINS = 40
"""Bins of log r, at most."""

LARGEST_DEVIATION = 0.5
"""A field breaks at the radius beyond which its local slope differs from that of the law by more than this."""


class Slope(NamedTuple):
    """Slope of log |a| over log r with its 95 % interval, and the radii at which the field goes wrong."""

    slope: float
    low: float
    high: float
    break_radius: float
    """Radius beyond which the local slope differs from that of the law at all larger radii; NaN if there is none."""
    repulsive_radius: float
    """Smallest radius at which the field points outward; NaN if there is none."""


def acceleration_against_radius(errors: pd.DataFrame, training: pd.DataFrame, facts: pd.DataFrame) -> Figure:
    """Draw predicted and true acceleration over the radius, both axes logarithmic, with the slope and its interval.

    The slope is the median of pairwise slopes (Theil and Sen) of the medians in bins of log r, with its 95 % interval;
    beyond the break radius the local slope differs from that of the law by more than 0.5. Shaded: radii of the
    training orbits; dashed level: the largest acceleration on them.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.4), layout="constrained")
    axes = figure.subplots()
    points = errors[["r", "acceleration_predicted", "acceleration_true"]].dropna()
    axes.plot(
        points["r"], points["acceleration_predicted"], "C0.", ms=2, alpha=0.25, rasterized=True, label="predicted"
    )
    truth = points.sort_values("r").iloc[:: max(1, len(points) // 400)]
    axes.plot(truth["r"], truth["acceleration_true"], "k--", lw=1.2, label="law")
    shade_training(axes, [training])
    largest = largest_training_acceleration(training, facts)
    axes.axhline(largest, color="C2", ls="--", lw=1, label=f"largest training |a|: {largest:.3g}")
    if len(points) > 1:
        _note(axes, measure_slope(errors))
    scale = "log" if len(points) else "linear"
    axes.set(xlabel="radius [DU]", ylabel="|a| at the true states [DU/TU$^2$]", xscale=scale, yscale=scale)
    axes.legend(fontsize="small", loc="lower left", markerscale=4)
    return figure


def accelerations_against_radius(errors: Tables, training: Tables, facts: Tables) -> Figure:
    """Draw the acceleration of every model over the radius, both axes logarithmic: medians at the true states.

    Dashed black: the law. Dashed levels: the largest acceleration on the training orbits of a model, in its colour (in
    grey if all have the same). Beyond it a model has seen nothing.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.8), layout="constrained")
    axes = figure.subplots()
    largest = {name: largest_training_acceleration(training[name], facts[name]) for name in errors}
    for number, (model, table) in enumerate(errors.items()):
        r, predicted, true = _medians(table)
        axes.plot(r, predicted, f"C{number}-", lw=1.2, label=model)
        if number == 0:
            axes.plot(r, true, "k--", lw=1.2, zorder=5, label="law")
    if len(set(largest.values())) == 1:
        axes.axhline(next(iter(largest.values())), color="0.5", ls="--", lw=1, label="largest training |a|")
    else:
        for number, level in enumerate(largest.values()):
            axes.axhline(level, color=f"C{number}", ls="--", lw=0.9)
        axes.plot([], [], color="0.5", ls="--", lw=0.9, label="largest training |a| of each model")
    axes.set(xlabel="radius [DU]", ylabel="|a| at the true states [DU/TU$^2$]", xscale="log", yscale="log")
    axes.legend(fontsize="small", loc="lower left")
    return figure


def largest_training_acceleration(training: pd.DataFrame, facts: pd.DataFrame) -> float:
    """Return the largest true acceleration at the states of the training orbits [DU/TU^2]; NaN without states.

    `facts` is the row of what holds for the whole dataset; it names the problem.
    """
    states = training.loc[training["trains"], ["x", "y", "z", "vx", "vy", "vz"]].to_numpy(float).T
    problem = str(facts["problem"].iloc[0]) if "problem" in facts else "two_body"
    size = np.linalg.norm(np.asarray(load_problem(problem).acceleration(states[:3], states[3:])), axis=0)
    return float(np.nanmax(size)) if np.isfinite(size).any() else float("nan")


def measure_slope(errors: pd.DataFrame) -> Slope:
    """Return slope, break radius and repulsive radius of a field, from the table `errors`; NaN below three bins."""
    from scipy.stats import theilslopes

    r, predicted, true = _medians(errors)
    if len(r) < 3:
        return Slope(*[np.nan] * 5)
    slope, _, low, high = theilslopes(np.log(predicted), np.log(r))
    local = np.gradient(np.log(predicted), np.log(r)) - np.gradient(np.log(true), np.log(r))
    wrong = np.abs(local) > LARGEST_DEVIATION
    last_right = len(r) - 1 - int(np.argmax(~wrong[::-1])) if (~wrong).any() else -1
    break_radius = float(r[last_right + 1]) if last_right + 1 < len(r) else np.nan
    outward = errors.loc[errors["radial_outward"] > 0, "r_own"]
    repulsive_radius = float(outward.min()) if len(outward) else np.nan
    return Slope(float(slope), float(low), float(high), break_radius, repulsive_radius)


def _medians(errors: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return radius, predicted and true acceleration as medians in bins of log r."""
    import pandas as pd

    points = errors[["r", "acceleration_predicted", "acceleration_true"]].dropna()
    points = points[(points > 0).all(axis=1)]
    if points["r"].nunique() < 2:
        return (np.array([]),) * 3
    bins = pd.cut(np.log(points["r"]), min(BINS, len(points)), labels=False)
    medians = points.groupby(bins).median()
    return tuple(medians[name].to_numpy() for name in points)  # type: ignore[return-value]


def _note(axes: Axes, fit: Slope) -> None:
    lines = [f"slope {fit.slope:.2f} [{fit.low:.2f}, {fit.high:.2f}]"]
    if np.isfinite(fit.break_radius):
        lines.append(f"breaks at {fit.break_radius:.2f} DU")
        axes.axvline(fit.break_radius, color="C1", ls=":", label="break")
    if np.isfinite(fit.repulsive_radius):
        lines.append(f"repels from {fit.repulsive_radius:.2f} DU")
        axes.axvline(fit.repulsive_radius, color="C3", ls=":", label="repulsion")
    axes.text(0.97, 0.96, "\n".join(lines), transform=axes.transAxes, ha="right", va="top", fontsize="small")


def shade_training(axes: Axes, training: Iterable[pd.DataFrame]) -> None:
    """Shade the radii of the training orbits."""
    points = [table.loc[table["trains"], ["x", "y", "z"]].to_numpy() for table in training]
    radii = np.linalg.norm(np.concatenate(points), axis=1)
    radii = radii[np.isfinite(radii)]
    if radii.size:
        axes.axvspan(radii.min(), radii.max(), color="0.92", zorder=0, label="training radii")
