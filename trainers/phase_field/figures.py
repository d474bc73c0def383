"""Figures of the phase-field study; each parameter is the table of that name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from trainers.common.figures import draw_losses, estimates_with_intervals, mark_phases, measured_and_predicted

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def loss_curve(history: pd.DataFrame) -> Figure | None:
    """Draw the loss of each phase, in training and validation, and the free-running error of the scores beside it.

    The loss may change with the phase; `validation_scores_mae` does not. Dotted lines mark the start of a phase.
    """
    if not len(history):
        return None
    return draw_losses(history, ["loss", "validation_loss", "validation_scores_mae"])


def training_settings(history: pd.DataFrame) -> Figure | None:
    """Draw what a training changes over its epochs: learning rate, teacher forcing, norm of the gradient, parts of the
    loss."""
    from matplotlib.figure import Figure

    if not len(history):
        return None
    figure = Figure(figsize=(9, 5), layout="constrained")
    panels = figure.subplots(2, 2, sharex=True).ravel()
    groups = (("learning_rate",), ("teacher_forcing", "noise"), ("gradient_norm",), ("mae", "autocorrelation"))
    for axes, names in zip(panels, groups, strict=True):
        for name in names:
            axes.plot(history["epoch"], history[name], ".-", ms=3, lw=0.9, label=name)
        mark_phases(axes, history, "epoch")
        axes.legend(fontsize="small")
        if names[0] != "teacher_forcing" and (history[list(names)].min() > 0).all():
            axes.set_yscale("log")
    for axes in panels[2:]:
        axes.set_xlabel("epoch")
    return figure


def curves(curves: pd.DataFrame) -> Figure:
    """Draw the scores of test runs over time: wide, true; thin, predicted from the first snapshot alone."""
    from matplotlib.figure import Figure

    groups = list(curves.groupby("run"))
    rows = -(-len(groups) // 3)
    figure = Figure(figsize=(10, 2.5 * rows), layout="constrained")
    panels = figure.subplots(rows, 3, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, (run, part) in zip(panels, groups, strict=False):
        for number, (component, curve) in enumerate(part.groupby("component")):
            colour = f"C{number}"
            axes.plot(curve["t"], curve["true"], color=colour, lw=3.0, alpha=0.3)
            axes.plot(curve["t"], curve["predicted"], color=colour, lw=0.9, label=f"score {component}")
        axes.set_title(f"run {run}", fontsize="small")
    _without_first_jump(panels[0], curves)
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    panels[0].legend(fontsize="x-small", ncols=2)
    for axes in panels[-3:]:
        axes.set_xlabel("time")
    return figure


def profiles(profiles: pd.DataFrame) -> Figure:
    """Draw radial profiles of the autocorrelation of test runs at several times: wide, true; thin, predicted."""
    from matplotlib.figure import Figure

    groups = list(profiles.groupby("run"))
    rows = -(-len(groups) // 3)
    figure = Figure(figsize=(10, 2.5 * rows), layout="constrained")
    panels = figure.subplots(rows, 3, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, (run, part) in zip(panels, groups, strict=False):
        for number, (time, curve) in enumerate(part.groupby("t")):
            axes.plot(curve["radius"], curve["true"], color=f"C{number}", lw=3.0, alpha=0.3)
            axes.plot(curve["radius"], curve["predicted"], color=f"C{number}", lw=0.9, label=f"t = {time:g}")
        axes.axhline(0.0, color="0.7", lw=0.6, zorder=0)
        axes.set_title(f"run {run}", fontsize="small")
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    panels[0].legend(fontsize="x-small")
    for axes in panels[-3:]:
        axes.set_xlabel("radius [cells]")
    return figure


def error_over_time(over_time: pd.DataFrame) -> Figure:
    """Draw the mean absolute error of the scores against time, with the range of 90 % of the runs, and of lengths."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.fill_between(over_time["t"], over_time["low"], over_time["high"], alpha=0.25, lw=0)
    left.plot(over_time["t"], over_time["mae"])
    left.set(xlabel="time", ylabel="mean absolute error of the scores")
    if "length_error" in over_time:
        # before the phases form, the first zero of the profile is noise
        formed = over_time[over_time["t"] >= over_time["t"].max() / 15]
        right.plot(formed["t"], formed["length_error"])
        right.set(xlabel="time", ylabel="error of the characteristic length [%]", ylim=(0, None))
    else:
        right.set_axis_off()
    return figure


