"""Batches of epochs: every sample once per epoch, in another order each time, the last batch shorter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Epochs:
    """S samples in batches of B; an epoch is ceil(S/B) steps, and its last batch may be smaller."""

    samples: int
    batch_size: int

    @property
    def width(self) -> int:
        """B, or S where that is smaller."""
        return min(self.samples, self.batch_size)

    @property
    def steps(self) -> int:
        """Optimiser steps per epoch."""
        return -(-self.samples // self.width)

    def draw(self, seed: int, phase: int, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return samples and weights (K, B) of each optimiser step k of a phase.

        The order of an epoch depends on (seed, phase, epoch) alone. A short batch is filled up with sample 0 at weight
        0; the weights of a batch sum to 1, so that `sum(weight * loss)` is the mean over its samples.
        """
        index = np.zeros((len(steps), self.width), np.int32)
        weight = np.zeros((len(steps), self.width), np.float32)
        for epoch in np.unique(steps // self.steps):
            order = np.random.default_rng([seed, phase, epoch]).permutation(self.samples)
            for row in np.flatnonzero(steps // self.steps == epoch):
                start = (steps[row] % self.steps) * self.width
                batch = order[start : start + self.width]
                index[row, : len(batch)], weight[row, : len(batch)] = batch, 1 / len(batch)
        return index, weight
