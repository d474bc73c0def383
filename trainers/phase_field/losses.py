"""Losses over curves of scores (B, T, C): mean absolute error, autocorrelation over time, and both combined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainers.phase_field.config import Loss

if TYPE_CHECKING:
    from torch import Tensor

TINY = 1e-12
"""Added to sums of squares, so that a channel of zeros has the autocorrelation 0 and no infinite gradient."""


def mae(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the mean absolute error over runs, times and channels."""
    return (predicted - truth).abs().mean()


def sequence_autocorrelation(x: Tensor, max_lag: int) -> Tensor:
    """Return `R(l) = sum_t x_t x_(t+l) / sum_t x_t^2`, sums over t < T - l, at lags l = 0 ... max_lag.

    Shape (max_lag + 1, B, C); R(0) = 1. As in the source, the mean stays in, and the sum of squares leaves out the
    last l points.
    """
    import torch

    size = x.shape[1]
    rows = [
        (x[:, : size - lag] * x[:, lag:]).sum(dim=1) / ((x[:, : size - lag] ** 2).sum(dim=1) + TINY)
        for lag in range(max_lag + 1)
    ]
    return torch.stack(rows)


def autocorrelation(predicted: Tensor, truth: Tensor, max_lag: int) -> Tensor:
    """Return the mean squared difference of the autocorrelations of both curves over lags, runs and channels.

    It is blind to amplitude and sign, R being the same for x, 5 x and -x, and to the value of a constant channel, whose
    R is 1 at every lag: alone, it trains curves of the right shape and any size. Good values of max_lag: 10 to 20 of
    151 points.
    """
    return ((sequence_autocorrelation(predicted, max_lag) - sequence_autocorrelation(truth, max_lag)) ** 2).mean()


def losses(settings: Loss, predicted: Tensor, truth: Tensor, max_lag: int) -> dict[str, Tensor]:
    """Return `loss` and its parts, `mae` and `autocorrelation`, both of which are always computed.

    combined: `alpha mae + (1 - alpha) autocorrelation`; as blind as its second part only where alpha is 0.
    """
    parts = {"mae": mae(predicted, truth), "autocorrelation": autocorrelation(predicted, truth, max_lag)}
    if settings.name == "combined":
        whole = settings.alpha * parts["mae"] + (1 - settings.alpha) * parts["autocorrelation"]
    else:
        whole = parts[settings.name]
    return {"loss": whole, **parts}
