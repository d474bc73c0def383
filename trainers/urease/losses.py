"""Training losses: negative log likelihoods of the unknowns, means over curves and prefixes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from trainers.urease.settings import GaussianHead


def gaussian_nll(mean: Tensor, log_variance: Tensor, truth: Tensor, head: GaussianHead) -> dict[str, Tensor]:
    """Return the loss of a diagonal normal distribution (B, K, P) of standardised unknowns (B, P), and its parts.

    nll = mean((log 2 pi + v + (x - m)^2 exp(-v))/2), v clamped to `head.log_variance`; plus
    `variance_weight mean((exp(v) - variance_target)^2)`.
    """
    v = log_variance.clamp(*head.log_variance)
    nll = 0.5 * (math.log(2 * math.pi) + v + (truth[:, None] - mean) ** 2 * torch.exp(-v)).mean()
    variance = ((torch.exp(v) - head.variance_target) ** 2).mean()
    loss = nll + head.variance_weight * variance if head.variance_weight else nll
    return {"loss": loss, "nll": nll, "variance_term": variance}


def posterior_nll(log_density: Tensor) -> dict[str, Tensor]:
    """Return minus the mean log density (B, K) of the true unknowns in normal coordinates.

    A posterior that says nothing has `(1 + log 2 pi)/2` per unknown, 1.419.
    """
    return {"loss": -log_density.mean()}
