"""Figures of models of any state: predictions against time, and how their errors grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def states_predicted(states_in_time: pd.DataFrame) -> Figure:
    """Draw true (line) and predicted (dashed) states of test trajectories against time, one panel per channel.

    Every trajectory is predicted from its first state or first observations, under its own control inputs. Shaded: 90 %
    interval, of models that have one.
    """
    from matplotlib.figure import Figure

    channels = list(dict.fromkeys(states_in_time["channel"]))
    trajectories = list(dict.fromkeys(states_in_time["trajectory"]))
    size = (max(5.0, 3.2 * len(trajectories)), 0.9 + 1.5 * len(channels))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(channels), len(trajectories), squeeze=False, sharex="col", sharey="row")
    for row, channel in zip(panels, channels, strict=True):
        for axes, trajectory in zip(row, trajectories, strict=True):
            members = (states_in_time["channel"] == channel) & (states_in_time["trajectory"] == trajectory)
            own = states_in_time[members]
            axes.plot(own["t"], own["true"], "k-", lw=0.9, label="true")
            axes.plot(own["t"], own["predicted"], "C1--", lw=1.0, label="predicted")
            if own["lower"].notna().any():
                axes.fill_between(own["t"], own["lower"], own["upper"], color="C1", alpha=0.25, lw=0)
            # a prediction that runs away would hide the motion
            low, high = own["true"].min(), own["true"].max()
            axes.set_ylim(low - 0.3 * (high - low), high + 0.3 * (high - low))
        unit = states_in_time.loc[states_in_time["channel"] == channel, "unit"].iloc[0]
        row[0].set_ylabel(channel if unit == "1" else f"{channel} [{unit}]")
    for axes, trajectory in zip(panels[0], trajectories, strict=True):
        axes.set_title(f"trajectory {trajectory}", fontsize="small")
    for axes in panels[-1]:
        axes.set_xlabel("t")
    panels[0, 0].legend(fontsize="small", loc="upper right")
    return figure


def error_growth_in_time(error_growth: pd.DataFrame) -> Figure:
    """Draw the error of rollouts against time: each test trajectory, and the median at each sample.

    Root mean square over the channels, in standard deviations of the training data; dotted: 0.4, at which a prediction
    ends to be valid.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 3.6), layout="constrained")
    axes = figure.subplots()
    predicted = error_growth[error_growth["step"] > 0].replace([np.inf, -np.inf], np.nan)
    for _, own in predicted.groupby("trajectory"):
        axes.plot(own["t"], own["error"], color="C0", lw=0.6, alpha=0.5)
    middle = predicted.groupby("step")[["t", "error"]].median()
    axes.plot(middle["t"], middle["error"], color="C3", lw=1.5, label="median")
    axes.axhline(0.4, color="0.4", ls=":")
    axes.set(xlabel="t", ylabel="error [standard deviations]", yscale="log")
    axes.legend(fontsize="small", loc="lower right")
    return figure
