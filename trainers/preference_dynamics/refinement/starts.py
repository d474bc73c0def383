"""Starts of a refinement: the first estimate with draws from its uncertainty, or draws from the prior alone."""

from __future__ import annotations

import numpy as np

from trainers.preference_dynamics.refinement.bounds import Box
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
