"""Stability rules for draws: a system needs an equilibrium, and none from which it runs away.

Every non-empty set P of performed actions (a > 0), split into desired ones (D: u > mu) and fulfilled ones (F: u = mu),
may have one equilibrium, `[Pi_DP; Gamma_FP] a = [g_D; mu_F]`. It exists if a > 0, `Gamma_DP a > mu_D`,
`Gamma_SP a >= mu_S` for the actions S that are not performed, and `Pi a >= g` for F and S, whose v must not rise.

A system runs away from an equilibrium if the Jacobian `[[0, -Pi_P], [1, -Gamma_P]]` there has an eigenvalue with a
positive real part whose eigenvector has efforts of one sign: all grow together, and no threshold stops them. Otherwise
it may oscillate (limit cycle).

The published rule accepts an unstable equilibrium if |smallest eigenvalue| > largest eigenvalue. It sorts complex
numbers lexicographically, although they have no order. `stability: published` reproduces it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from trainers.preference_dynamics.system.equations import Array, System

SINGULAR = 1e-12
"""Smallest |determinant| of a matrix that counts as regular."""


def accepted(system: System, rule: str) -> Array:
    """Return whether each system (N,) is accepted by a rule: none, eigenvalues or published."""
    count = system.g.shape[-1]
    if rule == "none":
        return np.ones(count, bool)
    present, stable = np.zeros(count, bool), np.ones(count, bool)
    for performed, desired in _regimes(len(system.g)):
        exists = _equilibrium(system, performed, desired)
        present |= exists
        index = np.flatnonzero(exists & stable)
        if index.size:
            stable[index] = ~_runs_away(system, performed, index, forgiving=rule == "published")
    return np.asarray(present & stable)


def _regimes(actions: int) -> Iterator[tuple[Array, Array]]:
    """Yield performed and desired actions (n,) of every regime; performed and not desired is fulfilled."""
    for states in product((0, 1, 2), repeat=actions):
        state = np.array(states)
        if state.any():
            yield state > 0, state == 2


def _equilibrium(system: System, performed: Array, desired: Array) -> Array:
    """Return whether each system (N,) has the equilibrium of a regime."""
    g, mu = system.g.T, system.mu.T
    pi, gamma = np.moveaxis(system.pi, 2, 0), np.moveaxis(system.gamma, 2, 0)
    matrix = np.where(desired[:, None], pi, gamma)[:, performed][:, :, performed]
    right = np.where(desired, g, mu)[:, performed]
    singular = np.abs(np.linalg.det(matrix)) < SINGULAR
    matrix = np.where(singular[:, None, None], np.eye(matrix.shape[1]), matrix)
    effort = np.zeros_like(g)
    effort[:, performed] = np.linalg.solve(matrix, right[..., None])[..., 0]
    pi_effort, gamma_effort = (np.einsum("nij,nj->ni", part, effort) for part in (pi, gamma))
    conditions = [effort[:, performed] > 0, gamma_effort[:, desired] > mu[:, desired]]
    conditions += [gamma_effort[:, ~performed] >= mu[:, ~performed], pi_effort[:, ~desired] >= g[:, ~desired]]
    return ~singular & np.concatenate(conditions, axis=1).all(axis=1)


def _runs_away(system: System, performed: Array, index: Array, forgiving: bool) -> Array:
    """Return whether each system of `index` (M,) runs away from its equilibrium; `forgiving` is the published rule."""
    size = int(performed.sum())
    jacobian = np.zeros((len(index), 2 * size, 2 * size))
    pi, gamma = (np.moveaxis(part[..., index], 2, 0) for part in (system.pi, system.gamma))
    jacobian[:, :size, size:] = -pi[:, performed][:, :, performed]
    jacobian[:, size:, :size] = np.eye(size)
    jacobian[:, size:, size:] = -gamma[:, performed][:, :, performed]
    values, vectors = np.linalg.eig(jacobian)
    efforts = vectors[:, size:].real
    same_sign = (efforts > 0).all(axis=1) | (efforts < 0).all(axis=1)
    unstable = ((values.real > 0) & same_sign).any(axis=1)
    if forgiving:
        ordered = np.sort(values, axis=1)
        unstable &= ~(np.abs(ordered[:, 0]) > ordered[:, -1])
    return np.asarray(unstable)
