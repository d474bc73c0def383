"""Kinds of series: oscillating, steady in the end, never active."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainers.preference_dynamics.series.features import steady_state
from trainers.preference_dynamics.system.equations import Array, unpack


@dataclass(frozen=True)
class Regimes:
    """The kinds that N series belong to."""

    oscillating: Array
    """(N,) whether the system with all channels above their threshold has complex eigenvalues."""
    steady: Array
    """(N,) whether the series ends in a steady state."""
    never_active: Array
    """(N, 2n) whether a channel stays at its threshold at all points before the horizon."""
    initial: Array
    """(N, 2n) true v0, m0."""

    def initial_columns(self, columns: int) -> list[int]:
        """Return the columns of initial values in estimates of `columns` unknowns; none if some are not estimated."""
        channels, size = self.initial.shape[1], self.initial.shape[1] ** 2 // 2 + 2 * self.initial.shape[1]
        return list(range(size - channels, size)) if columns == size else []

    def initial_kinds(self, columns: int) -> dict[str, Array]:
        """Return masks (N, 2n) of initial values: negative, not negative, and of channels that are never active."""
        values = self.initial[:, :columns]
        return {"negative": values < 0, "positive": values >= 0, "never_active": self.never_active[:, :columns]}


def regimes_of(unknowns: Array, series: Array, actions: int) -> Regimes:
    """Return the kinds of noise-free series (N, L, 2n) of unknowns (N, Q)."""
    system = unpack(unknowns, actions)
    n, count = actions, len(unknowns)
    jacobian = np.zeros((count, 2 * n, 2 * n))
    jacobian[:, :n, n:] = -np.moveaxis(system.pi, 2, 0)
    jacobian[:, n:, :n] = np.eye(n)
    jacobian[:, n:, n:] = -np.moveaxis(system.gamma, 2, 0)
    oscillating = (np.abs(np.linalg.eigvals(jacobian).imag) > 0).any(axis=1)
    threshold = np.concatenate([system.mu.T, np.zeros((count, n))], axis=1)
    never = (series <= threshold[:, None]).all(axis=1)
    steady = steady_state(series, np.arange(series.shape[1]))[:, 0] == 1
    return Regimes(oscillating, steady, np.asarray(never), unknowns[:, -2 * n :])
