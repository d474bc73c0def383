"""Motion about the oblate Earth: the point mass and the second zonal harmonic J2 of its gravity.

    a = -r / r^3 - 3/2 J2 / r^5 [(1 - 5 z^2/r^2) r + 2 z e_z]        (DU, TU; mu = R = 1)

Orbits are drawn as for `two_body`; their elements are the osculating ones at the first point.
Source: Vallado, Fundamentals of Astrodynamics and Applications, 4th ed., eq. 8-30.
"""

from __future__ import annotations

from typing import Any

from trainers.two_body.orbits.elements import sample_orbits as sample
from trainers.two_body.orbits.units import CANONICAL as UNITS

__all__ = ["CONSTANTS", "DIMENSIONS", "UNITS", "acceleration", "invariants", "sample"]

J2 = 1.08262668e-3
"""Second zonal harmonic of the Earth [1] (EGM96)."""

CONSTANTS = {"mu": 1.0, "J2": J2}
DIMENSIONS = {"mu": (3, -2)}


def acceleration(position: Any, velocity: Any) -> Any:
    """Return point-mass and J2 gravity [DU/TU^2]."""
    x, y, z = position
    square = x * x + y * y + z * z
    oblate = 1.5 * J2 / square
    across = -(1.0 + oblate * (1.0 - 5.0 * z * z / square)) / (square * square**0.5)
    return position.__array_namespace__().stack([across * x, across * y, (across - 2.0 * oblate / square**1.5) * z])


def invariants(state: Any) -> dict[str, Any]:
    """Return the energy `v^2/2 - 1/r + J2 (3 z^2/r^2 - 1) / (2 r^3)` and the axial angular momentum `h_z`."""
    x, y, z, vx, vy, vz = state
    square = x * x + y * y + z * z
    potential = (0.5 * J2 * (3.0 * z * z / square - 1.0) / square - 1.0) / square**0.5
    return {"energy": 0.5 * (vx * vx + vy * vy + vz * vz) + potential, "angular_momentum_z": x * vy - y * vx}
