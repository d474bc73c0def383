"""Named arrays in groups: `best/layers.0.bias` is the array `layers.0.bias` of the group `best`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def prefixed(group: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays with each name put into a group: `<name>` becomes `<group>/<name>`."""
    return {f"{group}/{name}": np.asarray(array) for name, array in arrays.items()}


def below(group: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of a group, its name taken off theirs; the reverse of `prefixed`.

    >>> list(below("best", {"best/a": 1, "best/b/c": 2, "bestial/d": 3}))
    ['a', 'b/c']
    """
    head = f"{group}/"
    return {name.removeprefix(head): array for name, array in arrays.items() if name.startswith(head)}
