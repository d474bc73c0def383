"""Turn series into what a model is given: normalised points, their scale, and features; training and use alike."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from trainers.preference_dynamics.features import FEATURES
from trainers.preference_dynamics.normalisers import NORMALISERS
from trainers.preference_dynamics.system import Array


class Settings(Protocol):
    """What preparing needs of a configuration."""

    horizon: int
    normaliser: str
    features: tuple[str, ...]


class Prepared(NamedTuple):
    """N series of 2n channels: L points given, h to be forecast."""

    x: Array
    """(N, 2n, L) normalised points, channels first."""
    shift: Array
    """(N, 2n): `y = x scale + shift`."""
    scale: Array
    """(N, 2n)"""
    features: Array
    """(N, F) in raw units; 0 where a series does not have them."""
    forecast: Array
    """(N, 2n h) the points that follow, in raw units, channel by channel."""


def prepare(settings: Settings, y: Array, t: Array) -> Prepared:
    """Prepare series y (N, T, 2n) at times t (T,): the last `horizon` points are cut first, so that none leaks.

    Raises:
        ValueError: if fewer than 8 points remain.
    """
    kept = y.shape[1] - settings.horizon
    if kept < 8:
        raise ValueError(f"{y.shape[1]} points with horizon {settings.horizon}; expected at least 8 before the horizon")
    given = y[:, :kept]
    shift, scale = NORMALISERS[settings.normaliser](given)
    features = [np.nan_to_num(FEATURES[name](given, t[:kept])) for name in settings.features]
    return Prepared(
        x=np.ascontiguousarray(np.moveaxis((given - shift[:, None]) / scale[:, None], 1, 2)),
        shift=shift,
        scale=scale,
        features=np.concatenate([np.zeros((len(y), 0)), *features], axis=1),
        forecast=np.moveaxis(y[:, kept:], 1, 2).reshape(len(y), y.shape[2] * settings.horizon),
    )