def deduced_times(deduced: pd.DataFrame) -> Figure:
    """Draw the time deduced for each structure of test runs against its true time, with the ends of its 90 % set."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4.6), layout="constrained")
    axes = figure.subplots()
    few = deduced[deduced["run"] < 12]
    axes.vlines(few["true"], few["low"], few["high"], color="C0", alpha=0.25, lw=1.5)
    axes.plot(few["true"], few["deduced"], "C0.", ms=3)
    ends = [deduced["true"].min(), deduced["true"].max()]
    axes.plot(ends, ends, "k-", lw=0.8)
    axes.set(xlabel="true time", ylabel="deduced time")
    return figure


def time_coverage(calibration: pd.DataFrame) -> Figure:
    """Draw how often sets of times hold the true one: the posterior's own, and (square) the calibrated 90 % set."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 4), layout="constrained")
    axes = figure.subplots()
    own, calibrated = calibration[~calibration["calibrated"]], calibration[calibration["calibrated"]]
    ends = [40.0, 100.0]
    axes.plot(ends, ends, "k-", lw=0.8)
    axes.fill_between(own["nominal"], own["low"], own["high"], color="C0", alpha=0.2, lw=0)
    axes.plot(own["nominal"], own["observed"], "o-", label="posterior")
    axes.plot(calibrated["nominal"], calibrated["observed"], "C3s", label="calibrated")
    axes.set(xlabel="nominal coverage [%]", ylabel="observed coverage [%]")
    axes.legend(fontsize="small")
    return figure


def sensitivities(sensitivity: pd.DataFrame) -> Figure:
    """Draw how much scores change over time when M or kappa increases: simulated, predicted, and the error of it."""
    from matplotlib.figure import Figure

    groups = list(sensitivity.groupby("parameter", sort=False))
    figure = Figure(figsize=(4.5 * len(groups), 3.2), layout="constrained")
    for axes, (parameter, part) in zip(figure.subplots(1, len(groups), squeeze=False).ravel(), groups, strict=True):
        axes.plot(part["t"], part["true"], lw=3.0, alpha=0.3, label="simulated")
        axes.plot(part["t"], part["predicted"], lw=0.9, label="predicted")
        axes.plot(part["t"], part["error"], "C3", lw=0.9, label="error")
        axes.set(title=parameter, xlabel="time", ylabel="mean absolute change of a score")
        axes.legend(fontsize="small")
    return figure


def explained_variance(basis: pd.DataFrame) -> Figure:
    """Draw how much of the variance of the training statistics the components explain together."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.bar(basis["component"], basis["explained"], color="C0", alpha=0.5)
    axes.plot(basis["component"], basis["cumulative"], "o-")
    axes.set(xlabel="component", ylabel="explained variance [%]", ylim=(0, 100))
    axes.set_xticks(basis["component"])
    return figure


def errors_compared(over_time: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the mean absolute error of the scores of several models against time."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for number, (model, table) in enumerate(over_time.items()):
        axes.plot(table["t"][1:], table["mae"][1:], color=f"C{number % 10}", lw=1.2, label=model)
    axes.set(xlabel="time", ylabel="mean absolute error of the scores", yscale="log")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    return figure


def validation_compared(history: Mapping[str, pd.DataFrame]) -> Figure | None:
    """Draw the free-running validation error of several trainings against the epoch: one measure for all losses."""
    from matplotlib.figure import Figure

    trained = {model: table for model, table in history.items() if len(table)}
    if not trained:
        return None
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for number, (model, table) in enumerate(trained.items()):
        axes.plot(table["epoch"], table["validation_scores_mae"], color=f"C{number % 10}", lw=1.0, label=model)
    axes.set(xlabel="epoch", ylabel="validation: mean absolute error of the scores", yscale="log")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    return figure


def _without_first_jump(axes: Axes, curves: pd.DataFrame) -> None:
    """Choose a range that leaves out the first snapshot: noise, whose scores are far from all later ones."""
    later = curves[curves["t"] > curves["t"].min()]
    low, high = later["true"].min(), later["true"].max()
    margin = 0.1 * np.ptp([low, high])
    axes.set_ylim(low - margin, high + margin)


FIGURES = (
    curves,
    profiles,
    error_over_time,
    deduced_times,
    time_coverage,
    sensitivities,
    loss_curve,
    training_settings,
    explained_variance,
    estimates_with_intervals,
    measured_and_predicted,
)
"""In the order in which a report shows them."""

COMPARED = (errors_compared, validation_compared)
"""Of several models: each parameter maps the name of a model to its table of that name."""
