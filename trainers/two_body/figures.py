"""Figures of the two-body study; each parameter is the table of that name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NOT_LOSSES = ("phase", "step", "learning_rate", "gradient_norm", "solver_steps", "validation_field")


def loss_curve(history: pd.DataFrame) -> Figure:
    """Draw the loss, its parts and their validation against the optimiser step over all phases.

    Validation points are joined where they were measured; dotted lines mark the start of a phase.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name in [str(column) for column in history if column not in NOT_LOSSES]:
        known = history[["step", name]].dropna()
        if len(known):
            axes.plot(known["step"], known[name], ".-" if name.startswith("validation_") else "-", label=name, lw=0.9)
    for start in history.loc[history["phase"].diff() > 0, "step"]:
        axes.axvline(start, color="0.6", ls=":")
    axes.set(xlabel="optimiser step", ylabel="loss", yscale="log" if len(history) else "linear")
    if axes.lines:
        axes.legend(fontsize="small")
    return figure


def reference_orbits(rollouts: pd.DataFrame) -> Figure:
    """Draw true and predicted orbits of the reference panel in the x-y plane, lengths in the dataset's unit."""
    from matplotlib.figure import Figure

    groups = list(rollouts.groupby("orbit"))
    figure = Figure(figsize=(3.2 * len(groups), 3.4), layout="constrained")
    panels = figure.subplots(1, len(groups), squeeze=False)[0]
    for axes, (orbit, motion) in zip(panels, groups, strict=True):
        axes.plot(motion["x_true"], motion["y_true"], "k-", lw=2.5, alpha=0.3, label="true")
        axes.plot(motion["x"], motion["y"], "C3-", lw=1, label="predicted")
        axes.plot(0, 0, "k+")
        reach = 1.3 * motion[["x_true", "y_true"]].abs().to_numpy().max()
        axes.set(title=f"orbit {orbit}", xlabel="x", ylabel="y", xlim=(-reach, reach), ylim=(-reach, reach))
        axes.set_aspect("equal")
    panels[0].legend(fontsize="small")
    return figure


def error_per_orbit(errors: pd.DataFrame) -> Figure:
    """Draw the own-state error of each orbit over its steps as a box: median solid, mean dashed, fences at 1.5 IQR."""
    from matplotlib.figure import Figure

    known = errors[["orbit", "acceleration_error_own_state"]].dropna()
    groups = [(int(group["orbit"].iloc[0]), group.iloc[:, 1].to_numpy()) for _, group in known.groupby("orbit")]
    figure = Figure(figsize=(max(4.0, min(16.0, 0.3 * len(groups))), 3.6), layout="constrained")
    axes = figure.subplots()
    if groups:
        flier = {"marker": ".", "markersize": 3, "markeredgecolor": "red"}
        positions = [orbit for orbit, _ in groups]
        axes.boxplot([x for _, x in groups], positions=positions, showmeans=True, meanline=True, flierprops=flier)
        axes.set_xticks(positions[:: max(1, len(positions) // 10)])
        axes.set_xticklabels([str(orbit) for orbit in positions[:: max(1, len(positions) // 10)]])
    axes.set(xlabel="orbit", ylabel="acceleration error, own state [%]", yscale="log" if groups else "linear")
    return figure
