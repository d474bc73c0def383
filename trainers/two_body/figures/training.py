"""Figures of a training: losses and gradients per step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainers.common.figures import draw_losses, loss_columns, mark_phases

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def loss_curve(history: pd.DataFrame) -> Figure:
    """Draw the loss, its parts and their validation against the optimiser step over all phases.

    Lines join the points at which the validation loss was measured. A dotted line marks the start of a phase, a dashed
    one the lowest validation loss.
    """
    # the field error is in percent, and no loss
    return draw_losses(history, [name for name in loss_columns(history) if name != "validation_field"])


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
    mark_phases(norm, history, "step")
    scale = "log" if len(history) else "linear"
    norm.set(xlabel="optimiser step", ylabel="norm of the gradient", yscale=scale)
    rate.set(ylabel="learning rate", yscale=scale)
    if norm.lines:
        norm.legend(handles=[*norm.lines[:1], *rate.lines], fontsize="small", loc="lower left")
    return figure
