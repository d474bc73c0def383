"""Pack segments into columns: a column takes one step after another and, when a segment ends, starts the next one.

Segments differ in their number of steps. Side by side, all would wait for the one with the most; packed, every column
is busy to its end, and a batch costs what its segments need together. The packing is fixed for a phase: position i of
every batch holds segments of about the same number of steps, drawn from the i-th stratum of the sorted segments.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

WIDTH = 8
"""Columns come in multiples of this: the width of a vector register in single precision."""


class Packing(NamedTuple):
    """Which step of which segment each of W columns takes in each of T rounds; without a step it stands still."""

    position: np.ndarray
    """(T, W) position in the batch of the segment."""
    number: np.ndarray
    """(T, W) number of the step within its segment; at 0 a segment begins."""
    busy: np.ndarray
    """(T, W) whether there is a step to take."""
    first: np.ndarray
    """(B,) where the first step of each segment stands in the (T, W) grid read row by row; the next is W further."""


def pack(steps: np.ndarray) -> Packing:
    """Pack segments with steps (B,) into as few columns as first-fit decreasing needs, each as long as the longest."""
    length = int(steps.max())
    filled: list[int] = []
    place = np.zeros((len(steps), 2), np.int64)
    for segment in np.argsort(-steps, kind="stable"):
        count = int(steps[segment])
        column = next((k for k, used in enumerate(filled) if used + count <= length), len(filled))
        if column == len(filled):
            filled.append(0)
        place[segment] = filled[column], column
        filled[column] += count
    return _grid(steps, place, length, -(-len(filled) // WIDTH) * WIDTH)


def _grid(steps: np.ndarray, place: np.ndarray, length: int, width: int) -> Packing:
    position, number = np.zeros((2, length, width), np.int32)
    busy = np.zeros((length, width), bool)
    for segment, (start, column) in enumerate(place):
        rows = slice(start, start + steps[segment])
        position[rows, column], number[rows, column], busy[rows, column] = segment, np.arange(steps[segment]), True
    return Packing(position, number, busy, (place[:, 0] * width + place[:, 1]).astype(np.int32))
