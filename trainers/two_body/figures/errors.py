"""Figures of the error: boxes per orbit, per step and per test set, and against true anomaly and elements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from trainers.common.statistics import outliers

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Tables = Mapping[str, pd.DataFrame]

ERROR = "acceleration_error_own_state"
LABEL = "acceleration error, own state [%]"
FLIERS = {"marker": ".", "markersize": 3, "markeredgecolor": "red"}
STEP_BINS, ANOMALY_BINS = 24, 36


def error_per_orbit(errors: pd.DataFrame) -> Figure:
    """Draw the own-state error of each orbit over its steps as a box, orbits sorted by their median.

    Median solid, mean dashed; outliers, red, lie beyond Q1 - 1.5 IQR and Q3 + 1.5 IQR.
    """
    from matplotlib.figure import Figure

    present = errors[["orbit", ERROR]].dropna()
    groups = [(str(orbit), group[ERROR].to_numpy()) for orbit, group in present.groupby("orbit")]
    groups.sort(key=lambda pair: np.median(pair[1]))
    figure = Figure(figsize=(max(4.0, min(14.0, 0.3 * len(groups) + 1)), 3.6), layout="constrained")
    axes = figure.subplots()
    _boxes(axes, [values for _, values in groups], [orbit for orbit, _ in groups])
    axes.set(xlabel="orbit", ylabel=LABEL)
    return figure


def error_per_step(errors: pd.DataFrame) -> Figure:
    """Draw the own-state error of every orbit, averaged over bins of steps, as boxes: does the error grow with time?

    Median solid, mean dashed; outliers, red, lie beyond Q1 - 1.5 IQR and Q3 + 1.5 IQR over the orbits.
    """
    from matplotlib.figure import Figure

    present = errors[["orbit", "step", ERROR]].dropna()
    width = max(1, -(-(int(errors["step"].max()) + 1) // STEP_BINS))
    means = present.groupby(["orbit", present["step"] // width])[ERROR].mean()
    groups = [(int(str(number)), group.to_numpy()) for number, group in means.groupby(level=1)]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots()
    _boxes(axes, [values for _, values in groups], [str(number * width) for number, _ in groups])
    axes.set(xlabel=f"first of {width} steps", ylabel=LABEL)
    return figure


def _boxes(axes: Axes, groups: Sequence[np.ndarray], labels: Sequence[str]) -> None:
    """Draw boxes at 1, 2, ..., at most about 20 of them with a label."""
    axes.set_yscale("log" if groups else "linear")
    if not groups:
        return
    axes.boxplot(groups, showmeans=True, meanline=True, flierprops=FLIERS, whis=1.5)
    every = max(1, -(-len(groups) // 20))
    places = list(range(1, len(groups) + 1, every))
    axes.set_xticks(places, [labels[place - 1] for place in places])


def error_per_test_set(errors: Tables) -> Figure:
    """Draw the own-state error on every test set as boxes: over all steps of all orbits, and over the orbits' means.

    Median solid, mean dashed; outliers, red, lie beyond Q1 - 1.5 IQR and Q3 + 1.5 IQR: their share stands below.
    """
    from matplotlib.figure import Figure

    steps = {test: table[ERROR].dropna().to_numpy() for test, table in errors.items()}
    means = {test: table.groupby("orbit")[ERROR].mean().dropna().to_numpy() for test, table in errors.items()}
    figure = Figure(figsize=(max(7.0, 3.2 * len(errors) + 2), 3.8), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, groups, title in zip(panels, (steps, means), ("all steps of all orbits", "means of orbits"), strict=True):
        present = {test: values for test, values in groups.items() if values.size}
        labels = [f"{fill(test, 26)}\n{outliers(values):.1f} % of {values.size}" for test, values in present.items()]
        _boxes(axes, list(present.values()), labels)
        axes.set_title(title, fontsize="medium")
        axes.tick_params(axis="x", labelsize="x-small")
    panels[0].set_ylabel(LABEL)
    return figure


def error_against_anomaly(errors: pd.DataFrame) -> Figure:
    """Draw error, angle and sign flips against the true anomaly, 0 and 360 being periapsis: median and quartiles.

    Sign flips of the magnitude channel in percent of the steps, only for heads whose magnitude has a sign.
    """
    from matplotlib.figure import Figure

    panels = [(ERROR, LABEL, "log"), ("theta", "angle between a and the law [deg]", "log")]
    if errors["flip_rate"].notna().any():
        panels.append(("flip_rate", "sign flips [% of steps]", "linear"))
    figure = Figure(figsize=(4.4 * len(panels), 3.4), layout="constrained")
    for axes, (name, label, scale) in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True):
        present = errors[["true_anomaly", name]].dropna()
        if scale == "log":
            _band(axes, present["true_anomaly"], present[name])
        else:
            _steps(axes, present["true_anomaly"], present[name])
        axes.set(xlabel="true anomaly [deg]", ylabel=label, xlim=(0, 360), yscale=scale if len(present) else "linear")
        axes.set_xticks(range(0, 361, 60))
    return figure


def anomaly_bins(x: Any, y: Any) -> tuple[Any, np.ndarray]:
    """Group values `y` by 36 bins of true anomalies `x` [degrees]; return the groups and the centres of all bins."""
    edges = np.linspace(0, 360, ANOMALY_BINS + 1)
    number = np.clip(np.digitize(x, edges) - 1, 0, ANOMALY_BINS - 1)
    return y.groupby(number), (edges[:-1] + edges[1:]) / 2


def _band(axes: Axes, x: pd.Series, y: pd.Series) -> None:
    groups, centres = anomaly_bins(x, y)
    quartiles = groups.quantile([0.25, 0.5, 0.75]).unstack()
    if len(quartiles):
        at = centres[quartiles.index.to_numpy()]
        axes.fill_between(at, quartiles[0.25], quartiles[0.75], alpha=0.25, lw=0)
        axes.plot(at, quartiles[0.5], "C0-")


def _steps(axes: Axes, x: pd.Series, y: pd.Series) -> None:
    groups, centres = anomaly_bins(x, y)
    means = groups.mean()
    axes.plot(centres[means.index.to_numpy()], means, "C3-", drawstyle="steps-mid")


def error_against_elements(orbits: pd.DataFrame) -> Figure:
    """Draw the mean own-state error of each orbit against its elements; the line is a running median.

    The true anomaly is that of the first point. Orbits whose rollout diverged are crosses at the top.
    """
    from matplotlib.figure import Figure

    elements = [("semi_major_axis", "semi-major axis [DU]"), ("eccentricity", "eccentricity"),
                ("true_anomaly", "initial true anomaly [rad]")]  # fmt: skip
    present = [(name, label) for name, label in elements if name in orbits]
    figure = Figure(figsize=(3.8 * max(1, len(present)), 3.4), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, max(1, len(present)), sharey=True))
    for axes, (name, label) in zip(panels, present, strict=False):
        _scatter(axes, orbits.sort_values(name), name)
        axes.set(xlabel=label, yscale="log" if orbits[ERROR].notna().any() else "linear")
    panels[0].set_ylabel(LABEL)
    return figure


def _scatter(axes: Axes, orbits: pd.DataFrame, name: str) -> None:
    window = max(3, len(orbits) // 8)
    axes.plot(orbits[name], orbits[ERROR], "C0.", ms=4)
    if len(orbits) >= 2 * window:
        axes.plot(orbits[name], orbits[ERROR].rolling(window, center=True, min_periods=2).median(), "C1-", lw=1.2)
    failed = orbits[orbits["failed"]]
    if len(failed):
        axes.plot(failed[name], np.full(len(failed), orbits[ERROR].max()), "rx")
