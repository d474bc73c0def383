"""Names of arrays with a prefix, as `best/<name>`: put before them, and taken away."""

from __future__ import annotations

import numpy as np

from trainers.study import Arrays


def prefixed(prefix: str, arrays: Arrays) -> dict[str, np.ndarray]:
    """Put a prefix before every name."""
    return {f"{prefix}/{name}": np.asarray(array) for name, array in arrays.items()}


def below(prefix: str, arrays: Arrays) -> dict[str, np.ndarray]:
    """Return the arrays under a prefix, without it."""
    return {name.removeprefix(f"{prefix}/"): array for name, array in arrays.items() if name.startswith(f"{prefix}/")}
