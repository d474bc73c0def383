"""Coordinates in which combinations are estimated: the logarithm of what is positive, the rest as it is.

A size such as a stiffness is known to so many per cent: its logarithm is nearer to normally distributed, and no step
makes it negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from trainers.study import Arrays
from trainers.vehicle.dynamics.registry import COMBINED, Dynamics

Array = np.ndarray


@dataclass(frozen=True)
class Population:
    """What the cars of the training set tell of a new car, in coordinates: mean and std (K,) of each."""

    mean: Array
    std: Array


def positive(dynamics: Dynamics) -> Array:
    """Return which combinations (K,) are positive by their bounds."""
    return dynamics.combinations.low > 0


def to_coordinates(dynamics: Dynamics, combinations: Array) -> Array:
    """Return the coordinates of combinations (..., K)."""
    log = positive(dynamics)
    return np.where(log, np.log(np.where(log, combinations, 1.0)), combinations)


def from_coordinates(dynamics: Dynamics, u: Array) -> Array:
    """Return the combinations of coordinates (..., K); the reverse of `to_coordinates`."""
    log = positive(dynamics)
    return np.where(log, np.exp(np.where(log, u, 0.0)), u)


def traced_combinations(dynamics: Dynamics, u: jnp.ndarray) -> jnp.ndarray:
    """Return the combinations (K, ...) of coordinates (K, ...) within a compiled function."""
    log = positive(dynamics).reshape(-1, *[1] * (u.ndim - 1))
    return jnp.where(log, jnp.exp(jnp.where(log, u, 0.0)), u)


def bounds(dynamics: Dynamics) -> tuple[Array, Array]:
    """Return the lower and upper bounds (K,) of coordinates."""
    layout = dynamics.combinations
    return to_coordinates(dynamics, layout.low), to_coordinates(dynamics, layout.high)


def population(dynamics: Dynamics, fitted: Arrays, use: bool) -> Population:
    """Return the distribution of cars: of the training set where its cars are known and used, else of the bounds.

    What the training set does not tell has the middle of its bounds, and half of their distance as std.
    """
    low, high = bounds(dynamics)
    mean, std = (low + high) / 2, np.maximum((high - low) / 2, 1e-12)
    if use and "population_mean" in fitted:
        for k, name in enumerate(dynamics.combinations.names):
            if name in COMBINED:
                mean[k] = fitted["population_mean"][COMBINED.index(name)]
                # a set of equal cars tells their value, and not that no other is possible
                std[k] = max(float(fitted["population_std"][COMBINED.index(name)]), 1e-3)
    free = dynamics.free
    return Population(np.where(free, mean, low), std)


def comparison(dynamics: Dynamics) -> Array | None:
    """Return the matrix (6, K) that takes coordinates to the logarithms of COMBINED; None where there are none.

    Pacejka tyres have the cornering stiffness B C D at small slip.
    """
    names = dynamics.combinations.names
    if not names:
        return None
    matrix = np.zeros((len(COMBINED), len(names)))
    for row, name in enumerate(COMBINED):
        axle = name[-1]
        parts = [f"{tyre}_{axle}" for tyre in "BCD"] if name.startswith("mu_C_S") and name not in names else [name]
        for part in parts:
            matrix[row, names.index(part)] = 1.0
    return matrix
