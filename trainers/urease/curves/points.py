"""Points of a prefix: means of readings in bins, or readings interpolated at evenly spaced times.

Both are linear in the readings: point values are `W y`. So noise of the readings goes through the same W.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

Array = np.ndarray


LADDER = (10.0, 30.0, 60.0, 120.0, 300.0)
"""Times at which bins widen, whichever prefixes a model has [s]."""


class Points(NamedTuple):
    """L points of one curve of M readings."""

    weights: Array
    """W (L, M); a row of zeros is a point without readings."""
    t: Array
    """(L,) mean time of what a point is made of [s]."""
    readings: Array
    """(L,) how many readings' information a point has: noise has the std `noise/sqrt(count)`; 0: none."""


def bin_edges(prefixes: tuple[float, ...], bins: int, interval: float) -> Array:
    """Return the edges (L + 1,) [s] of bins that end at every prefix, and at those of `LADDER` before the last one.

    Up to each of these times p, bins are p/`bins` wide, but not narrower than `interval`: the earliest times, where pH
    moves fastest, are resolved best. The first bin ends at 0.
    """
    edges = [-np.inf, 0.0]
    for prefix in sorted({*prefixes, *(rung for rung in LADDER if rung < max(prefixes))}):
        begin = edges[-1]
        width = max(interval, prefix / bins)
        count = max(1, int((prefix - begin) / width + 1e-9))
        edges += list(begin + (prefix - begin) * np.arange(1, count + 1) / count)
    return np.array(edges)


def binned(t: Array, edges: Array) -> Points:
    """Return the means of readings at times t (M,) within bins; an edge belongs to the bin that it ends."""
    place = np.searchsorted(edges, t - 1e-9 * np.maximum(1.0, np.abs(t)), "right") - 1
    member = place[None, :] == np.arange(len(edges) - 1)[:, None]
    count = member.sum(axis=1)
    weights = member / np.maximum(count, 1)[:, None]
    middle = (np.maximum(edges[:-1], 0.0) + edges[1:]) / 2
    return Points(weights, np.where(count > 0, weights @ t, middle), count.astype(float))


def interpolated(t: Array, prefix: float, points: int) -> Points:
    """Return readings at times t (M,) interpolated linearly at `points` even times from 0 to the prefix, as the source
    does."""
    at = np.clip(np.linspace(0.0, prefix, points), t[0], t[-1])
    right = np.clip(np.searchsorted(t, at, "right"), 1, len(t) - 1)
    share = (at - t[right - 1]) / (t[right] - t[right - 1])
    weights = np.zeros((points, len(t)))
    rows = np.arange(points)
    weights[rows, right - 1] += 1 - share
    weights[rows, right] += share
    return Points(weights, at, np.ones(points))


def adaptive_points(prefix: float, target_interval: float = 0.3) -> int:
    """Return the number of points of a prefix [s] at a target interval [s]: 30 s gives 100, 60 s 200, 300 s 1000."""
    return max(2, round(prefix / target_interval))


def check_resolution(points: int, prefix: float, interval: float, refuse: bool) -> None:
    """Refuse points closer together than the readings they are interpolated from, or warn of them.

    Raises:
        ValueError: they are, and `refuse` is set.
    """
    if points > prefix / interval + 1 + 1e-9:
        text = (
            f"{points} points in {prefix:g} s from readings every {interval:g} s: interpolation adds no information "
            f"and correlates the noise; expected at most {int(prefix / interval + 1e-9) + 1} points, or finer readings"
        )
        if refuse:
            raise ValueError(f"{text}; `finer: warn` goes on")
        warnings.warn(text, stacklevel=2)
