"""The predictor: one step of the oscillator."""

from collections.abc import Callable

import numpy as np

from tests.plain_study.config import ModelConfig
from trainers.study import Trained


def apply(config: ModelConfig, trained: Trained) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from states (..., 2) to the states one step later."""
    return lambda y: y @ trained.weights["best/map"]
