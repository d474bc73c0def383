"""The circular restricted three-body problem of Earth and Moon, in axes that rotate with them.

Origin at the barycentre, Earth at (-m, 0, 0), Moon at (1 - m, 0, 0), both at rest. The unit of length is their
distance, and the axes turn by one radian per unit of time:

    a = (2 vy + x, -2 vx + y, 0) - (1 - m) r1 / r1^3 - m r2 / r2^3      r1, r2: from Earth, from Moon

An orbit starts from geocentric elements in inertial axes, whose ranges the configuration gives in km; `period` is that
of the Kepler orbit of these elements. *Good values*: semi_major_axis [60000, 180000], eccentricity [0, 0.3]; nearer to
the Earth the pull of the Moon is negligible. Source: Szebehely, Theory of Orbits (1967), ch. 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trainers.two_body.orbits.elements import sample_orbits
from trainers.two_body.orbits.units import EARTH_MU, EARTH_RADIUS_KM, TIME_UNIT_S

MOON_MU, DISTANCE_KM = 4902.800066, 384400.0
MASS_RATIO = MOON_MU / (EARTH_MU + MOON_MU)
CONSTANTS = {"mass_ratio": MASS_RATIO}
UNITS = {"length_unit_km": DISTANCE_KM, "time_unit_s": (DISTANCE_KM**3 / (EARTH_MU + MOON_MU)) ** 0.5}


def acceleration(position: Any, velocity: Any) -> Any:
    """Return the gravity of both bodies plus Coriolis and centrifugal acceleration."""
    (x, y, z), (vx, vy, _) = position, velocity
    earth, moon = _pulls(x, y, z)
    pull = earth + moon
    ax = 2.0 * vy + x - earth * (x + MASS_RATIO) - moon * (x - 1.0 + MASS_RATIO)
    return position.__array_namespace__().stack([ax, y - 2.0 * vx - pull * y, -pull * z])


def invariants(state: Any) -> dict[str, Any]:
    """Return the Jacobi constant `C = x^2 + y^2 + 2 (1 - m)/r1 + 2 m/r2 - v^2`."""
    x, y, z, vx, vy, vz = state
    r1, r2 = _distances(x, y, z)
    potential = x * x + y * y + 2.0 * (1.0 - MASS_RATIO) / r1 + 2.0 * MASS_RATIO / r2
    return {"jacobi_constant": potential - vx * vx - vy * vy - vz * vz}


def sample(config: Any, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Draw orbits about the Earth and transform them to the rotating axes: `v' = v - e_z x r`, r from the Earth."""
    states, periods, parameters = sample_orbits(config, rng)
    length, time = EARTH_RADIUS_KM / UNITS["length_unit_km"], TIME_UNIT_S / UNITS["time_unit_s"]
    x, y, z, vx, vy, vz = states.T * np.repeat([length, length / time], 3)[:, None]
    parameters |= {"semi_major_axis": parameters["semi_major_axis"] * length, "period": periods * time}
    return np.stack([x - MASS_RATIO, y, z, vx + y, vy - x, vz], axis=1), periods * time, parameters


def _distances(x: Any, y: Any, z: Any) -> tuple[Any, Any]:
    off_axis = y * y + z * z
    return ((x + MASS_RATIO) ** 2 + off_axis) ** 0.5, ((x - 1.0 + MASS_RATIO) ** 2 + off_axis) ** 0.5


def _pulls(x: Any, y: Any, z: Any) -> tuple[Any, Any]:
    """Return `(1 - m) / r1^3` and `m / r2^3`."""
    r1, r2 = _distances(x, y, z)
    return (1.0 - MASS_RATIO) / r1**3, MASS_RATIO / r2**3
