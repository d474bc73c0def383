"""A ratio with its uncertainty: the geometric mean over pairs and its 95 % interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from scipy import stats


class Ratio(TypedDict):
    """A ratio over n pairs."""

    ratio: float
    low: float
    high: float
    n: int
    ours: float
    peer: float


def ratio_of(pairs: Sequence[tuple[float, float]]) -> Ratio:
    """Return the ratio ours / peer of paired measurements, with Student's interval of the mean of its logarithm."""
    ours, peer = np.asarray(pairs, float).T
    logs = np.log(ours / peer)
    low = high = logs.mean()
    if len(logs) > 1:
        low, high = stats.t.interval(0.95, len(logs) - 1, logs.mean(), stats.sem(logs))
    low, middle, high = (float(np.exp(value)) for value in (low, logs.mean(), high))
    return Ratio(
        ratio=middle, low=low, high=high, n=len(logs), ours=float(np.median(ours)), peer=float(np.median(peer))
    )
