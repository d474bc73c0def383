"""The generating law of a dataset, in its own units and in those of the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from trainers.study import Arrays
from trainers.two_body.problems import load_problem


def units_of(fitted: Arrays) -> tuple[float, float]:
    """Return the network's units of length and time, in units of the dataset."""
    return float(fitted["length_unit"]), float(fitted["time_unit"])


def state_units(fitted: Arrays) -> np.ndarray:
    """Return the divisors (6,) that take states of the dataset to those of the network."""
    length, time = units_of(fitted)
    return np.repeat([length, length / time], 3)


def law_field(problem: str) -> Callable[[Any], Any]:
    """Return `f`, states (6, ...) of the dataset -> dy/dt (6, ...) by the problem's own equation of motion."""
    acceleration = load_problem(problem).acceleration

    def field(state: Any) -> Any:
        xp = state.__array_namespace__()
        return xp.concat([state[3:], acceleration(state[:3], state[3:])])

    return field


def normalised_acceleration(fitted: Arrays, problem: str, state: np.ndarray) -> np.ndarray:
    """Return the true acceleration (3, ...) at states (6, ...), both in the network's units."""
    length, time = units_of(fitted)
    divisors = state_units(fitted).reshape(6, *[1] * (state.ndim - 1))
    physical = state * divisors
    return load_problem(problem).acceleration(physical[:3], physical[3:]) * (time**2 / length)
