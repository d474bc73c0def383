"""Evaluate a model of any state: roll it out from the first state of each test trajectory, under its inputs.

Errors are in standard deviations of the training data, `e = (q - s) / scale`, q the rolled-out state and s the true one
at the same time:

    normalised_rmse          sqrt(mean e^2) over times and channels, of each trajectory; mean over them (the headline)
    valid_prediction_time    time until sqrt(mean over channels e^2) first exceeds 0.4; the length where it never does
    valid_lyapunov_times     the same in Lyapunov times, where the largest exponent is known
    valid_to_the_end         share of trajectories whose error never exceeds 0.4
    step_error               sqrt(mean e^2) one sample ahead, from each true state
    derivative_error_field   100 |f - g| / rms |g| at the true states, in scaled channels, where the law g is known
    extrapolation_rmse       normalised_rmse over the times after the first `observation.points`
    coverage_90              share of true states after them within the samples' 90 % interval; interval_width: its mean
    baseline                 normalised_rmse of a constant: the mean of the training data
    baseline_persistence     normalised_rmse of the first state of each trajectory, kept

With an `observation`, a rollout starts from the state that fits the observations of the first times best. Of orbits,
the errors of position, velocity, phase and energy are added, as the study defines them. A channel that a model does not
predict enters no error.

A rollout fails where it is not finite or leaves the region of the data (`statistics.failed_steps`), with distances
sqrt(mean over channels ((s - mean) / scale)^2). It counts in `rollout_failures`, and in the times and shares above,
which are bounded; it enters no average of errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from trainers.common.statistics import failed_steps
from trainers.common.summary import Row, summary
from trainers.study import Evaluation, Trained, Trajectories
from trainers.two_body.apply import apply
from trainers.two_body.config import ModelConfig
from trainers.two_body.general.apply import StatePredictor
from trainers.two_body.general.equations import Equations
from trainers.two_body.general.orbit_metrics import ORBIT_UNITS, has_orbits, orbit_columns
from trainers.two_body.general.prediction import (
    INTERVAL_UNITS,
    check_channels,
    interval_columns,
    interval_of,
    predict,
)
from trainers.two_body.problems import PROBLEMS, equation_of_motion

VALID = 0.4
"""Error at which predictions are no longer valid [standard deviations]; as in Vlachas et al. 2020, Neural Netw. 126."""

PANEL = 4
"""Trajectories whose states are stored in full."""

Law = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(states (..., C), inputs (..., U)) -> dy/dt (..., C)."""


def evaluate_states(config: ModelConfig, trained: Trained, test: Trajectories) -> Evaluation:
    """Evaluate a model of any state on one test set.

    Tables: `per_trajectory` (means by the names that every study has), `states_in_time` (true and predicted states of
    up to four trajectories) and `error_growth` (the error of every trajectory and time).

    Raises:
        ValueError: the test set has other channels, inputs or unit of time than the training data.
    """
    predictor = apply(config, trained)
    check_channels(predictor, test)
    scale = trained.fitted["scale"]
    with np.errstate(all="ignore"):  # a diverging rollout overflows on its way to NaN
        samples = predict(config, predictor, test)
        rollout = samples.mean(axis=0)
        errors = np.sqrt(_mean_square((rollout - test.y) / scale))
        failed = _failed(rollout, test, trained)
        table = _per_trajectory(predictor, errors, failed, test, scale)
        later = np.arange(test.t.shape[1]) >= config.observation.points
        there = later & np.isfinite(errors) & np.isfinite(test.t) & ~failed[:, None]
        table["extrapolation_rmse"] = _root_mean(errors**2, there)
        if len(samples) > 1:
            table = table.assign(**interval_columns(samples, test, scale, later))
        if has_orbits(test):
            table = table.assign(**orbit_columns(np.where(failed[:, None, None], np.nan, rollout), test))
    tables = {
        "per_trajectory": table,
        "states_in_time": _states(samples, test),
        "error_growth": _growth(errors, test),
    }
    rows = list(_summary(table, trained, test))
    units = {
        **INTERVAL_UNITS,
        **ORBIT_UNITS,
        "valid_prediction_time": test.time_unit,
        "valid_lyapunov_times": "Lyapunov times",
        "valid_to_the_end": "%",
        "derivative_error_field": "%",
        "rollout_failures": "trajectories",
    }
    return Evaluation(summary(rows, units, default_unit="1"), tables)


