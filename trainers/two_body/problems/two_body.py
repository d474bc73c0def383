"""Motion about a point mass: `dr/dt = v`, `dv/dt = -mu r / |r|^3`; on a log-log plot |a| falls with slope -2."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainers.two_body.orbits.elements import sample_orbits as sample
from trainers.two_body.orbits.kepler import TURN, Elements, mean_anomaly, states_at
from trainers.two_body.orbits.units import CANONICAL as UNITS

__all__ = ["CONSTANTS", "DIMENSIONS", "UNITS", "acceleration", "invariants", "sample", "solution"]

CONSTANTS = {"mu": 1.0}
DIMENSIONS = {"mu": (3, -2)}


def acceleration(position: Any, velocity: Any) -> Any:
    """Return `-r / |r|^3` [DU/TU^2]."""
    square = (position * position).sum(0)
    return -position / (square * square**0.5)


def invariants(state: Any) -> dict[str, Any]:
    """Return the orbital energy `v^2/2 - 1/r` and the angular momentum `|r x v|`."""
    x, y, z, vx, vy, vz = state
    axial = (y * vz - z * vy) ** 2 + (z * vx - x * vz) ** 2 + (x * vy - y * vx) ** 2
    energy = 0.5 * (vx * vx + vy * vy + vz * vz) - (x * x + y * y + z * z) ** -0.5
    return {"energy": energy, "angular_momentum": axial**0.5}


def solution(parameters: dict[str, np.ndarray], t: np.ndarray) -> np.ndarray:
    """Return the exact states (N, T, 6) at times (N, T) since the true anomaly of the elements."""
    elements = Elements(*(parameters[name] for name in Elements._fields))
    first = mean_anomaly(elements.true_anomaly, elements.eccentricity)
    return states_at(elements, first[:, None] + TURN * t / parameters["period"][:, None])
