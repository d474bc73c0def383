"""The elements of given states: the inverse of `elements_to_states`, by which the tests judge simulated orbits."""

from __future__ import annotations

import numpy as np

from trainers.two_body.orbits.kepler import TURN, Elements

SINGULAR = 1e-11
"""Below this eccentricity the apse line, and below this sine of the inclination the line of nodes, is undefined."""


def states_to_elements(states: np.ndarray) -> Elements:
    """Return the elements, angles in [0, 2 pi), of the ellipses through the states (N, 6).

    The node of an equatorial orbit is put on the x axis and the perigee of a circular orbit on its node.

    Raises:
        ValueError: if a state is not on an ellipse, i.e. its energy is not negative.
    """
    r, v = states[:, :3], states[:, 3:]
    radius, axial = _norm(r), np.cross(r, v)
    energy = 0.5 * _norm(v) ** 2 - 1.0 / radius
    if not np.all(energy < 0.0):
        raise ValueError(f"largest orbital energy is {energy.max():g}; expected closed orbits, energy < 0")
    inclination, node = _plane(axial)
    forward = np.cross(axial / _norm(axial)[:, None], node)
    apse = np.cross(v, axial) - r / radius[:, None]
    eccentricity = _norm(apse)
    perigee = np.where(eccentricity < SINGULAR, 0.0, _angle(apse, node, forward))
    return Elements(
        semi_major_axis=-0.5 / energy,
        eccentricity=eccentricity,
        inclination=inclination,
        raan=np.arctan2(node[:, 1], node[:, 0]) % TURN,
        argument_of_perigee=perigee % TURN,
        true_anomaly=(_angle(r, node, forward) - perigee) % TURN,
    )


def _plane(axial: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return inclinations (N,) and unit vectors to the ascending node (N, 3) of angular momenta (N, 3)."""
    level = np.hypot(axial[:, 0], axial[:, 1])
    node = np.stack([-axial[:, 1], axial[:, 0], np.zeros_like(level)], axis=1)
    equatorial = (level < SINGULAR * _norm(axial))[:, None]
    safe = np.where(equatorial, 1.0, level[:, None])
    return np.arctan2(level, axial[:, 2]), np.where(equatorial, [1.0, 0.0, 0.0], node / safe)


def _angle(vector: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.arctan2((vector * second).sum(axis=1), (vector * first).sum(axis=1))


def _norm(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt((vectors * vectors).sum(axis=1))
