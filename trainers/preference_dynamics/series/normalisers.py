"""Normalisers by name: the shift and the scale of each channel of a series, `x = (y - shift) / scale`.

Each maps series y (N, L, 2n) to shift and scale (N, 2n). The points are those before the horizon. Shift and scale
accompany the series, so that raw units come back exactly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trainers.preference_dynamics.system.equations import Array

SMALLEST = 1e-8
"""Added to every scale: a series may be constant."""

AT_REST = 2 * SMALLEST
"""A channel with a scale below this does not move."""

Normaliser = Callable[[Array], tuple[Array, Array]]


def none(y: Array) -> tuple[Array, Array]:
    """Leave a series as it is."""
    return np.zeros_like(y[:, 0]), np.ones_like(y[:, 0])


def sample(y: Array) -> tuple[Array, Array]:
    """Take the mean and the std of all channels and times together."""
    shape = (1, y.shape[2])
    return np.tile(y.mean(axis=(1, 2))[:, None], shape), np.tile(y.std(axis=(1, 2))[:, None] + SMALLEST, shape)


def group(y: Array) -> tuple[Array, Array]:
    """Take the mean and the std of desires and of efforts separately."""
    blocks = np.split(y, 2, axis=2)
    return _spread([block.mean(axis=(1, 2)) for block in blocks], y), group_std(y)[1]


def group_std(y: Array) -> tuple[Array, Array]:
    """Take the std of desires and of efforts separately, and no shift."""
    blocks = np.split(y, 2, axis=2)
    return np.zeros_like(y[:, 0]), _spread([block.std(axis=(1, 2)) + SMALLEST for block in blocks], y)


def _spread(values: list[Array], y: Array) -> Array:
    """Give every channel the value (N,) of its block."""
    return np.repeat(np.stack(values, axis=1), y.shape[2] // 2, axis=1)


NORMALISERS: dict[str, Normaliser] = {"none": none, "sample": sample, "group": group, "group_std": group_std}
"""Normalisers by name; the published one is group_std."""
