"""Figures of a curriculum: what each training phase left, as orbits and as errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainers.two_body.figures.motion import draw_orbit, orbit_name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def orbits_per_phase(phases: pd.DataFrame) -> Figure:
    """Draw the orbits of the reference panel (rows) as the best model of each training phase predicts them (columns).

    The first row is the orbit of mean elements of the test set, or the one nearest to them; on the test set `train`
    these are the mean elements of the training data.
    """
    from matplotlib.figure import Figure

    numbers, orbits = phases["phase"].unique(), phases["orbit"].unique()
    figure = Figure(figsize=(2.8 * len(numbers), 2.9 * len(orbits)), layout="constrained")
    grid = figure.subplots(len(orbits), len(numbers), squeeze=False)
    for row, orbit in zip(grid, orbits, strict=True):
        for axes, phase in zip(row, numbers, strict=True):
            draw_orbit(axes, phases[(phases["orbit"] == orbit) & (phases["phase"] == phase)])
            axes.set_title(f"{orbit_name(orbit)}, phase {phase}", fontsize="medium")
    grid[0, 0].legend(fontsize="small", loc="upper right")
    return figure


def errors_per_phase(phase_errors: pd.DataFrame) -> Figure:
    """Draw the errors of the best model of each training phase over the orbits of the reference panel.

    Dot: median; bar: quartiles; cross: mean. Acceleration at the model's own states, position relative to its true
    size.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 3.4), layout="constrained")
    labels = {"acceleration_error": "acceleration error, own state [%]", "position_error": "position error [%]"}
    for axes, (name, label) in zip(figure.subplots(1, 2), labels.items(), strict=True):
        own = phase_errors[phase_errors["error"] == name]
        axes.vlines(own["phase"], own["quartile_1"], own["quartile_3"], color="C0", lw=2)
        axes.plot(own["phase"], own["median"], "C0o-", lw=0.8, label="median")
        axes.plot(own["phase"], own["mean"], "C1x", label="mean")
        axes.set(xlabel="phase", ylabel=label, yscale="log" if own["mean"].notna().any() else "linear")
        axes.set_xticks(own["phase"].to_numpy())
        axes.margins(x=0.2)
        axes.legend(fontsize="small")
    return figure
