"""The inputs of a model, in training and after: normalised points of a series, their scale, and features."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from trainers.preference_dynamics.series.features import FEATURES
from trainers.preference_dynamics.series.normalisers import NORMALISERS
from trainers.preference_dynamics.system.equations import Array

FEWEST_POINTS = 8
"""Fewest points of a series before the horizon."""


class Settings(Protocol):
    """The part of a configuration that inputs depend on."""

    horizon: int
    normaliser: str
    features: tuple[str, ...]


class Inputs(NamedTuple):
    """N series of 2n channels: L points before the horizon, h points in it."""

    x: Array
    """(N, 2n, L) normalised points, channels first."""
    shift: Array
    """(N, 2n): `y = x scale + shift`."""
    scale: Array
    """(N, 2n)"""
    features: Array
    """(N, F) in raw units; 0 where they are undefined."""
    forecast: Array
    """(N, 2n h) the points in the horizon, in raw units, channel by channel: the target, not an input of any model."""

    @property
    def series(self) -> Array:
        """The points before the horizon (N, L, 2n) in raw units."""
        return np.moveaxis(self.x * self.scale[..., None] + self.shift[..., None], 1, 2)

    @property
    def last(self) -> Array:
        """The last point before the horizon (N, 2n) in raw units."""
        return self.x[:, :, -1] * self.scale + self.shift


def inputs_of(settings: Settings, y: Array, t: Array) -> Inputs:
    """Return the inputs of series y (N, T, 2n) at times t (T,).

    The horizon is cut off before anything is computed, so that no normaliser or feature depends on it.

    Raises:
        ValueError: fewer than 8 points remain.
    """
    count = y.shape[1] - settings.horizon
    if count < FEWEST_POINTS:
        raise ValueError(
            f"{y.shape[1]} points with horizon {settings.horizon}; expected at least {FEWEST_POINTS} before the horizon"
        )
    before = y[:, :count]
    shift, scale = NORMALISERS[settings.normaliser](before)
    features = [np.nan_to_num(FEATURES[name](before, t[:count])) for name in settings.features]
    return Inputs(
        x=np.ascontiguousarray(np.moveaxis((before - shift[:, None]) / scale[:, None], 1, 2)),
        shift=shift,
        scale=scale,
        features=np.concatenate([np.zeros((len(y), 0)), *features], axis=1),
        forecast=np.moveaxis(y[:, count:], 1, 2).reshape(len(y), y.shape[2] * settings.horizon),
    )
