"""Named arrays in groups: `best/layers.0.bias` is the array `layers.0.bias` of the group `best`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def prefixed(group: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays under the names of a group: `<name>` becomes `<group>/<name>`."""
    return {f"{group}/{name}": np.asarray(array) for name, array in arrays.items()}


def below(group: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of a group without its name in theirs; the reverse of `prefixed`.

    >>> list(below("best", {"best/a": 1, "best/b/c": 2, "bestial/d": 3}))
    ['a', 'b/c']
    """
    prefix = f"{group}/"  # with the slash, or a group `best` would take in `bestial`
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
