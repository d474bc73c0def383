"""Least squares through the simulator, all curves side by side, in normal coordinates of the prior's box.

Minimises `sum r(z)^2 + sum_nuisances z^2 [+ sum_unknowns z^2]`, r the residuals in units of the noise, by Levenberg and
Marquardt with difference quotients. Coordinates keep every parameter within its range; the terms in z are the prior, as
an L2 penalty on the nuisances, and with `prior` on the unknowns too: the maximum of the posterior, in which a parameter
that the data say nothing of stays in the middle of its range. Without it, it may end at either end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trainers.urease.inference.likelihood import FARTHEST, HasResiduals

Array = np.ndarray

STARTS = (-1.5, -0.5, 0.5, 1.5)
"""Normal coordinates of the activity that a descent may start from; it takes the best."""

ITERATIONS = 15
"""At most."""

DAMPING, SMALLEST_DAMPING = 1e-2, 1e-6


class Maximum(NamedTuple):
    """The minimum of N curves, and the normal distribution around it."""

    z: Array
    """(N, D)"""
    covariance: Array
    """(N, D, D)"""
    misfit: Array
    """(N,) mean squared residual in units of the noise."""


def least_squares(likelihood: HasResiduals, unknowns: int, prior: bool, start: Array | None = None) -> Maximum:
    """Minimise for all curves, from `start` (N, D) or the best of `STARTS`; the first `unknowns` coordinates are the
    unknowns, activity first."""
    count, size = likelihood.size, len(likelihood.names)
    penalty = np.ones(size)
    penalty[:unknowns] = 1.0 if prior else 1e-4  # keeps the normal equations regular
    z = _first(likelihood, size) if start is None else start.copy()
    r = likelihood.residuals(z)
    cost = (r**2).sum(axis=1) + (penalty * z**2).sum(axis=1)
    damping = np.full(count, DAMPING)
    active = np.arange(count)
    for _ in range(ITERATIONS):
        normal, gradient = _normal_equations(likelihood, z[active], r[active], active, penalty)
        scale = damping[active, None, None] * np.einsum("ndd->nd", normal)[:, :, None] * np.eye(size)
        step = np.linalg.solve(normal + scale, -gradient[:, :, None])[:, :, 0]
        new = np.clip(z[active] + np.clip(step, -1, 1), -FARTHEST, FARTHEST)
        tried = likelihood.residuals(new, active)
        tried_cost = (tried**2).sum(axis=1) + (penalty * new**2).sum(axis=1)
        better = tried_cost < cost[active]
        gain = np.where(better, cost[active] - tried_cost, np.inf)
        damping[active] = np.where(better, np.maximum(damping[active] / 5, SMALLEST_DAMPING), damping[active] * 5)
        moved = active[better]
        z[moved], r[moved], cost[moved] = new[better], tried[better], tried_cost[better]
        active = active[(gain > 1e-3) & (damping[active] < 1e4)]
        if not active.size:
            break
    normal, _ = _normal_equations(likelihood, z, r, np.arange(count), penalty)
    points = np.maximum(likelihood.member.sum(axis=1), 1)
    return Maximum(z, np.linalg.inv(normal), (r**2).sum(axis=1) / points)


def _first(likelihood: HasResiduals, size: int) -> Array:
    """Return the best of the starts of each curve."""
    count = likelihood.size
    starts = np.zeros((len(STARTS), count, size))
    starts[:, :, 0] = np.array(STARTS)[:, None]
    r = likelihood.residuals(starts.reshape(-1, size), np.tile(np.arange(count), len(STARTS)))
    misfit = (r**2).sum(axis=1).reshape(len(STARTS), count)
    return np.asarray(starts[misfit.argmin(axis=0), np.arange(count)])


def _normal_equations(
    likelihood: HasResiduals, z: Array, r: Array, index: Array, penalty: Array
) -> tuple[Array, Array]:
    """Return `J^T J + penalty` (R, D, D) and `J^T r + penalty z` (R, D)."""
    J = likelihood.derivatives(z, r, index)
    normal = np.einsum("nld,nle->nde", J, J) + np.diag(penalty)
    return normal, np.einsum("nld,nl->nd", J, r) + penalty * z
