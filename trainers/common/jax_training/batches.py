"""Batches of epochs: every sample once per epoch, in a new random order; the last batch may be smaller."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Epochs:
    """S samples in batches of B; an epoch has ceil(S/B) steps."""

    samples: int
    batch_size: int

    @property
    def width(self) -> int:
        """Samples in a full batch: B, or S where that is smaller."""
        return min(self.samples, self.batch_size)

    @property
    def steps(self) -> int:
        """Optimiser steps per epoch."""
        return -(-self.samples // self.width)

    def draw(self, seed: int, phase: int, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the indices and weights, (K, B) each, of the samples of optimiser steps (K,) of a phase.

        The order of an epoch depends on (seed, phase, epoch) alone. A compiled program needs batches of one shape, so
        that a smaller one is padded with sample 0 at weight 0. The weights of a batch sum to 1: `sum(weight * loss)` is
        the mean over its samples.
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
