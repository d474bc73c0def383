"""Samples of the exact posterior: importance weights through the simulator.

A Student t around the maximum of the posterior, with the covariance of the curvature there, proposes normal
coordinates of unknowns and nuisances; the simulator weighs them; mean and covariance of the weighted samples make the
next proposal. The last round is resampled. Its effective sample size, (sum w)^2/sum w^2, says what its weights are
worth.
Source: Cappe et al. 2004, Population Monte Carlo, J. Comput. Graph. Stat. 13:907.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from trainers.urease.inference.least_squares import least_squares
from trainers.urease.inference.likelihood import Likelihood

Array = np.ndarray

ROUNDS, PROPOSED, FREEDOM = 4, 1000, 5.0
"""Rounds, proposals per curve in each but the last, degrees of freedom of the t distribution."""

LAST = 3000
"""Proposals of the last round."""

BLOCK = 4
"""Curves that are sampled together; limits memory."""

WIDER = 1.3
"""Covariances of proposals are this much larger than those of the samples."""


class Exact(NamedTuple):
    """Posterior samples of N curves."""

    z: Array
    """(S, N, D) normal coordinates, equally weighted."""
    effective: Array
    """(N,) effective sample size of the last round."""


def exact_posterior(likelihood: Likelihood, unknowns: int, samples: int, seed: int) -> Exact:
    """Sample the posterior of unknowns and nuisances of all curves."""
    parts = []
    for first in range(0, likelihood.curves.size, BLOCK):
        some = likelihood._replace(curves=likelihood.curves.take(slice(first, first + BLOCK)))
        parts.append(_sampled(some, unknowns, samples, np.random.default_rng([seed, 17, first])))
    return Exact(np.concatenate([part.z for part in parts], axis=1), np.concatenate([part.effective for part in parts]))


def _sampled(likelihood: Likelihood, unknowns: int, samples: int, random: np.random.Generator) -> Exact:
    maximum = least_squares(likelihood, unknowns, prior=True)
    mean, covariance = maximum.z, WIDER * maximum.covariance
    z, weights = np.empty((0, *mean.shape)), np.empty((0, len(mean)))
    for number in range(ROUNDS):
        count = LAST if number == ROUNDS - 1 else PROPOSED
        z, log_proposal = _student(mean, covariance, count, random)
        weights = _weights(likelihood, z, log_proposal)
        if number < ROUNDS - 1:
            # a flattened weight keeps one lucky sample from making the next proposal a point
            flat = weights**0.5 / (weights**0.5).sum(axis=0)
            flat = weights if number else flat
            mean = np.einsum("sn,snd->nd", flat, z)
            spread = z - mean
            covariance = WIDER * np.einsum("sn,snd,sne->nde", flat, spread, spread) + 1e-8 * np.eye(z.shape[2])
    effective = 1 / (weights**2).sum(axis=0)
    chosen = _resampled(weights, samples, random)
    return Exact(np.take_along_axis(z, chosen[:, :, None], axis=0), effective)


def _student(mean: Array, covariance: Array, count: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Return draws (S, N, D) and the log of their density (S, N)."""
    size = np.size(mean, 1)
    root = np.linalg.cholesky(covariance)
    normal = random.standard_normal((count, *mean.shape))
    chi = random.chisquare(FREEDOM, (count, len(mean))) / FREEDOM
    z = mean + np.einsum("nde,sne->snd", root, normal) / np.sqrt(chi)[:, :, None]
    distance = (normal**2).sum(axis=2) / chi
    constant = gammaln((FREEDOM + size) / 2) - gammaln(FREEDOM / 2) - size / 2 * np.log(FREEDOM * np.pi)
    log_root = np.log(np.einsum("ndd->nd", root)).sum(axis=1)
    return z, constant - log_root - (FREEDOM + size) / 2 * np.log1p(distance / FREEDOM)


def _weights(likelihood: Likelihood, z: Array, log_proposal: Array) -> Array:
    """Return normalised weights (S, N)."""
    count, curves, size = z.shape
    index = np.tile(np.arange(curves), count)
    r = likelihood.residuals(np.clip(z, -8, 8).reshape(-1, size), index)
    log = -0.5 * (r**2).sum(axis=1).reshape(count, curves) - 0.5 * (z**2).sum(axis=2) - log_proposal
    weights = np.exp(log - log.max(axis=0))
    return np.asarray(weights / weights.sum(axis=0))


def _resampled(weights: Array, samples: int, random: np.random.Generator) -> Array:
    """Return indices (S, N) by systematic resampling, in random order."""
    total = np.cumsum(weights, axis=0)
    place = (np.arange(samples)[:, None] + random.uniform(size=(1, weights.shape[1]))) / samples
    columns = [np.searchsorted(total[:, k], place[:, k] * total[-1, k]) for k in range(weights.shape[1])]
    chosen = np.minimum(np.stack(columns, axis=1), len(weights) - 1)
    return random.permuted(chosen, axis=0)
