"""Random orbits: one row of uniform numbers per orbit, mapped to orbital elements without rejection."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from trainers.two_body.orbits.kepler import TURN, Elements, elements_to_states, period
from trainers.two_body.orbits.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainers.two_body.config import DatasetConfig

PRINTED = {"semi_major_axis": 35359.730, "eccentricity": 0.37370604, "true_anomaly": 5.6238999}
"""The one orbit whose elements the literature prints, [km, 1, rad]; planar, here with its apse line along x."""

PARAMETER_UNITS = {
    "semi_major_axis": "DU",
    "eccentricity": "1",
    "inclination": "rad",
    "raan": "rad",
    "argument_of_perigee": "rad",
    "true_anomaly": "rad",
    "period": "TU",
}

ANGLES = ("raan", "argument_of_perigee", "true_anomaly")
"""Elements that are equal modulo 2 pi, and are averaged as directions."""

MEAN_ORBIT = -1
"""Number, in tables, of the orbit of mean elements of a set; it is not one of the set's own orbits."""

LARGEST_ECCENTRICITY = {"complex": 1.0, "simple": 0.3, "circular": 0.0}


class Draw(NamedTuple):
    """Uniform numbers in [0, 1), one column (N,) per random element.

    Every family draws every column, used or not: orbit k is then the same in sets of any size, and the variants of a
    set (fixed true anomaly, circular, 3D) share with it all elements that they do not fix.
    """

    semi_major_axis: np.ndarray
    eccentricity: np.ndarray
    argument_of_perigee: np.ndarray
    true_anomaly: np.ndarray
    inclination: np.ndarray
    raan: np.ndarray


def sample_orbits(
    config: DatasetConfig, rng: np.random.Generator, body_radius_km: float = EARTH_RADIUS_KM
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Draw orbits about a body of mu = 1 -> states (N, 6), periods (N,), parameters (N,) each [DU, TU, rad]."""
    elements = sample_elements(config, rng, body_radius_km)
    periods = period(elements.semi_major_axis)
    return elements_to_states(elements), periods, {**elements._asdict(), "period": periods}


def sample_elements(
    config: DatasetConfig, rng: np.random.Generator, body_radius_km: float = EARTH_RADIUS_KM
) -> Elements:
    """Draw the elements of `config.orbits` orbits whose perigee lies above the surface of a body of radius R.

    - a: uniform in its range, from where the smallest eccentricity clears the body, `a > R / (1 - e_min)`;
    - e: uniform from its smallest value up to the largest that clears the body, `e < 1 - R / a`. For a given a this is
      the distribution of an e that is redrawn, a fixed, until `a (1 - e) > R`; there is no further margin;
    - planar: i = RAAN = 0; the argument of perigee is 0, or uniform with `apse: random`;
    - 3D: the orbit normal uniform on the sphere (cos i uniform), RAAN and argument of perigee uniform;
    - circular: e = 0, and the argument of perigee, which is undefined, 0; the true anomaly counts from the node;
    - true anomaly: uniform in [0, 2 pi), or fixed.

    Raises:
        ValueError: no orbit of the ranges clears the body, or the family does not fit the configuration.
    """
    if config.family == "printed":
        return _printed_elements(config)
    draw = Draw(*np.ascontiguousarray(rng.random((config.orbits, len(Draw._fields))).T))
    a, e = _shape(config, draw, body_radius_km)
    zeros = np.zeros(config.orbits)
    aligned = config.family == "circular" or (config.planar and config.apse == "aligned")
    return Elements(
        semi_major_axis=a,
        eccentricity=e,
        inclination=zeros if config.planar else np.arccos(1.0 - 2.0 * draw.inclination),
        raan=zeros if config.planar else TURN * draw.raan,
        argument_of_perigee=zeros if aligned else TURN * draw.argument_of_perigee,
        true_anomaly=_true_anomaly(config, TURN * draw.true_anomaly),
    )


def _shape(config: DatasetConfig, draw: Draw, body_radius_km: float) -> tuple[np.ndarray, np.ndarray]:
    """Return semi-major axes [DU] and eccentricities (N,) of orbits that clear the body."""
    (a_low, a_high), (e_low, e_high) = config.semi_major_axis, config.eccentricity
    e_high = min(e_high, LARGEST_ECCENTRICITY[config.family])
    if e_low > e_high:
        raise ValueError(f"eccentricity starts at {e_low}; family {config.family} ends at {e_high}; lower the start")
    a_low = max(a_low, body_radius_km / (1.0 - e_low))
    if a_low > a_high:
        raise ValueError(
            f"semi_major_axis ends at {a_high} km; with eccentricity {e_low} an orbit clears the body "
            f"(radius {body_radius_km} km) from {a_low:.1f} km on; raise the end or lower the eccentricity"
        )
    a = a_low + (a_high - a_low) * draw.semi_major_axis
    e = e_low + (np.minimum(e_high, 1.0 - body_radius_km / a) - e_low) * draw.eccentricity
    return a / EARTH_RADIUS_KM, e


def _printed_elements(config: DatasetConfig) -> Elements:
    if config.orbits != 1 or not config.planar:
        raise ValueError(
            f"family printed is a single planar orbit; given orbits {config.orbits}, planar {config.planar}; "
            "set orbits: 1, planar: true"
        )
    a, e, nu = (np.array([value]) for value in PRINTED.values())
    zero = np.zeros(1)
    return Elements(a / EARTH_RADIUS_KM, e, zero, zero, zero, _true_anomaly(config, nu))


def _true_anomaly(config: DatasetConfig, free: np.ndarray) -> np.ndarray:
    """Return the true anomaly of the first points [rad]: `free`, unless the configuration fixes it."""
    if config.true_anomaly == "random":
        return free
    return np.full_like(free, np.deg2rad(config.true_anomaly))


def mean_elements(parameters: Mapping[str, np.ndarray]) -> Elements:
    """Return the mean elements (1,) of orbits (N,): angles by their mean direction, everything else by its mean."""
    means = {}
    for name in Elements._fields:
        values = np.asarray(parameters[name], np.float64)
        direction = np.angle(np.mean(np.exp(1j * values))) % TURN
        means[name] = np.array([direction if name in ANGLES else values.mean()])
    return Elements(**means)
