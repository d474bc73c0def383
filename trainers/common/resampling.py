"""Measured trajectories at other times: states are interpolated, inputs are held, and nothing is extrapolated.

States are linear between two samples, angles along the shorter arc; a control input keeps its value until the next
sample (zero-order hold), as a digital controller applies it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from trainers.common.names import check_name
from trainers.study import Trajectories

ROUNDING = 1e-9
"""Largest distance of a time from the range of the samples that counts as rounding [largest time]."""


def resample(trajectories: Trajectories, step: float, angles: Sequence[str] = ()) -> Trajectories:
    """Return trajectories every `step` from their own first times, as far as their samples reach; NaN pads as before.

    angles: the channels in radians that are interpolated along the shorter arc and lie in [-pi, pi) afterwards. Steps
    longer than the samples' skip samples: nothing is averaged or filtered.

    Raises:
        ValueError: the step is not positive, a trajectory is shorter than one step, or `angles` names no channel.
    """
    if not step > 0:
        raise ValueError(f"the time step is {step}; expected a positive number [{trajectories.time_unit}]")
    circular = np.isin(trajectories.names, [check_name("channel", name, trajectories.names) for name in angles])
    t, y, inputs = [], [], []
    for number, own in enumerate(trajectories.t):
        own = own[np.isfinite(own)]
        # rounding may put the last sample slightly before the last step: it counts all the same
        count = int(np.floor((own[-1] - own[0]) / step * (1 + ROUNDING))) + 1 if len(own) else 0
        if count < 2:
            length = own[-1] - own[0] if len(own) else 0.0
            raise ValueError(
                f"trajectory {number} lasts {length:g} {trajectories.time_unit}; expected at least one step of {step:g}"
            )
        times = own[0] + step * np.arange(count)
        t.append(times)
        y.append(states_at(times, own, trajectories.y[number, : len(own)], circular))
        if trajectories.inputs is not None:
            inputs.append(inputs_at(times, own, trajectories.inputs[number, : len(own)]))
    return replace(trajectories, t=_padded(t), y=_padded(y), inputs=_padded(inputs) if inputs else None)


def states_at(times: np.ndarray, t: np.ndarray, y: np.ndarray, angles: np.ndarray | None = None) -> np.ndarray:
    """Interpolate states y (T, C) sampled at t (T,) linearly to `times` (K,): (K, C).

    angles: (C,) which channels are angles in radians.

    Raises:
        ValueError: a time lies before the first sample or after the last.
    """
    _check_inside(times, t)
    circular = np.zeros(y.shape[1], bool) if angles is None else angles
    unwrapped = np.where(circular, np.unwrap(y, axis=0), y)
    new = np.stack([np.interp(times, t, channel) for channel in unwrapped.T], axis=1)
    return np.where(circular, (new + np.pi) % (2 * np.pi) - np.pi, new)


def inputs_at(times: np.ndarray, t: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return the inputs u (T, U) sampled at t (T,) that hold at `times` (K,): (K, U).

    Raises:
        ValueError: a time lies before the first sample or after the last.
    """
    _check_inside(times, t)
    return u[np.clip(np.searchsorted(t, times + _slack(t), side="right") - 1, 0, len(t) - 1)]


def _check_inside(times: np.ndarray, t: np.ndarray) -> None:
    outside = times[(times < t[0] - _slack(t)) | (times > t[-1] + _slack(t))]
    if len(outside):
        raise ValueError(
            f"time {outside[0]:g} lies outside of the samples ({t[0]:g} to {t[-1]:g}); expected one within"
        )


def _slack(t: np.ndarray) -> float:
    return ROUNDING * float(np.abs(t).max() + np.ptp(t))


def _padded(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Stack arrays (T_i, ...) as (N, T, ...), NaN at the end of the shorter ones."""
    padded = np.full((len(rows), max(map(len, rows)), *rows[0].shape[1:]), np.nan)
    for place, row in zip(padded, rows, strict=True):
        place[: len(row)] = row
    return padded
