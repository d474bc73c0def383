"""The likelihood of the points of a prefix: readings of the simulator against those of a curve."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from trainers.study import Arrays, Meta
from trainers.urease.bounded import from_normal
from trainers.urease.curves.curves import Curves
from trainers.urease.kinetics.readings import noise_free_readings

Array = np.ndarray

STEP = 3e-3
"""Of difference quotients in normal coordinates: readings of the simulator jitter by 3e-5."""

FARTHEST = 5.0
"""Normal coordinates are kept within this of 0: 3e-7 of the box from its edge."""


class Likelihood(NamedTuple):
    """What residuals of N curves up to a prefix are computed from."""

    curves: Curves
    prefix: float
    names: tuple[str, ...]
    """D unknowns, then nuisances."""
    low: Array
    high: Array
    meta: Meta

    @property
    def size(self) -> int:
        """The number N of curves."""
        return self.curves.size

    @property
    def member(self) -> Array:
        """Which of the points that anything is computed at belong to the prefix (N, L)."""
        return self.curves.up_to(self.prefix)[:, : self.points]

    @property
    def points(self) -> int:
        """Points up to the last one that any curve has in the prefix."""
        return int(np.flatnonzero(self.curves.up_to(self.prefix).any(axis=0)).max(initial=0)) + 1

    def residuals(self, z: Array, index: Array | None = None) -> Array:
        """Return `(reading - simulated) sqrt(count)/noise` (R, L) for normal coordinates z (R, D) of curves `index`.

        Points outside of the prefix have 0. A point is simulated at its mean time: bins are narrow.
        """
        index = np.arange(self.size) if index is None else index
        parameters, model = self.parameters(z, index), np.empty((len(z), self.points))
        for rows, t in groups(self.curves.t[index, : self.points]):
            part = {name: values[rows] for name, values in parameters.items()}
            law, phosphate = self.meta["law"], float(self.meta["phosphate"])
            model[rows] = noise_free_readings(part, t, law, phosphate)  # type: ignore[arg-type]
        return self.scaled(model, index)

    def scaled(self, model: Array, index: Array) -> Array:
        """Return the residuals (R, L) of model readings (R, L) of curves `index`."""
        curves, points = self.curves.take(index), self.points
        spread = float(self.meta["noise"]) / np.sqrt(np.maximum(curves.readings[:, :points], 1))
        return np.where(curves.up_to(self.prefix)[:, :points], (curves.reading[:, :points] - model) / spread, 0.0)

    def derivatives(self, z: Array, r: Array, index: Array) -> Array:
        """Return derivatives (R, L, D) of residuals r at z (R, D), as difference quotients in one simulation."""
        return difference_quotients(self, z, r, index)

    def parameters(self, z: Array, index: Array) -> Arrays:
        """Return all parameters (R,) by name."""
        theta = from_normal(z, self.low, self.high)
        known = str(self.meta["known"]).split(",")
        return {name: theta[:, k] for k, name in enumerate(self.names)} | {
            name: self.curves.known[index, k] for k, name in enumerate(known)
        }


class HasResiduals(Protocol):
    """What least squares minimises: residuals of N curves in normal coordinates."""

    @property
    def size(self) -> int:
        """The number N of curves."""

    @property
    def names(self) -> tuple[str, ...]:
        """D unknowns, then nuisances."""

    @property
    def member(self) -> Array:
        """Which points belong to the prefix (N, L)."""

    def residuals(self, z: Array, index: Array | None = None) -> Array:
        """Return residuals (R, L) at z (R, D) of curves `index`."""

    def derivatives(self, z: Array, r: Array, index: Array) -> Array:
        """Return derivatives (R, L, D) of residuals r at z."""


def difference_quotients(of: HasResiduals, z: Array, r: Array, index: Array) -> Array:
    """Return derivatives (R, L, D) of residuals r at z (R, D), as difference quotients in one simulation."""
    count, size = z.shape
    moved = z + STEP * np.eye(size)[:, None]
    after = of.residuals(moved.reshape(-1, size), np.tile(index, size)).reshape(size, count, -1)
    return np.moveaxis((after - r) / STEP, 0, 2)


def groups(t: Array) -> list[tuple[Array, Array]]:
    """Return the rows that share their times, with these."""
    if np.array_equal(t, np.broadcast_to(t[0], t.shape)):
        return [(np.arange(len(t)), t[0])]
    times, which = np.unique(t, axis=0, return_inverse=True)
    return [(np.flatnonzero(which.ravel() == k), row) for k, row in enumerate(times)]
