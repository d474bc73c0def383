"""Figures of several models at once; each parameter maps the name of a model to its table of that name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from trainers.two_body.figures.errors import ERROR, LABEL, anomaly_bins
from trainers.two_body.figures.field import CUTS, draw_residual
from trainers.two_body.figures.motion import distance_from_truth, draw_truth, orbit_name, reach_of
from trainers.two_body.figures.radius import measure_slope, shade_training

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Tables = Mapping[str, pd.DataFrame]

COLUMNS = 4
RADIUS_BINS = 24


def reference_orbits_compared(rollouts: Tables) -> Figure:
    """Draw the reference orbits as every model predicts them, and below the distance from the true position over time.

    The reference orbits: that of mean elements of the test set (or the nearest to them), least and most eccentric,
    largest semi-major axis, each once.
    """
    from matplotlib.figure import Figure

    first = next(iter(rollouts.values()))
    orbits = list(dict.fromkeys(first["orbit"]))
    figure = Figure(figsize=(max(6.5, 3.0 * len(orbits)), 5.6), layout="constrained")
    planes, times = figure.subplots(2, len(orbits), squeeze=False, height_ratios=(3, 2))
    for plane, time, orbit in zip(planes, times, orbits, strict=True):
        truth = first[first["orbit"] == orbit]
        draw_truth(plane, truth)
        for number, (model, table) in enumerate(rollouts.items()):
            motion = table[table["orbit"] == orbit]
            plane.plot(motion["x"], motion["y"], color=f"C{number}", lw=1.1, label=model)
            _log_line(time, motion["t"], distance_from_truth(motion), f"C{number}")
        reach = reach_of(truth)
        plane.set(title=orbit_name(orbit), xlabel="x [DU]", ylabel="y [DU]", xlim=(-reach, reach), ylim=(-reach, reach))
        time.set_xlabel("t [TU]")
    times[0].set_ylabel("distance from the truth [DU]")
    _legend(figure, planes[0])
    return figure


def _log_line(axes: Axes, x: Any, y: Any, color: str, label: str | None = None) -> None:
    """Draw a line on a logarithmic axis, with gaps where y is not positive."""
    axes.plot(x, np.where(np.asarray(y) > 0, y, np.nan), color=color, lw=1.1, label=label)
    axes.set_yscale("log")


def errors_compared(errors: Tables) -> Figure:
    """Draw the error of every model against the true anomaly (own state) and against the radius (true state).

    Medians in bins over all orbits and steps; 0 and 360 degrees are periapsis.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.8), layout="constrained")
    anomaly, radius = figure.subplots(1, 2)
    for number, (model, table) in enumerate(errors.items()):
        centres, medians = _medians_of_anomaly(table)
        _log_line(anomaly, centres, medians, f"C{number}", model)
        centres, medians = _medians_of_radius(table)
        _log_line(radius, centres, medians, f"C{number}")
    anomaly.set(xlabel="true anomaly [deg]", ylabel=LABEL, xlim=(0, 360))
    anomaly.set_xticks(range(0, 361, 60))
    radius.set(xlabel="radius [DU]", ylabel="acceleration error, true state [%]")
    _legend(figure, anomaly)
    return figure


