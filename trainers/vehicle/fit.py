"""Fit logs of one's own with a trained model: combinations of parameters with 90 % intervals, and their rollouts.

Each trajectory is a car of its own. A log whose step is no part of the model's is interpolated to it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from trainers.common.calibration import NORMAL_90
from trainers.study import Estimates, Trained, Trajectories
from trainers.vehicle.apply import apply
from trainers.vehicle.config import ModelConfig
from trainers.vehicle.dynamics.registry import COMBINED
from trainers.vehicle.dynamics.states import STATES
from trainers.vehicle.estimates.coordinates import from_coordinates
from trainers.vehicle.estimates.estimate import Estimates as CarEstimates
from trainers.vehicle.estimates.estimate import Estimator
from trainers.vehicle.windows.channels import log_of
from trainers.vehicle.windows.cut import Windows, cut, evenly_divided
from trainers.vehicle.windows.other_step import at_step

Array = np.ndarray

UNDETERMINED = 0.5
"""Std of an estimate beyond which a log is said not to determine it, in parts of that over the training cars [1]."""

ANOTHER_CAR = 4.0
"""Disagreement of the windows of a log beyond which the simulation is said not to be that car's [1]."""


def fit(config: ModelConfig, trained: Trained, measured: Trajectories) -> Estimates:
    """Estimate the combinations of the car of each log.

    Tables: `fit_curves` (every window rolled out from its first state, beside the measured states), `parameters` (those
    that are simulated: of what cannot be told apart, mu and m, the defaults).

    Raises:
        ValueError: one line: the model estimates no combinations, a log is shorter than a window, or lacks a channel.
    """
    predictor = apply(config, trained)
    if not predictor.estimator.dynamics.combinations.size:
        raise ValueError(f"dynamics {config.dynamics} has no combinations of parameters to estimate; expected another")
    own = replace(measured, parameters={}, parameter_units={}, roles={})
    caveat = ""
    if not evenly_divided(log_of(own), config.time_step):
        own = at_step(own, config.time_step / 100)
        caveat = f"interpolated to {config.time_step / 100:g} s"
    windows = cut(log_of(own), config.window, 0, config.time_step)
    seconds = (config.window - 1) * config.time_step / 100
    for number in range(len(own.t)):
        if not (windows.run == number).any():
            raise ValueError(f"trajectory {number} has no whole window of {seconds:g} s; expected a longer log")
    made = predictor.estimates(windows, windows.run.astype(float))
    if config.estimate == "window":
        made = _averaged(made, windows)
    rolled = predictor.rollout(windows.state[:, 0], windows.control, _of_windows(made, windows.run))
    curves = _curves(own, windows, rolled, config.time_step / 100)
    return Estimates(_rows(predictor.estimator, made, caveat), {"fit_curves": curves, "parameters": _parameters(made)})


def _averaged(made: CarEstimates, windows: Windows) -> CarEstimates:
    """Return estimates of windows as estimates of runs: the mean of their coordinates and of their parameters."""
    runs = np.unique(windows.run)
    members = [windows.run == run for run in runs]
    return replace(
        made,
        u=np.stack([made.u[own].mean(axis=0) for own in members]),
        covariance=np.stack([made.covariance[own].mean(axis=0) for own in members]),
        parameters={
            name: np.stack([values[..., own].mean(axis=-1) for own in members], axis=-1)
            for name, values in made.parameters.items()
        },
        group=windows.run,
        disagreement=None,
    )


def _of_windows(made: CarEstimates, run: Array) -> dict[str, Array]:
    return {name: values[..., run] for name, values in made.parameters.items()}


def _rows(estimator: Estimator, made: CarEstimates, caveat: str) -> pd.DataFrame:
    dynamics, fitted = estimator.dynamics, estimator.fitted
    layout, known = dynamics.combinations, estimator.config.known
    rows = []
    for run in range(len(made)):
        for k, parameter in enumerate(layout.parameters):
            spread = float(np.sqrt(made.covariance[run, k, k]))
            place = COMBINED.index(parameter.name) if parameter.name in COMBINED else None
            refined, factor = bool(np.isfinite(spread)), NORMAL_90
            if place is not None and "interval_factor" in fitted:
                factor = float(fitted["interval_factor"][place])
                spread = spread if refined else float(fitted["validation_rmse"][place])
            ends = np.array([made.u[run, k] + sign * factor * spread for sign in (0, -1, 1)])
            full = np.tile(made.u[run], (3, 1))
            full[:, k] = ends
            estimate, lower, upper = from_coordinates(dynamics, full)[:, k]
            doubts = [caveat] if caveat else []
            apart = 1.0 if made.disagreement is None else float(made.disagreement[run])
            if apart > ANOTHER_CAR:
                doubts.append(f"windows disagree {apart:.2g} times as much as noise explains: another kind of car")
            if parameter.name in known:
                doubts.append("known, not estimated")
            elif not np.isfinite(spread):
                doubts.append("no interval: the model was not validated on cars of known parameters")
            if place is not None and "population_std" in fitted and parameter.name not in known:
                if refined and spread > UNDETERMINED * fitted["population_std"][place]:
                    doubts.append("the log hardly determines it")
                low, high = np.exp(fitted["population_low"][place]), np.exp(fitted["population_high"][place])
                if low < high and not low <= estimate <= high:
                    doubts.append(f"outside of the training cars ({low:.3g} to {high:.3g})")
            rows.append((run, parameter.name, parameter.unit, estimate, lower, upper, "; ".join(doubts)))
    columns = ["trajectory", "parameter", "unit", "estimate", "lower", "upper", "caveat"]
    return pd.DataFrame(rows, columns=columns)


def _curves(own: Trajectories, windows: Windows, rolled: Array, step: float) -> pd.DataFrame:
    window, point, channel = np.indices(rolled.shape)
    first = own.t[windows.run, 0] + step * windows.start
    return pd.DataFrame(
        {
            "trajectory": windows.run[window.ravel()],
            "t": first[window.ravel()] + step * point.ravel(),
            "channel": np.array(STATES)[channel.ravel()],
            "measured": windows.state.ravel(),
            "predicted": rolled.ravel(),
            "lower": np.nan,
            "upper": np.nan,
        }
    )


def _parameters(made: CarEstimates) -> pd.DataFrame:
    rows = [
        (run, name, float(values[run]))
        for run in range(len(made))
        for name, values in made.parameters.items()
        if values.ndim == 1
    ]
    return pd.DataFrame(rows, columns=["trajectory", "parameter", "value"])