def valid_time(errors: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return the time (N,) from the start until errors (N, T) first exceed 0.4 or are not finite.

    It is the last time before; the whole length of a trajectory where that never happens.
    """
    present = np.isfinite(t)
    beyond = present & ~(errors <= VALID)
    last = present.sum(axis=1) - 1
    step = np.where(beyond.any(axis=1), np.maximum(beyond.argmax(axis=1) - 1, 0), last)
    rows = np.arange(len(t))
    return t[rows, step] - t[:, 0]


def _per_trajectory(
    predictor: Any, errors: np.ndarray, failed: np.ndarray, test: Trajectories, scale: np.ndarray
) -> pd.DataFrame:
    """Return one row per trajectory; the points of a rollout after its first one are predictions and count."""
    present = np.isfinite(test.t)
    present[:, 0] = False
    predicted = present & np.isfinite(errors) & ~failed[:, None]
    beyond = (present & ~(errors <= VALID)).any(axis=1)
    valid = valid_time(errors, test.t)
    columns = {
        "trajectory": np.arange(len(test.t)),
        "n": present.sum(axis=1),
        "normalised_rmse": _root_mean(errors**2, predicted),
        "valid_prediction_time": valid,
        "valid_to_the_end": np.where(beyond, 0.0, 100.0),
        "failed": failed,
    }
    exponent = float(test.meta.get("lyapunov_exponent", 0.0))
    if exponent > 0:
        columns["valid_lyapunov_times"] = valid * exponent
    if isinstance(predictor, StatePredictor):
        columns["step_error"] = _step_errors(predictor, test, scale)
        law = law_of(test)
        if law is not None:
            columns["derivative_error_field"] = _derivative_errors(predictor, law, test, scale)
    else:
        columns["step_error"] = np.full(len(test.t), np.nan)
    return pd.DataFrame(columns)


def _mean_square(off: np.ndarray) -> np.ndarray:
    """Return the mean square over the channels that are predicted; NaN where one of them is not finite."""
    predicted = ~np.isnan(off).all(axis=(0, 1))
    return (off[..., predicted] ** 2).mean(axis=2)


def _failed(rollout: np.ndarray, test: Trajectories, trained: Trained) -> np.ndarray:
    """Return whether each rollout fails (N,); channels that are not predicted do not count."""
    predicted = ~np.isnan(rollout).all(axis=(0, 1))

    def distance(states: np.ndarray) -> np.ndarray:
        off = (states - trained.fitted["mean"]) / trained.fitted["scale"]
        return np.sqrt((off[..., predicted] ** 2).mean(axis=2))

    farthest = float(np.nanmax(distance(test.y)))
    return failed_steps(rollout[..., predicted], distance(rollout), farthest, np.isfinite(test.t)) >= 0


def law_of(test: Trajectories) -> Law | None:
    """Return the true right-hand side of a test set, from what its `meta` says; None for measured data."""
    if "equations" in test.meta:
        system = Equations.model_validate_json(str(test.meta["equations"]))
        return lambda y, u: np.moveaxis(system.derivative(np.moveaxis(y, -1, 0), np.moveaxis(u, -1, 0), np), 0, -1)
    problem = str(test.meta.get("problem", ""))
    if problem in PROBLEMS and len(test.names) == 6:
        field = equation_of_motion(problem)
        return lambda y, u: np.moveaxis(field(np.moveaxis(y, -1, 0)), 0, -1)
    return None


def _inputs(test: Trajectories) -> np.ndarray:
    return np.zeros((*test.t.shape, 0)) if test.inputs is None else test.inputs


def _step_errors(predictor: StatePredictor, test: Trajectories, scale: np.ndarray) -> np.ndarray:
    """Return the root mean square error (N,) one sample ahead, from every true state."""
    count, times = test.t.shape
    pairs = np.stack([test.t[:, :-1], test.t[:, 1:]], axis=-1).reshape(-1, 2)
    held = np.stack([_inputs(test)[:, :-1]] * 2, axis=2).reshape(len(pairs), 2, -1)
    ahead = predictor.rollout(test.y[:, :-1].reshape(len(pairs), -1), pairs, held)[:, 1]
    square = (((ahead.reshape(count, times - 1, -1) - test.y[:, 1:]) / scale) ** 2).mean(axis=2)
    return _root_mean(square, np.isfinite(square))


def _derivative_errors(predictor: StatePredictor, law: Law, test: Trajectories, scale: np.ndarray) -> np.ndarray:
    """Return the error (N,) of the derivative at the true states, relative to its root mean square [%]."""
    truth = law(test.y, _inputs(test)) / scale
    off = predictor.derivative(test.y, test.inputs) / scale - truth
    finite = np.isfinite(off).all(axis=2)
    return 100 * _root_mean((off**2).sum(axis=2), finite) / _root_mean((truth**2).sum(axis=2), finite)


def _root_mean(squares: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Return the root of the mean over the members of each row; NaN for none."""
    count = members.sum(axis=1)
    return np.sqrt(np.where(members, squares, 0.0).sum(axis=1) / np.where(count > 0, count, np.nan))


def _summary(table: pd.DataFrame, trained: Trained, test: Trajectories) -> Iterator[Row]:
    """Yield the rows of the summary. The headline is weighted by points, as intervals weigh trajectories."""
    known = table[table["n"] > 0]
    for name in map(str, table):
        if name not in ("trajectory", "n", "failed"):
            values = known[name].to_numpy(float)
            weights = known["n"].to_numpy(float) * np.isfinite(values)
            value = float(np.average(np.nan_to_num(values), weights=weights)) if weights.sum() else np.nan
            yield Row(name, value, int(np.isfinite(values).sum()))
    present = np.isfinite(test.t)
    present[:, 0] = False
    for name, guess in (("baseline", trained.fitted["mean"]), ("baseline_persistence", test.y[:, :1])):
        squares = (((test.y - guess) / trained.fitted["scale"]) ** 2).mean(axis=2)
        per_trajectory = _root_mean(squares, present & np.isfinite(squares))
        counts = present.sum(axis=1).astype(float)
        yield Row(name, float(np.average(np.nan_to_num(per_trajectory), weights=counts)), len(test.t))
    yield Row("rollout_failures", float(table["failed"].sum()), len(table))


def _states(samples: np.ndarray, test: Trajectories) -> pd.DataFrame:
    """Return true and predicted states of the first trajectories, one row per trajectory, channel and time.

    With several samples, `lower` and `upper` are the ends of their 90 % interval; else NaN.
    """
    tables, rollout = [], samples.mean(axis=0)
    ends = interval_of(samples) if len(samples) > 1 else np.full((2, *rollout.shape), np.nan)
    for number in range(min(PANEL, len(test.t))):
        present = np.isfinite(test.t[number])
        for channel, name in enumerate(test.names):
            tables.append(
                pd.DataFrame(
                    {
                        "trajectory": number,
                        "channel": name,
                        "unit": test.units[channel],
                        "t": test.t[number, present],
                        "true": test.y[number, present, channel],
                        "predicted": rollout[number, present, channel],
                        "lower": ends[0, number, present, channel],
                        "upper": ends[1, number, present, channel],
                    }
                )
            )
    return pd.concat(tables, ignore_index=True)


def _growth(errors: np.ndarray, test: Trajectories) -> pd.DataFrame:
    """Return the error of every trajectory and time, in single precision, without padding."""
    trajectory, step = np.indices(errors.shape, dtype=np.int32)
    columns = {"trajectory": trajectory, "step": step, "t": test.t - test.t[:, :1], "error": errors}
    table = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
    return table[np.isfinite(test.t).ravel()].astype({"error": np.float32}).reset_index(drop=True)
