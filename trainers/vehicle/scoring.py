"""Split every run of a test set in half: the first half identifies the car, the second is rolled out and scored.

So no model is scored on what it was fitted to: least squares on a window would be, on that window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainers.common.statistics import failed_steps, without_failures
from trainers.study import Trained, Trajectories
from trainers.vehicle.apply import apply, true_dynamics
from trainers.vehicle.config import ESTIMATORS, ModelConfig
from trainers.vehicle.dynamics.states import CONTROLS
from trainers.vehicle.dynamics.without_tyres import constant_twist
from trainers.vehicle.estimates.estimate import Estimates
from trainers.vehicle.segment import cars_of, combinations_of
from trainers.vehicle.simulate import INITIAL, resimulate
from trainers.vehicle.windows.channels import log_of
from trainers.vehicle.windows.cut import Windows, cut

Array = np.ndarray

HORIZON = 2.0
"""Length of a scored rollout [s]."""


@dataclass(frozen=True)
class Scored:
    """Rollouts of W scored windows beside the truth, and what the model knew of their cars."""

    windows: Windows
    """As measured."""
    truth: Array
    """(W, L, 7) without noise where the data tell it, else as measured."""
    predicted: Array
    """(W, L, 7)"""
    twist: Array
    """(W, L, 7) of constant twist: the trivial predictor."""
    step: float
    """Time between two points [s]."""
    cars: Array
    """(W,) number of the car of each."""
    estimates: Estimates | None
    """Of the windows that identify; None where the model estimates none."""
    estimated_cars: Array
    """(G,) number of the car of each estimate."""
    logarithm: Array
    """(G, 6) of the estimated combinations."""
    half_width: Array
    """(G, 6) of 90 % intervals."""
    true_logarithm: Array
    """(G, 6); NaN where the data do not tell."""
    identifying: Windows
    """Windows that the estimates rest on."""

    @property
    def position_error(self) -> Array:
        """(W, L) distance between true and predicted position [m]; NaN where a rollout is not finite."""
        return distance(self.predicted, self.truth)


def distance(one: Array, other: Array) -> Array:
    """Return the distance (..., L) of positions of states (..., L, 7) [m]; NaN where one is not finite."""
    with np.errstate(all="ignore"):
        apart = np.hypot(one[..., 0] - other[..., 0], one[..., 1] - other[..., 1])
    return np.where(np.isfinite(apart) & np.isfinite(one).all(axis=-1), apart, np.nan)


def score(config: ModelConfig, trained: Trained, test: Trajectories) -> Scored:
    """Identify the cars of a test set and roll out the rest of its runs.

    Raises:
        ValueError: half of a run is shorter than a window, or than the horizon.
    """
    predictor = apply(config, trained)
    log, cars, step = log_of(test), cars_of(test), config.time_step / 100
    identifying = halves(config, cut(log, config.window, config.stride, config.time_step), test)
    leading, scored = _scored(config, test)
    if not len(identifying.run) or not len(scored.run):
        points = int(np.isfinite(test.t).sum(axis=1).max())
        raise ValueError(
            f"runs have up to {points} points; expected twice a window of {config.window} points, and twice {HORIZON} s"
        )
    truth = _truth(test, scored, step)
    estimates, estimated_cars = None, np.zeros(0)
    logarithm = half_width = true_logarithm = np.zeros((0, 6))
    parameters = None
    if config.kind in ESTIMATORS:
        estimates = predictor.estimates(identifying, cars[identifying.run])
        _, first = np.unique(estimates.group, return_index=True)
        estimated_cars = cars[identifying.run][first]
        logarithm, half_width = predictor.intervals(estimates)
        true = combinations_of(test)
        true_logarithm = np.log(true[identifying.run[first]]) if true is not None else np.full(logarithm.shape, np.nan)
        parameters = _for_windows(config, estimates, identifying, scored, cars)
    if config.kind == "true_parameters":
        parameters = _true_parameters(test, scored)
    predicted = predictor.rollout(predictor.first_states(leading, parameters), scored.control, parameters)
    predicted = _without_failures(predicted, truth)
    twist = constant_twist(scored.state[:, 0], scored.control.shape[1], step)
    return Scored(
        scored, truth, predicted, twist, step, cars[scored.run], estimates, estimated_cars, logarithm, half_width,
        true_logarithm, identifying,
    )  # fmt: skip


def _without_failures(predicted: Array, truth: Array) -> Array:
    """Return the rollouts (W, L, 7), NaN where one fails; distances are from its first position."""
    with np.errstate(all="ignore"):  # a diverging rollout overflows
        travelled, driven = (np.hypot(*np.moveaxis(y[..., :2] - truth[:, :1, :2], -1, 0)) for y in (predicted, truth))
    failed = failed_steps(predicted, travelled, float(np.nanmax(driven)), np.ones(travelled.shape, bool))
    return without_failures(predicted, failed)


def halves(config: ModelConfig, windows: Windows, test: Trajectories) -> Windows:
    """Return the windows that lie in the first half of their run."""
    return windows.of(np.flatnonzero(windows.start + config.window <= _half(config, test)[windows.run]))


def _half(config: ModelConfig, test: Trajectories) -> Array:
    """Return half of the points of each run, in points of the model's step."""
    finite = np.isfinite(test.t)
    step = float(np.nanmedian(np.diff(test.t, axis=1)))
    every = max(1, round(config.time_step / 100 / step))
    return (finite.sum(axis=1) // every) // 2


def _scored(config: ModelConfig, test: Trajectories) -> tuple[Windows, Windows]:
    """Return windows of the horizon, end to end from the middle of each run, and the points that lead up to each."""
    points, lead = round(HORIZON / (config.time_step / 100)) + 1, max(config.initial_points, 1) - 1
    half = _half(config, test)
    every = cut(log_of(test), lead + points, 1, config.time_step)
    offset = every.start + lead - half[every.run]
    chosen = every.of(np.flatnonzero((offset >= 0) & (offset % points == 0)))
    scored = Windows(chosen.state[:, lead:], chosen.control[:, lead:], chosen.run, chosen.start + lead)
    return Windows(chosen.state[:, : lead + 1], chosen.control[:, :lead], chosen.run, chosen.start), scored


def _truth(test: Trajectories, scored: Windows, step: float) -> Array:
    """Return the noise-free states of the scored windows; those measured where the data do not tell the first state."""
    if not all(name in test.parameters for name in INITIAL) or test.inputs is None:
        return scored.state
    assert test.input_names == CONTROLS
    start = np.stack([test.parameters[name] for name in INITIAL], axis=1)
    data_step = float(test.t[0, 1] - test.t[0, 0])
    clean = resimulate(
        str(test.meta["dynamics"]), str(test.meta["vehicle_class"]), dict(test.parameters), start,
        test.inputs[:, :-1], data_step,
    )  # fmt: skip
    every = round(step / data_step)
    index = (scored.start[:, None] + np.arange(scored.state.shape[1])) * every
    return clean[scored.run[:, None], index]


def _for_windows(
    config: ModelConfig, estimates: Estimates, identifying: Windows, scored: Windows, cars: Array
) -> dict[str, Array]:
    """Return the parameters (..., W) that each scored window is rolled out with.

    Those of its car; or where each window stands alone, those of one window of its run, taken in turn.
    """
    group = np.zeros(len(scored.run), int)
    order = np.zeros(len(scored.run), int)
    for run in np.unique(scored.run):
        order[scored.run == run] = np.arange((scored.run == run).sum())
    for k, run in enumerate(scored.run):
        same = identifying.run == run if config.estimate == "window" else cars[identifying.run] == cars[run]
        members = np.flatnonzero(same)
        if not len(members):
            raise ValueError(f"run {run} has no whole window in its first half; expected at least one")
        group[k] = estimates.group[members[order[k] % len(members)]]
    return {name: values[..., group] for name, values in estimates.parameters.items()}


def _true_parameters(test: Trajectories, scored: Windows) -> dict[str, Array]:
    """Return the parameters that made the data, (W,) each: what is left then is the noise of the first state."""
    names = true_dynamics(test).layout.names
    if missing := [name for name in names if name not in test.parameters]:
        raise ValueError(f"the test set lacks the true {', '.join(missing)}; expected a simulated set")
    return {name: np.asarray(test.parameters[name])[scored.run] for name in names}
