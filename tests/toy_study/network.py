"""The network: the change of the state over one step."""

import numpy as np
import torch

from tests.toy_study.config import ModelConfig
from trainers.study import Arrays

Weights = dict[str, torch.Tensor]


def start(config: ModelConfig) -> Weights:
    """Draw the weights from the configuration's seed."""
    random = torch.Generator().manual_seed(config.seed)
    first = torch.randn(2, config.width, generator=random, dtype=torch.float64)
    second = torch.randn(config.width, 2, generator=random, dtype=torch.float64) / config.width
    return {"first": first.requires_grad_(), "second": second.requires_grad_()}


def change(weights: Weights, y: torch.Tensor) -> torch.Tensor:
    """Return y(t + step) - y(t) for y (..., 2)."""
    return torch.tanh(y @ weights["first"]) @ weights["second"]


def arrays(weights: Weights) -> dict[str, np.ndarray]:
    """Return copies as arrays."""
    return {name: tensor.detach().numpy().copy() for name, tensor in weights.items()}


def tensors(named: Arrays) -> Weights:
    """Return weights that can be trained."""
    return {name: torch.from_numpy(array.copy()).requires_grad_() for name, array in named.items()}
