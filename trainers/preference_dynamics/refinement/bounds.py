"""Bounds of the unknowns of a series: the prior's range, narrowed by what follows from the series without a fit.

A desire or effort above its threshold at the first point is its own initial value; otherwise it started at or below the
threshold. The smallest desire is an upper bound of its threshold mu. If a desire stays at its smallest value while
another channel changes, this value is mu; noise hides such stretches.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trainers.preference_dynamics.system.equations import Array

FIRST_POINT = 5.0
"""Largest distance of an initial value from the first point [std of the noise]."""

MOVING = 1e-6
"""A channel moves between two points if it changes by more than this [1]."""

SLACK = 1e-9
"""Allowance for rounding in every bound [1]."""


class Box(NamedTuple):
    """The prior of the unknowns, (Q,) each."""

    low: Array
    high: Array
    std: Array
    """Std over the training set; an unknown whose std is 0 stays fixed."""


def bounds(series: Array, box: Box, error: Array | float = 0.0) -> tuple[Array, Array]:
    """Return the lowest and highest value (N, Q) of the unknowns of each series (N, L, 2n).

    error (N, 2n): the std of the observation error, where it is known to be larger than the noise that a series shows.
    """
    low, high = (np.tile(edge, (len(series), 1)) for edge in (box.low, box.high))
    channels, first, lowest = series.shape[2], series[:, 0], series.min(axis=1)
    margin = FIRST_POINT * np.maximum(noise_std(series), error) + SLACK
    _bound_thresholds(series, lowest, margin, box, low, high)
    initial_low, initial_high = low[:, -channels:], high[:, -channels:]
    above = first > lowest + 2 * margin
    high[:, -channels:] = np.clip(first + margin, initial_low, initial_high)
    low[:, -channels:] = np.where(above, np.clip(first - margin, initial_low, initial_high), initial_low)
    return low, high


def _bound_thresholds(series: Array, lowest: Array, margin: Array, box: Box, low: Array, high: Array) -> None:
    """Bound mu, in place, by the lowest value (N, 2n) that each channel takes."""
    n = series.shape[2] // 2
    change, free = np.abs(np.diff(series, axis=1)), box.std[n : 2 * n] > 0
    moving = (change > MOVING).any(axis=2, keepdims=True)
    resting = (change <= SLACK) & (series[:, 1:] <= lowest[:, None] + SLACK)
    at_threshold = np.any(moving & resting[..., :n], axis=1)
    smallest, width = lowest[:, :n], np.where(at_threshold, SLACK, margin[:, :n])
    prior_low, prior_high = low[:, n : 2 * n].copy(), high[:, n : 2 * n].copy()
    low[:, n : 2 * n] = np.where(free & at_threshold, np.clip(smallest - width, prior_low, prior_high), prior_low)
    high[:, n : 2 * n] = np.where(free, np.clip(smallest + width, prior_low, prior_high), prior_high)


def noise_std(series: Array) -> Array:
    """Estimate the std of the noise of each channel (N, 2n) from second differences in the second half.

    Second differences of white noise of std s have std sqrt(6) s, and their median size is 0.6745 times that. The
    motion itself adds to them, so that the estimate is an upper one.
    """
    half = series[:, series.shape[1] // 2 :]
    return np.median(np.abs(np.diff(half, n=2, axis=1)), axis=1) / (0.6745 * 6**0.5)


def block_weights(series: Array) -> Array:
    """Return the inverse std of the block of each channel (N, 2n), desires or efforts; finite for a constant block."""
    blocks = np.split(series, 2, axis=2)
    spread = np.stack([block.std(axis=(1, 2)) for block in blocks], axis=1)
    size = np.stack([np.abs(block).mean(axis=(1, 2)) for block in blocks], axis=1)
    return np.repeat(1 / (spread + 1e-3 * (1 + size)), series.shape[2] // 2, axis=1)


def relative_noise(series: Array) -> Array:
    """Estimate the noise of each series (N,) in parts of the std of its blocks, root mean square over channels."""
    return np.sqrt(((noise_std(series) * block_weights(series)) ** 2).mean(axis=1))
