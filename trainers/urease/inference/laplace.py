"""The normal approximation of the posterior of every prefix, by the quick likelihood: what a flow may start from.

Least squares with the prior through the quick likelihood, corrected at its minimum, and once more from there. It takes
milliseconds a curve, so that it can be had for every curve of a training set.
"""

from __future__ import annotations

import numpy as np

from trainers.study import Meta
from trainers.urease.curves.curves import Curves
from trainers.urease.inference.least_squares import least_squares
from trainers.urease.inference.likelihood import Likelihood, groups
from trainers.urease.inference.quick_likelihood import quick_likelihood

Array = np.ndarray

BLOCK = 1000
"""Curves that are computed together; limits memory."""


def with_laplace(curves: Curves, durations: tuple[float, ...], meta: Meta, low: Array, high: Array) -> Curves:
    """Return curves with `laplace` (N, K, P + P^2 + F) filled in: of each prefix the maximum of the posterior of the
    unknowns in normal coordinates, the Cholesky factor of their covariance, row by row, and F features: the nuisances
    at the maximum and the logarithm of the misfit.

    low, high: ends of the prior of unknowns and nuisances.
    """
    unknowns = str(meta["unknown"]).split(",")
    names = (*unknowns, *(name for name in str(meta["nuisance"]).split(",") if name))
    parts: list[Array] = [np.empty(0)] * curves.size
    for rows, _ in groups(curves.t):
        for first in range(0, len(rows), BLOCK):
            some = rows[first : first + BLOCK]
            each = [
                _laplace(Likelihood(curves.take(some), prefix, names, low, high, meta), len(unknowns))
                for prefix in durations
            ]
            for k, row in enumerate(some):
                parts[row] = np.stack([part[k] for part in each])
    return curves._replace(laplace=np.stack(parts))


def _laplace(full: Likelihood, unknowns: int) -> Array:
    quick = quick_likelihood(full)
    start = least_squares(quick, unknowns, prior=True).z
    maximum = least_squares(quick.corrected(start), unknowns, prior=True, start=start)
    root = np.linalg.cholesky(maximum.covariance[:, :unknowns, :unknowns])
    misfit = np.log(np.maximum(maximum.misfit, 1e-3))[:, None]
    parts = (maximum.z[:, :unknowns], root.reshape(len(root), -1), maximum.z[:, unknowns:], misfit)
    return np.concatenate(parts, axis=1)
