"""Learning rates as functions of the step within a training phase; computed outside the compiled program."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

WARM_UP = 0.05
"""Fraction of a phase in which `warmup_cosine` rises."""


def learning_rates(schedule: str, peak: float, step: np.ndarray, steps: int) -> np.ndarray:
    """Return the learning rate of each step k = 0, 1, ... of a phase with n steps.

    constant and plateau (before its `Plateau.factor`): `peak`
    cosine: `peak (1 + cos(pi k/n))/2`, so that a step after the last one would have rate 0
    warmup_cosine: `peak (k + 1)/w` over the first `w = max(1, 0.05 n)` steps, then a cosine over the rest

    Each phase starts its schedule anew. Source: Loshchilov & Hutter, SGDR (2017); Goyal et al. (2017) for the warm-up.
    """
    k = np.asarray(step, dtype=np.float64)
    if schedule in ("constant", "plateau"):
        return np.full(k.shape, peak)
    if schedule == "cosine":
        return peak * _cosine(k / steps)
    if schedule == "warmup_cosine":
        rise = max(1, round(WARM_UP * steps))
        return peak * np.where(k < rise, (k + 1) / rise, _cosine((k - rise) / max(1, steps - rise)))
    raise ValueError(f"unknown schedule {schedule!r}; expected constant, cosine, warmup_cosine or plateau")


def _cosine(fraction: np.ndarray) -> np.ndarray:
    return (1 + np.cos(np.pi * fraction)) / 2


@dataclass(frozen=True)
class Plateau:
    """Halve the rate when a score stops falling: `patience` checks in a row without a fall of `threshold`."""

    factor: float = 1.0
    best: float = np.inf
    stalled: int = 0
    patience: int = 5
    """Checks without progress before the rate is halved [1]; good values 5 to 20."""
    threshold: float = 1e-3
    """Smallest fall that counts as progress, relative to the best score [1]."""
    smallest: float = 2.0**-10
    """The factor never falls below this [1]."""

    def update(self, score: float) -> Plateau:
        """Return the state after one more check."""
        if score < self.best * (1 - self.threshold):
            return replace(self, best=float(score), stalled=0)
        if self.stalled + 1 < self.patience:
            return replace(self, stalled=self.stalled + 1)
        return replace(self, stalled=0, factor=max(self.smallest, self.factor / 2))
