"""Derivatives of the state with respect to the unknowns along the flow: `S' = A S + F(y)`, S(0) = dy0/dtheta.

F holds the derivatives of the right-hand side with respect to the unknowns at fixed state: `dv_i'/dg_i = 1`,
`dv_i'/dPi_ij = -a_j`, `dm_i'/dGamma_ij = -a_j`, and `dm_i'/dmu_i = 1` while v_i is below mu_i. It is linear in the
state, so that S has a Taylor series of the same kind: `s_(k+1) = (A s_k + F(c_k)) / (k+1)`.
"""

from __future__ import annotations

import numpy as np

from trainers.preference_dynamics.system.equations import Array, System


def initial_sensitivity(actions: int, count: int) -> Array:
    """Return dy0/dtheta (2n, Q, N): the identity for v0 and m0."""
    n, size = actions, 4 * actions + 2 * actions**2
    start = np.zeros((2 * n, size, count))
    start[np.arange(2 * n), size - 2 * n + np.arange(2 * n)] = 1.0
    return start


def observed_sensitivity(sensitivity: Array, above: Array, actions: int) -> Array:
    """Return d(u, a)/dtheta (2n, Q, N): that of the state above the threshold; below it, du_i/dmu_i = 1."""
    n = actions
    observed = sensitivity * above[:, None]
    for i in range(n):
        observed[i, n + i] += ~above[i]
    return observed


def sensitivity_step(start: Array, terms: Array, system: System, above: Array, step: Array, end: Array) -> Array:
    """Advance S (2n, Q, N) by the part `end` (N,) of steps (N,), along the terms (K + 1, 2n, N) of the state."""
    n = len(system.g)
    effective = above[n:]
    pi, gamma = (-step * effective * matrix for matrix in (system.pi, system.gamma))
    driving = step * above[:n]
    term, total, power = start, start.copy(), np.ones_like(end)
    for k in range(len(terms) - 1):
        change = np.empty_like(term)
        change[:n] = _times(pi, term[n:])
        change[n:] = driving[:, None] * term[:n] + _times(gamma, term[n:])
        _add_direct(change, terms[k, n:] * effective, above, step, first=k == 0)
        term = change / (k + 1)
        power = power * end
        total += term * power
    return total


def _add_direct(change: Array, effort: Array, above: Array, step: Array, first: bool) -> None:
    """Add h F(c_k), in place; the constants of F belong to the first term alone."""
    n = len(effort)
    for i in range(n):
        if first:
            change[i, i] += step
            change[n + i, n + i] += step * ~above[i]
        for j in range(n):
            change[i, 2 * n + i * n + j] -= step * effort[j]
            change[n + i, 2 * n + n * n + i * n + j] -= step * effort[j]


def _times(matrix: Array, columns: Array) -> Array:
    """Multiply matrices (n, n, N) and columns (n, Q, N)."""
    product = matrix[:, 0, None] * columns[0]
    for j in range(1, len(columns)):
        product += matrix[:, j, None] * columns[j]
    return product
