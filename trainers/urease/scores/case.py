"""A model's posteriors for a test set beside the true unknowns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainers.study import Trained, Trajectories
from trainers.urease.apply import Predictor, apply
from trainers.urease.config import ModelConfig
from trainers.urease.curves.curves import Curves

Array = np.ndarray

SAMPLES = 400
"""Posterior samples of each curve and prefix."""

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Nominal coverages that are checked."""


@dataclass(frozen=True)
class Case:
    """Posteriors and truth of N curves at K prefixes; P unknowns."""

    predictor: Predictor
    test: Trajectories
    curves: Curves
    truth: Array
    """(N, P)"""
    samples: tuple[Array, ...]
    """K of (S, N, P)."""
    log_density: tuple[Array | None, ...]
    """K of (N,), of the true unknowns in raw units."""

    @property
    def durations(self) -> tuple[float, ...]:
        """The K durations [s]."""
        return self.predictor.config.durations

    @property
    def unknowns(self) -> tuple[str, ...]:
        """The P names."""
        return self.predictor.unknowns

    @property
    def width(self) -> Array:
        """(P,) widths of the prior."""
        low, high = self.predictor.box
        return high - low

    def estimate(self, prefix: int) -> Array:
        """Return the posterior median (N, P)."""
        return np.median(self.samples[prefix], axis=0)

    def error(self, prefix: int) -> Array:
        """Return the absolute error of the estimate in units of what the middle of the prior has on average (N, P)."""
        return np.abs(self.estimate(prefix) - self.truth) / (self.width / 4)

    def inside(self, prefix: int, level: float) -> Array:
        """Return whether each truth lies in its interval of that level (N, P)."""
        low, high = self.predictor.interval(self.samples[prefix], prefix, level)
        return (low <= self.truth) & (self.truth <= high)

    def contraction(self, prefix: int) -> Array:
        """Return posterior by prior standard deviation (N, P)."""
        return self.samples[prefix].std(axis=0) / (self.width / 12**0.5)


def compare(config: ModelConfig, trained: Trained, test: Trajectories) -> Case:
    """Infer the unknowns of a test set from its readings and known conditions; the truth is only compared with.

    Raises:
        ValueError: the test set has no true unknowns, or others than the model infers.
    """
    predictor = apply(config, trained)
    if missing := [name for name in predictor.unknowns if name not in test.parameters]:
        raise ValueError(
            f"the test set lacks {', '.join(missing)}; expected the unknowns of the training set, "
            f"{', '.join(predictor.unknowns)}"
        )
    truth = np.stack([test.parameters[name] for name in predictor.unknowns], axis=1)
    curves = predictor.curves(test)
    prefixes = range(len(config.durations))
    samples = tuple(predictor.samples(curves, k, SAMPLES) for k in prefixes)
    log_density = tuple(predictor.log_density(curves, k, truth) for k in prefixes)
    return Case(predictor, test, curves, truth, samples, log_density)
