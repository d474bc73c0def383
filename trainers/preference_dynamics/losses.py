"""Training losses by name.

A loss maps errors (B, P), the log of the estimated std (B, P) or None, and a weight per target (P,) to a scalar. With
`loss.standardise` errors are in units of each target's std over the training set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from trainers.common.lazy import LazyModule

if TYPE_CHECKING:
    from torch import Tensor

    LossFunction = Callable[[Tensor, Tensor | None, Tensor], Tensor]

torch = LazyModule("torch")


def mse(error: Tensor, log_std: Tensor | None, weight: Tensor) -> Tensor:
    """Return `mean(w e^2)`."""
    return (weight * error**2).mean()


def mae(error: Tensor, log_std: Tensor | None, weight: Tensor) -> Tensor:
    """Return `mean(w |e|)`; outliers count less than under `mse`."""
    return (weight * error.abs()).mean()


def huber(error: Tensor, log_std: Tensor | None, weight: Tensor) -> Tensor:
    """Return `mean(w h(e))`, h(e) = e^2/2 up to |e| = 1 and |e| - 1/2 beyond. Source: Huber 1964."""
    size = error.abs()
    return (weight * torch.where(size < 1, error**2 / 2, size - 0.5)).mean()


def nll(error: Tensor, log_std: Tensor | None, weight: Tensor) -> Tensor:
    """Return `mean(w (e^2 / s^2 / 2 + log s))`, the negative log likelihood of a normal error with std s."""
    assert log_std is not None
    return (weight * (0.5 * (error * torch.exp(-log_std)) ** 2 + log_std)).mean()


LOSSES: dict[str, LossFunction] = {"mse": mse, "mae": mae, "huber": huber, "nll": nll}
"""Losses by name; nll needs a network that estimates its uncertainty."""
