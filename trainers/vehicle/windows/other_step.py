"""Logs whose step does not divide that of the windows: states interpolated, rates averaged over the new step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trainers.common.resampling import resample
from trainers.study import Trajectories

Array = np.ndarray

HELD_COMMANDS = ("steering_angle_command", "speed_command")
"""Inputs that are held and not integrated."""


def at_step(log: Trajectories, step: float) -> Trajectories:
    """Return a log every `step` [s]; a rate or a throttle is its mean over the step, so that its integral stays.

    Raises:
        ValueError: a trajectory is shorter than one step.
    """
    made = resample(log, step, ("yaw",))
    if log.inputs is None or made.inputs is None:
        return made
    inputs = made.inputs.copy()
    for run, times in enumerate(made.t):
        own = log.t[run][np.isfinite(log.t[run])]
        new = times[np.isfinite(times)]
        for k, name in enumerate(log.input_names):
            if name in HELD_COMMANDS:
                continue
            held = log.inputs[run, : len(own), k]
            total = np.concatenate([[0.0], np.cumsum(held[:-1] * np.diff(own))])
            ends = np.append(new, min(new[-1] + step, own[-1]))
            length = np.maximum(np.diff(ends), 1e-12)
            inputs[run, : len(new), k] = np.diff(np.interp(ends, own, total)) / length
            if ends[-1] <= new[-1]:
                inputs[run, len(new) - 1, k] = held[-1]
    return replace(made, inputs=inputs)
