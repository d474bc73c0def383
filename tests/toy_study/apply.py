"""The predictor: one step of the oscillator."""

from collections.abc import Callable

import numpy as np
import torch

from tests.toy_study.config import ModelConfig
from tests.toy_study.network import change, tensors
from trainers.study import Trained


def apply(config: ModelConfig, trained: Trained) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from states (..., 2) to the states one step later."""
    if config.kind == "constant":
        return lambda y: y
    scale = float(trained.fitted["scale"])
    weights = tensors({n.removeprefix("best/"): w for n, w in trained.weights.items() if n.startswith("best/")})

    @torch.no_grad()
    def step(y: np.ndarray) -> np.ndarray:
        scaled = torch.tensor(y) / scale
        return ((scaled + change(weights, scaled)) * scale).numpy()

    return step
