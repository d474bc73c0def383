"""Cut runs into windows, never across runs, at every k-th point where a coarser step is asked for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trainers.vehicle.windows.channels import Log

Array = np.ndarray

UNEVEN = 1e-3
"""Largest deviation of a time from an even grid, in parts of its step [1]."""


class Windows(NamedTuple):
    """W windows of L points."""

    state: Array
    """(W, L, 7)"""
    control: Array
    """(W, L - 1, 2), each held until the next point."""
    run: Array
    """(W,) index of the run that each is from."""
    start: Array
    """(W,) its first point in the run, in points of the windows' step."""

    def of(self, members: Array) -> Windows:
        """Return some of the windows."""
        return Windows(*(values[members] for values in self))


def cut(log: Log, window: int, stride: int, time_step: int, runs: Array | None = None) -> Windows:
    """Cut windows of `window` points, `time_step` hundredths of a second apart, every `stride` points (0: end to end).

    A control must hold over the whole step, so that at every k-th point a rate is the mean over k points, and a
    command the first of them. Windows with NaN, the padding of a shorter run, are left out.

    Raises:
        ValueError: times are not even, or the step is no multiple of theirs.
    """
    every = _every(log, time_step)
    chosen = np.arange(len(log.t)) if runs is None else np.asarray(runs)
    states, controls = log.states[chosen, ::every], _held(log, chosen, every)
    points = states.shape[1]
    starts = np.arange(0, points - window + 1, stride or window)
    index = starts[:, None] + np.arange(window)
    state, control = states[:, index], controls[:, index[:, :-1]]
    whole = np.isfinite(state).all(axis=(2, 3)) & np.isfinite(control).all(axis=(2, 3))
    run, which = np.nonzero(whole)
    return Windows(state[whole], control[whole], chosen[run], starts[which])


def evenly_divided(log: Log, time_step: int) -> bool:
    """Return whether the data have an even step of which `time_step` hundredths of a second are a multiple."""
    try:
        return _every(log, time_step) > 0
    except ValueError:
        return False


def _every(log: Log, time_step: int) -> int:
    """Return how many steps of the data one of the windows has."""
    steps = np.diff(log.t, axis=1)
    steps = steps[np.isfinite(steps)]
    if not steps.size:
        return 1
    step = float(np.median(steps))
    if np.abs(steps - step).max() > UNEVEN * step:
        raise ValueError(
            f"times are {steps.min():.4g} to {steps.max():.4g} s apart; expected an even step: resample the data"
        )
    every = round(time_step / 100 / step)
    if every < 1 or abs(every * step - time_step / 100) > UNEVEN * step:
        raise ValueError(
            f"time_step is {time_step} (hundredths of a second), the data are {step:.4g} s apart; expected a multiple"
        )
    return every


def _held(log: Log, runs: Array, every: int) -> Array:
    """Return controls (N, T', 2) that are held over a step of the windows."""
    controls = log.controls[runs]
    if every == 1:
        return controls
    whole = controls.shape[1] // every * every
    blocks = controls[:, :whole].reshape(len(runs), -1, every, 2)
    mean = np.stack(
        [
            blocks[..., k].mean(axis=2) if name in ("steering_rate", "acceleration", "throttle") else blocks[..., 0, k]
            for k, name in enumerate(log.names)
        ],
        axis=-1,
    )
    rest = controls[:, whole::every][:, :1]
    return np.concatenate([mean, rest], axis=1)
