"""The isotropic harmonic oscillator `dv/dt = -omega^2 r`: gravity inside a homogeneous Earth, omega = 1/TU.

Its orbits are ellipses about their centre, `r = a cos(phi) p + b sin(phi) q`, all with period 2 pi / omega.
`semi_major_axis` is a, `eccentricity` gives `b = a sqrt(1 - e^2)`, `true_anomaly` is the phase phi of the first
point. No body has to be avoided, so that any eccentricity is allowed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trainers.two_body.orbits.elements import sample_elements
from trainers.two_body.orbits.kepler import TURN, perifocal_axes
from trainers.two_body.orbits.units import CANONICAL as UNITS

__all__ = ["CONSTANTS", "DIMENSIONS", "UNITS", "acceleration", "invariants", "sample"]

OMEGA = 1.0
CONSTANTS = {"omega": OMEGA}
DIMENSIONS = {"omega": (0, -1)}


def acceleration(position: Any, velocity: Any) -> Any:
    """Return `-omega^2 r` [DU/TU^2]."""
    return -(OMEGA**2) * position


def invariants(state: Any) -> dict[str, Any]:
    """Return the energy `(v^2 + omega^2 r^2) / 2`."""
    return {"energy": 0.5 * ((state[3:] ** 2).sum(0) + OMEGA**2 * (state[:3] ** 2).sum(0))}


def sample(config: Any, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Draw ellipses about the origin."""
    elements = sample_elements(config, rng, body_radius_km=0.0)
    major, (p, q), phase = elements.semi_major_axis, perifocal_axes(elements), elements.true_anomaly
    minor = major * np.sqrt(1.0 - elements.eccentricity**2)
    position = major * np.cos(phase) * p + minor * np.sin(phase) * q
    velocity = OMEGA * (minor * np.cos(phase) * q - major * np.sin(phase) * p)
    periods = np.full(config.orbits, TURN / OMEGA)
    return np.concatenate([position, velocity]).T, periods, {**elements._asdict(), "period": periods}