def _medians_of_anomaly(errors: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    present = errors[["true_anomaly", ERROR]].dropna()
    groups, centres = anomaly_bins(present["true_anomaly"], present[ERROR])
    medians = groups.median()
    return centres[medians.index.to_numpy(int)], medians.to_numpy()


def _medians_of_radius(errors: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    import pandas as pd

    present = errors[["r", "acceleration_error_field"]].dropna()
    if present["r"].nunique() < 2:
        return present["r"].to_numpy(), present["acceleration_error_field"].to_numpy()
    medians = present.groupby(pd.qcut(present["r"], RADIUS_BINS, duplicates="drop"), observed=True).median()
    return medians["r"].to_numpy(), medians["acceleration_error_field"].to_numpy()


def slopes_compared(errors: Tables, training: Tables) -> Figure:
    """Draw how the acceleration of every model falls with the radius: its slope, and the radius at which it breaks.

    The slope of log |a| over log r with its 95 % interval (Theil and Sen); dashed: that of the law. Square: the radius
    beyond which the local slope differs from that of the law by more than 0.5; cross: the smallest radius at which the
    field repels. Shaded: radii of the training orbits of all models.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, max(2.6, 0.4 * len(errors) + 1.6)), layout="constrained")
    slopes, radii = figure.subplots(1, 2, sharey=True)
    for place, table in enumerate(errors.values()):
        fit, color = measure_slope(table), f"C{place}"
        slopes.plot([fit.low, fit.high], [place] * 2, color=color)
        slopes.plot(fit.slope, place, "o", color=color)
        radii.plot(fit.break_radius, place, "s", color=color)
        radii.plot(fit.repulsive_radius, place, "x", color=color)
    slopes.axvline(law_slope(errors), color="k", ls="--", lw=1)
    shade_training(radii, training.values())
    slopes.set_yticks(range(len(errors)), [_wrap(model) for model in errors], fontsize="small")
    slopes.set(xlabel="slope of log |a| over log r", ylim=(len(errors) - 0.5, -0.5))
    radii.set(xlabel="radius of break (square), of repulsion (cross) [DU]", xlim=(0, _farthest(errors)))
    return figure


def law_slope(errors: Tables) -> float:
    """Return the slope of the true acceleration over the radius, from the first table."""
    present = next(iter(errors.values()))[["r", "acceleration_true"]].dropna()
    return (
        float(np.polyfit(np.log(present["r"]), np.log(present["acceleration_true"]), 1)[0])
        if len(present) > 1
        else np.nan
    )


def _farthest(errors: Tables) -> float:
    return 1.05 * max(float(np.nanmax(table["r"])) for table in errors.values())


def field_residuals(field: Tables, training: Tables) -> Figure:
    """Draw predicted minus true acceleration of every model in the x-y plane, its training orbits on top.

    In percent of the true one, on one colour scale from 0.1 to 100 percent. Arrows have the direction of the
    difference; the velocity is that of a circular orbit, counter-clockwise.
    """
    from matplotlib.figure import Figure

    columns = min(COLUMNS, len(field))
    rows = -(-len(field) // columns)
    figure = Figure(figsize=(max(4.4, 3.1 * columns + 0.8), 3.3 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, (model, table) in zip(panels, field.items(), strict=False):
        arrows = draw_residual(axes, table, training[model])
        axes.set_title(_wrap(model), fontsize="small")
    for axes in panels[len(field) :]:
        axes.set_axis_off()
    figure.colorbar(arrows, ax=list(panels), label="difference [% of the law]", extend="both", ticks=CUTS)
    return figure


def _wrap(model: str) -> str:
    """Return the name of a model in lines of at most 34 characters."""
    from textwrap import fill

    return fill(model, 34)


def flip_rates(errors: Tables) -> Figure | None:
    """Draw how often the magnitude of a signed head changes its sign along the rollouts, and at which true anomaly.

    In percent of the steps: mean over the orbits with its 95 % interval by Student's t. Models whose magnitude has no
    sign are left out; without any other there is no figure.
    """
    from matplotlib.figure import Figure

    signed = {model: table for model, table in errors.items() if table["flip_rate"].notna().any()}
    if not signed:
        return None
    figure = Figure(figsize=(9, max(3.0, 0.4 * len(signed) + 2.2)), layout="constrained")
    rates, anomaly = figure.subplots(1, 2)
    for number, table in enumerate(signed.values()):
        _rate(rates, table.groupby("orbit")["flip_rate"].mean().dropna().to_numpy(), number)
        present = table[["true_anomaly", "flip_rate"]].dropna()
        groups, centres = anomaly_bins(present["true_anomaly"], present["flip_rate"])
        means = groups.mean()
        anomaly.plot(centres[means.index.to_numpy(int)], means, color=f"C{number}", drawstyle="steps-mid", lw=1.1)
    rates.set_yticks(range(len(signed)), [_wrap(model) for model in signed], fontsize="small")
    rates.set(xlabel="sign flips [% of steps]", ylim=(len(signed) - 0.5, -0.5))
    rates.set_xlim(0, max(1.0, rates.get_xlim()[1]))
    anomaly.set(xlabel="true anomaly [deg]", ylabel="sign flips [% of steps]", xlim=(0, 360))
    anomaly.set_ylim(0, max(1.0, anomaly.get_ylim()[1]))
    anomaly.set_xticks(range(0, 361, 60))
    return figure


def _rate(axes: Axes, orbits: np.ndarray, place: int) -> None:
    """Draw the mean over orbits at a height, with its interval if there are several that differ."""
    from scipy.stats import sem, t

    if len(orbits) > 1 and np.ptp(orbits) > 0:
        low, high = t.interval(0.95, len(orbits) - 1, orbits.mean(), sem(orbits))
        axes.plot([max(low, 0.0), min(high, 100.0)], [place] * 2, color=f"C{place}")
    axes.plot(orbits.mean(), place, "o", color=f"C{place}")


def gradients_by_segment_length(history: Tables, segments: Tables) -> Figure | None:
    """Draw the norm of the gradient, and its ratio to the loss, against the segment length: does it vanish with length?

    Median and quartiles over the steps of each training phase, one mark per phase and model. Segments of a single
    length give no figure.
    """
    from matplotlib.figure import Figure

    gradients = {model: list(_gradients(table, segments[model])) for model, table in history.items()}
    gradients = {model: phases for model, phases in gradients.items() if phases}
    if len({length for phases in gradients.values() for length, *_ in phases}) < 2:
        return None
    figure = Figure(figsize=(9, 4.0), layout="constrained")
    panels = figure.subplots(1, 2)
    for number, (model, phases) in enumerate(gradients.items()):
        lengths, *quantities = zip(*phases, strict=True)
        for axes, quartiles in zip(panels, quantities, strict=True):
            low, middle, high = np.array(quartiles).T
            ends = (middle - low, high - middle)
            axes.errorbar(lengths, middle, ends, fmt="o-", color=f"C{number}", lw=1, label=model)
    ticks = sorted({length for phases in gradients.values() for length, *_ in phases})
    for axes, label in zip(panels, ("norm of the gradient", "norm of the gradient / loss"), strict=True):
        axes.set(xlabel="points per segment", ylabel=label, xscale="log", yscale="log")
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
    _legend(figure, panels[0])
    return figure


def _gradients(history: pd.DataFrame, segments: pd.DataFrame) -> Iterator[tuple[int, Any, Any]]:
    """Yield segment length, and quartiles of the gradient norm and of its ratio to the loss, of every phase."""
    for phase, steps in history.groupby("phase"):
        present = steps[["gradient_norm", "loss"]].dropna()
        length = segments.loc[segments["phase"] == phase, "segment_length"]
        if len(present) and len(length):
            norm = present["gradient_norm"].to_numpy()
            ratio = norm / present["loss"].to_numpy()
            yield int(length.iloc[0]), *[np.percentile(values, (25, 50, 75)) for values in (norm, ratio)]


def _legend(figure: Figure, axes: Axes) -> None:
    """Draw the legend of `axes` above the figure, in as many columns as the longest name leaves room for."""
    handles, names = axes.get_legend_handles_labels()
    columns = 1 if max(map(len, names), default=0) > 60 else 2 if max(map(len, names), default=0) > 30 else 4
    figure.legend(handles, names, loc="outside upper center", ncols=columns, fontsize="small")
