"""States and controls of the study from the channels of a log.

Needed are x, y, yaw, yaw_rate, and either speed and slip_angle, or vx and vy in the car's frame; the steering angle as
a channel or as an input. Inputs are a steering rate or angle, and an acceleration, a commanded speed or a throttle.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trainers.common.names import nearest
from trainers.study import Trajectories
from trainers.vehicle.dynamics.states import LONGITUDINAL, STATE_UNITS, STATES, STEERING

Array = np.ndarray

VELOCITY = {"vx": "m/s", "vy": "m/s"}
"""Channels that stand for speed and slip angle."""

UNITS = dict(zip(STATES, STATE_UNITS, strict=True)) | VELOCITY


class Log(NamedTuple):
    """States and controls of N runs."""

    t: Array
    """(N, T)"""
    states: Array
    """(N, T, 7)"""
    controls: Array
    """(N, T, 2), each held until the next point; NaN at the last point of a run where a log has none."""
    names: tuple[str, str]
    """What the controls are."""


def log_of(trajectories: Trajectories) -> Log:
    """Return the states and controls of trajectories.

    Raises:
        ValueError: one line: a channel or input is missing, or has another unit than expected.
    """
    names = _controls(trajectories)
    _units(trajectories.names, trajectories.units, UNITS)
    _units(trajectories.input_names, trajectories.input_units, STEERING | LONGITUDINAL)
    channels = {name: trajectories.y[..., k] for k, name in enumerate(trajectories.names)}
    assert trajectories.inputs is not None
    inputs = {name: trajectories.inputs[..., k] for k, name in enumerate(trajectories.input_names)}
    if "vx" in channels and "vy" in channels:
        channels["speed"] = np.hypot(channels["vx"], channels["vy"])
        channels["slip_angle"] = np.arctan2(channels["vy"], channels["vx"])
    if "steering_angle" not in channels and names[0] == "steering_angle_command":
        channels["steering_angle"] = _on_arrival(inputs["steering_angle_command"])
    if missing := [name for name in STATES if name not in channels]:
        given = ", ".join((*trajectories.names, *trajectories.input_names))
        raise ValueError(
            f"the data lack {', '.join(missing)}; they have {given}; expected {', '.join(STATES)}, or vx and vy in the "
            "place of speed and slip_angle"
        )
    return Log(
        np.asarray(trajectories.t, float),
        np.stack([np.asarray(channels[name], float) for name in STATES], axis=-1),
        np.stack([np.asarray(inputs[name], float) for name in names], axis=-1),
        names,
    )


def _controls(trajectories: Trajectories) -> tuple[str, str]:
    """Return which input steers and which drives."""
    chosen = []
    for what, kinds in (("steering", STEERING), ("longitudinal", LONGITUDINAL)):
        given = [name for name in trajectories.input_names if name in kinds]
        if len(given) != 1 or trajectories.inputs is None:
            inputs = ", ".join(trajectories.input_names) or "none"
            raise ValueError(
                f"the {what} input is missing or double: inputs are {inputs}; expected one of {', '.join(kinds)}"
            )
        chosen.append(given[0])
    return chosen[0], chosen[1]


def _units(names: tuple[str, ...], units: tuple[str, ...], expected: dict[str, str]) -> None:
    for name, unit in zip(names, units, strict=True):
        if name not in expected:
            raise ValueError(f"channel {name!r} is unknown; nearest: {', '.join(nearest(name, expected))}")
        if unit != expected[name]:
            raise ValueError(f"{name} is given in {unit!r}; expected {expected[name]!r}: convert it")


def _on_arrival(commands: Array) -> Array:
    """Return the angle (N, T) that wheels have on arrival at each point: the command of the point before."""
    return np.concatenate([commands[:, :1], commands[:, :-1]], axis=1)
