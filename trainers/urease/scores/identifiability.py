"""What the data can say at most: Fisher information of unknowns and nuisances at the true values."""

from __future__ import annotations

import numpy as np

from trainers.urease.bounded import from_normal, to_normal
from trainers.urease.inference.likelihood import STEP, Likelihood

Array = np.ndarray


def fisher_contraction(likelihood: Likelihood, theta: Array, durations: tuple[float, ...]) -> Array:
    """Return posterior by prior standard deviation (K, N, D) at the true unknowns and nuisances theta (N, D).

    `sqrt(diag (J^T J + diag(12/width^2))^-1) / (width/sqrt 12)`, J the derivatives of the readings of a prefix in units
    of the noise: the normal approximation with a prior of the box's variance. likelihood: of the longest prefix.
    """
    z = to_normal(theta, likelihood.low, likelihood.high)
    z = np.clip(z, -3, 3)  # a step at the very edge of the box would lie outside
    r = likelihood.residuals(z)
    prior = (likelihood.high - likelihood.low) / 12**0.5
    ends = (from_normal(z + shift, likelihood.low, likelihood.high) for shift in (STEP, 0.0))
    change = (next(ends) - next(ends)) / STEP / prior
    J = likelihood.derivatives(z, r, np.arange(len(z))) / change[:, None]
    t, ratios = likelihood.curves.t[:, : likelihood.points], []
    for duration in durations:
        inside = (t <= duration * (1 + 1e-9))[:, :, None] * J
        information = np.einsum("nld,nle->nde", inside, inside) + np.eye(z.shape[1])
        ratios.append(np.sqrt(np.einsum("ndd->nd", np.linalg.inv(information))))
    return np.stack(ratios)
