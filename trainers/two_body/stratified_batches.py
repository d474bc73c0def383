"""Stratified batches: segments sorted by their number of planned steps, one of each stratum in every batch.

Position i of every batch then needs about the same number of steps, which is what `integrators/packing.py` needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class StratifiedBatches:
    """S sorted segments in B strata as equal as can be; a batch draws one segment from each."""

    segments: int
    batch: int
    """B: the batch size, or S where that is smaller."""

    @classmethod
    def of(cls, segments: int, batch_size: int) -> StratifiedBatches:
        """Return the strata for a number of segments and a batch size."""
        return cls(segments, min(segments, batch_size))

    @property
    def edges(self) -> np.ndarray:
        """Return where each stratum begins, and where the last one ends (B+1,)."""
        return np.arange(self.batch + 1) * self.segments // self.batch

    @property
    def weight(self) -> np.ndarray:
        """Return the weight (B,) of each position, 1 on average.

        It is proportional to the size of the stratum, so that the expected loss is the mean over all segments.
        """
        return np.diff(self.edges) * (self.batch / self.segments)

    def longest(self, steps: np.ndarray) -> np.ndarray:
        """Return the largest number of steps (B,) in each stratum of the sorted segments."""
        return np.maximum.reduceat(steps, self.edges[:-1])

    def draw(self, seed: int, phase: int, steps: np.ndarray) -> np.ndarray:
        """Return the segments (K, B) of optimiser steps (K,) of a phase.

        A stratum of n segments takes n steps, in a new random order each round; the order depends on (seed, phase, n,
        round) alone, so that a resumed training needs nothing but its step. Every segment trains once a round.
        """
        starts, sizes = self.edges[:-1], np.diff(self.edges)
        batches = np.empty((len(steps), self.batch), np.int32)
        for size in np.unique(sizes):
            # strata of one size are permuted in one call; there are two sizes at most
            strata = np.flatnonzero(sizes == size)
            members = starts[strata][:, None] + np.arange(size)
            for turn in np.unique(steps // size):
                order = np.random.default_rng([seed, phase, size, turn]).permuted(members, axis=1)
                rows = np.flatnonzero(steps // size == turn)
                batches[np.ix_(rows, strata)] = order[:, steps[rows] % size].T
        return batches
