"""Figures of a training: its losses and its gradients, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
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
        points = history[["step", name]].dropna()
        if len(points):
            style = ".-" if name.startswith("validation_") else "-"
            axes.plot(points["step"], points[name], style, label=name, lw=2.2 if name == "loss" else 0.9)
    _mark_phases(axes, history)
    axes.set(xlabel="optimiser step", ylabel="loss", yscale="log" if len(history) else "linear")
    if axes.lines:
        axes.legend(fontsize="small", loc="upper right")
    return figure


def gradient_norm(history: pd.DataFrame) -> Figure:
    """Draw the norm of the gradient before clipping, and the learning rate, against the optimiser step.

    Compare it between phases of different segment length: a norm that shrinks as segments grow is a vanishing gradient.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.4), layout="constrained")
    norm = figure.subplots()
    rate = norm.twinx()
    if len(history):
        norm.plot(history["step"], history["gradient_norm"], "C0-", lw=0.7, label="gradient norm")
        rate.plot(history["step"], history["learning_rate"], "C1-", lw=1.2, label="learning rate")
    _mark_phases(norm, history)
    scale = "log" if len(history) else "linear"
    norm.set(xlabel="optimiser step", ylabel="norm of the gradient", yscale=scale)
    rate.set(ylabel="learning rate", yscale=scale)
    if norm.lines:
        norm.legend(handles=[*norm.lines[:1], *rate.lines], fontsize="small", loc="lower left")
    return figure


def _mark_phases(axes: Axes, history: pd.DataFrame) -> None:
    for start in history.loc[history["phase"].diff() > 0, "step"]:
        axes.axvline(start, color="0.6", ls=":")
