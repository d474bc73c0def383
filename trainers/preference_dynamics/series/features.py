"""Features of a series by name, in raw units.

Each maps series y (N, L, 2n) and times t (L,) to (N, F); a feature that is undefined for a series is NaN here and 0 in
the input of a model. The points are those before the horizon.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trainers.preference_dynamics.series.normalisers import group_std
from trainers.preference_dynamics.system.equations import Array

Feature = Callable[[Array, Array], Array]

WINDOWS = 4
"""Windows of the second half of a series, in which a steady state shows."""
FLAT = (0.02, 1e-3)
"""A window is flat if the std of every channel is at most this: absolute, and relative to its mean [1]."""
SAME = (0.01, 0.02)
"""Windows agree if their means differ by at most this: absolute, and relative to the last mean [1]."""

PROMINENCE = 1.0
"""Least prominence of a peak [1]."""


def steady_state(y: Array, t: Array) -> Array:
    """Return whether a series ends in a steady state (0 or 1), and the mean of each channel there, (N, 1 + 2n).

    The second half is cut into 4 adjoining windows, counted from the end. The flat windows after the last one that is
    not flat count; the series is steady if there are any and all their means agree with that of the last window. Means
    of a series that is not steady are NaN.
    """
    width = (y.shape[1] // 2) // WINDOWS
    ends = y.shape[1] - width * np.arange(WINDOWS)
    windows = np.stack([y[:, end - width : end] for end in ends])
    mean, spread = windows.mean(axis=2), windows.std(axis=2)
    flat = (spread <= FLAT[0] + FLAT[1] * np.abs(mean)).all(axis=2)
    final_flat = np.logical_and.accumulate(flat, axis=0)
    agree = (np.abs(mean - mean[0]) <= SAME[0] + SAME[1] * np.abs(mean[0])).all(axis=2)
    steady = final_flat[0] & (agree | ~final_flat).all(axis=0)
    return np.column_stack([steady, np.where(steady[:, None], mean[0], np.nan)])


def initial_values(y: Array, t: Array) -> Array:
    """Return the first value of each channel, (N, 2n)."""
    return y[:, 0]


def log_scale(y: Array, t: Array) -> Array:
    """Return the log of the std of desires and of efforts, (N, 2): the scale that normalising removes."""
    return np.log(group_std(y)[1][:, [0, -1]])


def time_step(y: Array, t: Array) -> Array:
    """Return the time step between points, (N, 1)."""
    return np.full((len(y), 1), t[1] - t[0])


def summary(y: Array, t: Array) -> Array:
    """Return mean, std, minimum, maximum, time of the maximum and first time above the minimum, (N, 12n)."""
    low = y.min(axis=1)
    onset = (y > low[:, None] + 1e-9).argmax(axis=1)
    parts = (y.mean(axis=1), y.std(axis=1), low, y.max(axis=1), t[y.argmax(axis=1)], t[onset])
    return np.concatenate(parts, axis=1)


def peaks(y: Array, t: Array) -> Array:
    """Return per channel the number of peaks, mean and std of their gaps in time and of their heights, (N, 10n)."""
    return _per_channel(y, t, _peaks, 5)


def cycles(y: Array, t: Array) -> Array:
    """Return per channel whether the second half is a limit cycle (0 or 1), its period and its height, (N, 6n).

    A peak that follows another by less than 0.6 times the third quartile of all gaps is a ripple and does not count. It
    is a cycle if at least 3 peaks remain, every height differs from the mean height h by at most 0.5 + 0.2 |h|, and
    heights of neighbours differ by at most 0.5 + 0.02 |h|.
    """
    half = y.shape[1] // 2
    return _per_channel(y[:, half:], t[half:], _cycle, 3)


def _per_channel(y: Array, t: Array, measure: Callable[[Array, Array], list[float]], width: int) -> Array:
    values = [[value for channel in series.T for value in measure(channel, t)] for series in y]
    return np.array(values).reshape(len(y), width * y.shape[2])


def _peaks(x: Array, t: Array) -> list[float]:
    from scipy.signal import find_peaks

    places, _ = find_peaks(x, prominence=PROMINENCE)
    return [float(len(places)), *_mean_std(np.diff(t[places])), *_mean_std(x[places])]


def _cycle(x: Array, t: Array) -> list[float]:
    from scipy.signal import find_peaks

    places, _ = find_peaks(x, prominence=PROMINENCE)
    gaps = np.diff(t[places])
    if len(gaps):
        places = places[np.concatenate([[True], gaps >= 0.6 * np.quantile(gaps, 0.75)])]
    if len(places) < 3:
        return [0.0, np.nan, np.nan]
    heights, height = x[places], float(x[places].mean())
    equal = np.abs(heights - height).max() <= 0.5 + 0.2 * abs(height)
    steady = np.abs(np.diff(heights)).max() <= 0.5 + 0.02 * abs(height)
    return [1.0, float(np.diff(t[places]).mean()), height] if equal and steady else [0.0, np.nan, np.nan]


def _mean_std(values: Array) -> list[float]:
    return [float(values.mean()), float(values.std())] if len(values) else [np.nan, np.nan]


FEATURES: dict[str, Feature] = {
    "steady_state": steady_state,
    "initial_values": initial_values,
    "log_scale": log_scale,
    "time_step": time_step,
    "summary": summary,
    "peaks": peaks,
    "cycles": cycles,
}
"""Features by name; the published one is steady_state."""
