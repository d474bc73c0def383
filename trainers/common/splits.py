"""Splits into training and validation, by trajectory."""

from __future__ import annotations

import numpy as np


def split(count: int, train_fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split N = `count` trajectories at random; return the sorted indices (N_train,), (N_validation,) of both parts.

    N_train is the integer nearest to N `train_fraction`, at least 1. With a fraction below 1 it is at most N - 1, so
    that a small set still has validation data; a single trajectory, or a fraction of 1, has none. The same seed and N
    give the same split. Good values of `train_fraction`: 0.8 to 0.9.

    >>> split(4, 1.0, 0)
    (array([0, 1, 2, 3]), array([], dtype=int64))
    """
    most = count if train_fraction == 1.0 else count - 1
    train_count = max(1, min(round(count * train_fraction), most))
    order = np.random.default_rng([seed, count]).permutation(count)
    return np.sort(order[:train_count]), np.sort(order[train_count:])
