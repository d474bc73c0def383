"""Pack segments into columns: a column integrates one segment after another, one step per round.

Segments differ in their number of steps. With a column for each, all would wait for the longest; packed, almost every
column takes a step in every round, and a batch costs the sum of its steps. The packing is fixed for a phase: position i
of every batch holds a segment of the i-th stratum, with about the same number of steps, see `stratified_batches.py`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

WIDTH = 8
"""The number of columns is a multiple of this: a vector register holds eight numbers in single precision."""


class Packing(NamedTuple):
    """The step that each of W columns takes in each of T rounds, as (segment, number of its step)."""

    position: np.ndarray
    """(T, W) position in the batch of the segment."""
    number: np.ndarray
    """(T, W) number of the step within its segment; at 0 a segment begins."""
    busy: np.ndarray
    """(T, W) whether there is a step to take; otherwise the column is idle and its step has length 0."""
    first: np.ndarray
    """(B,) index of the first step of each segment in the flattened (T, W) grid; the next step lies W further on."""


def pack(steps: np.ndarray) -> Packing:
    """Pack segments with steps (B,) into few columns, each as long as the longest segment: first-fit decreasing.

    Source: Johnson et al. 1974, SIAM Journal on Computing 3:299.
    """
    length = int(steps.max())
    heights: list[int] = []
    place = np.zeros((len(steps), 2), np.int64)
    for segment in np.argsort(-steps, kind="stable"):
        count = int(steps[segment])
        column = next((k for k, height in enumerate(heights) if height + count <= length), len(heights))
        if column == len(heights):
            heights.append(0)
        place[segment] = heights[column], column
        heights[column] += count
    return _grid(steps, place, length, -(-len(heights) // WIDTH) * WIDTH)


def _grid(steps: np.ndarray, place: np.ndarray, length: int, width: int) -> Packing:
    """Return the packing of segments that begin at place (B, 2) = (round, column)."""
    position, number = np.zeros((2, length, width), np.int32)
    busy = np.zeros((length, width), bool)
    for segment, (start, column) in enumerate(place):
        rows = slice(start, start + steps[segment])
        position[rows, column], number[rows, column], busy[rows, column] = segment, np.arange(steps[segment]), True
    return Packing(position, number, busy, (place[:, 0] * width + place[:, 1]).astype(np.int32))
