"""Pack segments into lanes: a lane takes one step after another and, when a segment ends, goes on with the next.

Segments differ in their number of steps. Side by side, all would wait for the one with the most; packed, every lane is
busy to its end, and a batch costs what its segments need together. The packing is fixed for a phase: position i of
every batch holds segments of about the same number of steps, drawn from the i-th slice of the sorted segments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

WIDTH = 8
"""Lanes come in multiples of this: the width of a vector register in single precision."""


class Lanes(NamedTuple):
    """Which step of which segment each of W lanes takes at each of T times; without a step it stands still."""

    position: np.ndarray
    """(T, W) position in the batch of the segment."""
    number: np.ndarray
    """(T, W) number of the step within its segment; at 0 a segment begins."""
    busy: np.ndarray
    """(T, W) whether there is a step to take."""
    first: np.ndarray
    """(B,) where the first step of each segment stands in the (T, W) grid read row by row; the next is W further."""


def pack(steps: np.ndarray) -> Lanes:
    """Pack segments with steps (B,) into as few lanes as first-fit decreasing needs, each as long as the longest."""
    length = int(steps.max())
    filled: list[int] = []
    place = np.zeros((len(steps), 2), np.int64)
    for segment in np.argsort(-steps, kind="stable"):
        count = int(steps[segment])
        lane = next((k for k, used in enumerate(filled) if used + count <= length), len(filled))
        if lane == len(filled):
            filled.append(0)
        place[segment] = filled[lane], lane
        filled[lane] += count
    return _grid(steps, place, length, -(-len(filled) // WIDTH) * WIDTH)


def _grid(steps: np.ndarray, place: np.ndarray, length: int, width: int) -> Lanes:
    position, number = np.zeros((2, length, width), np.int32)
    busy = np.zeros((length, width), bool)
    for segment, (start, lane) in enumerate(place):
        rows = slice(start, start + steps[segment])
        position[rows, lane], number[rows, lane], busy[rows, lane] = segment, np.arange(steps[segment]), True
    return Lanes(position, number, busy, (place[:, 0] * width + place[:, 1]).astype(np.int32))


@dataclass(frozen=True)
class Slices:
    """S sorted segments in B slices as equal as can be; a batch draws one segment from each."""

    segments: int
    batch: int
    """B: the batch size, or S where that is smaller."""

    @classmethod
    def of(cls, segments: int, batch_size: int) -> Slices:
        """Return the slices for a number of segments and a batch size."""
        return cls(segments, min(segments, batch_size))

    @property
    def edges(self) -> np.ndarray:
        """Return where each slice begins, and where the last one ends (B+1,)."""
        return np.arange(self.batch + 1) * self.segments // self.batch

    @property
    def weight(self) -> np.ndarray:
        """Return the weight (B,) of each position, the share of its slice: no segment is favoured; 1 on average."""
        return np.diff(self.edges) * (self.batch / self.segments)

    def longest(self, steps: np.ndarray) -> np.ndarray:
        """Return the largest number of steps (B,) in each slice of the sorted segments."""
        return np.maximum.reduceat(steps, self.edges[:-1])

    def draw(self, seed: int, phase: int, steps: np.ndarray) -> np.ndarray:
        """Return the segments (len(steps), B) that each optimiser step k of a phase trains on.

        A slice of n segments is gone through in n steps, each time in another order, which depends on
        (seed, phase, n, round) alone: a resumed training needs nothing but its step, and none is ever dropped.
        """
        starts, sizes = self.edges[:-1], np.diff(self.edges)
        chosen = np.empty((len(steps), self.batch), np.int32)
        for size in np.unique(sizes):
            mine = np.flatnonzero(sizes == size)
            members = starts[mine][:, None] + np.arange(size)
            for turn in np.unique(steps // size):
                order = np.random.default_rng([seed, phase, size, turn]).permuted(members, axis=1)
                rows = np.flatnonzero(steps // size == turn)
                chosen[np.ix_(rows, mine)] = order[:, steps[rows] % size].T
        return chosen
