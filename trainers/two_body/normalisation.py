"""Units of the network: lengths and times in which the training orbits are of order one."""

from __future__ import annotations

import numpy as np

from trainers.study import Arrays
from trainers.two_body.problems import load_problem


def units_of(fitted: Arrays) -> tuple[float, float]:
    """Return the network's units of length and time, in units of the dataset."""
    return float(fitted["length_unit"]), float(fitted["time_unit"])


def state_units(fitted: Arrays) -> np.ndarray:
    """Return the divisors (6,) that turn states of the dataset into those of the network."""
    length, time = units_of(fitted)
    return np.repeat([length, length / time], 3)


def normalised_acceleration(fitted: Arrays, problem: str, state: np.ndarray) -> np.ndarray:
    """Return the true acceleration (3, ...) of a problem at states (6, ...), both in the network's units."""
    length, time = units_of(fitted)
    divisors = state_units(fitted).reshape(6, *[1] * (state.ndim - 1))
    physical = state * divisors
    return load_problem(problem).acceleration(physical[:3], physical[3:]) * (time**2 / length)
