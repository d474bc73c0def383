"""Normalisers by name: the shift and the scale of each channel of a series, `x = (y - shift) / scale`.

Each maps series y (N, L, 2n) to shift and scale (N, 2n). The points are those before the horizon. `Inputs` holds shift
and scale, so that predictions can be turned back into raw units.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trainers.preference_dynamics.system.equations import Array

SMALLEST = 1e-8
"""Added to every scale, as a series may be constant."""

AT_REST = 2 * SMALLEST
"""A channel whose scale is below this is constant."""

Normaliser = Callable[[Array], tuple[Array, Array]]


def none(y: Array) -> tuple[Array, Array]:
    """Return shift 0 and scale 1."""
    return np.zeros_like(y[:, 0]), np.ones_like(y[:, 0])


def sample(y: Array) -> tuple[Array, Array]:
    """Return the mean and the std over all channels and times."""
    shape = (1, y.shape[2])
    return np.tile(y.mean(axis=(1, 2))[:, None], shape), np.tile(y.std(axis=(1, 2))[:, None] + SMALLEST, shape)


def group(y: Array) -> tuple[Array, Array]:
    """Return the mean and the std of desires and of efforts separately."""
    blocks = np.split(y, 2, axis=2)
    return _spread([block.mean(axis=(1, 2)) for block in blocks], y), group_std(y)[1]


def group_std(y: Array) -> tuple[Array, Array]:
    """Return shift 0 and the std of desires and of efforts separately."""
    blocks = np.split(y, 2, axis=2)
    return np.zeros_like(y[:, 0]), _spread([block.std(axis=(1, 2)) + SMALLEST for block in blocks], y)


def _spread(values: list[Array], y: Array) -> Array:
    """Return the value (N,) of each block for every channel of it, (N, 2n)."""
    return np.repeat(np.stack(values, axis=1), y.shape[2] // 2, axis=1)


NORMALISERS: dict[str, Normaliser] = {"none": none, "sample": sample, "group": group, "group_std": group_std}
"""Normalisers by name; the published one is group_std."""
