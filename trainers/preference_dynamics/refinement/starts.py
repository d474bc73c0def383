"""Starts of a refinement: the first estimate with draws from its uncertainty, or draws from the prior alone."""

from __future__ import annotations

import numpy as np

from trainers.preference_dynamics.refinement.bounds import FIRST_POINT, SLACK, Box, noise_std
from trainers.preference_dynamics.system.equations import Array


def starts_near(estimate: Array, spread: Array, box: Box, count: int, seed: int) -> Array:
    """Return starts (N, count, Q): the estimate (N, Q) itself, then normal draws about it."""
    random = np.random.default_rng([seed, 2])
    draws = estimate + spread * random.standard_normal((count, *estimate.shape))
    draws[0] = estimate
    return np.moveaxis(np.clip(draws, box.low, box.high), 0, 1)


def starts_in_prior(series: Array, box: Box, count: int, seed: int) -> Array:
    """Return starts (N, count, Q) uniform in the box, with initial values from the first points of series (N, L, 2n).

    v0 is u(0) and m0 is a(0) where these are above 0; elsewhere they are drawn below 0.
    """
    random = np.random.default_rng([seed, 2])
    size, channels = len(box.low), series.shape[2]
    draws = random.uniform(box.low, box.high, (count, len(series), size))
    first, below = series[:, 0], -np.abs(draws[..., size - channels :])
    draws[..., size - channels :] = np.where(first > 0, first, below)
    return np.moveaxis(np.clip(draws, box.low, box.high), 0, 1)


def with_hidden_desires(starts: Array, series: Array, box: Box) -> Array:
    """Return starts (N, S, Q) of which every second begins below the threshold, where series (N, L, 2n) may do so.

    A desire that is lowest at its first point began there, or below a threshold mu that this point shows. No descent
    leads from one to the other. So in every second start mu is the first point, and v0 is mirrored to below it.
    """
    n = series.shape[2] // 2
    first, lowest = series[:, 0, :n], series[..., :n].min(axis=1)
    hidden = (first <= lowest + FIRST_POINT * noise_std(series)[:, :n] + SLACK) & (box.std[n : 2 * n] > 0)
    starts, mu, v0 = starts.copy(), slice(n, 2 * n), slice(-2 * n, -n)
    second = starts[:, 1::2]
    second[..., v0] = np.where(
        hidden[:, None], first[:, None] - np.abs(second[..., v0] - first[:, None]), second[..., v0]
    )
    second[..., mu] = np.where(hidden[:, None], first[:, None], second[..., mu])
    return np.clip(starts, box.low, box.high)
