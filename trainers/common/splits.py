"""Splits into training and validation, by trajectory."""

from __future__ import annotations

import numpy as np


def split(count: int, train_fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split `count` things into training and validation, sorted indices each; together they are all of them.

    The nearest integer to `count * train_fraction` trains, at least one thing, and at most all but one where the
    fraction is below 1, so that a validation set that is asked for exists. One thing, or a fraction of 1, leaves no
    validation.

    >>> split(4, 1.0, 0)
    (array([0, 1, 2, 3]), array([], dtype=int64))
    """
    most = count if train_fraction == 1.0 else count - 1
    chosen = max(1, min(round(count * train_fraction), most))
    order = np.random.default_rng([seed, count]).permutation(count)
    return np.sort(order[:chosen]), np.sort(order[chosen:])
