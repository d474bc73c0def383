"""Exact two-body motion: Kepler's equation, and states from orbital elements.

Canonical units (mu = 1) and radians throughout; every function broadcasts over its arguments and holds for
eccentricities 0 <= e < 1. Differences that cancel as e -> 1, such as `E - sin E` near perigee, are evaluated in forms
that keep full precision.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

TURN = 2.0 * np.pi
"""A full turn [rad]."""


class Elements(NamedTuple):
    """Classical orbital elements, arrays of one shape; lengths in DU, angles in radians."""

    semi_major_axis: np.ndarray
    eccentricity: np.ndarray
    inclination: np.ndarray
    raan: np.ndarray
    """Right ascension of the ascending node; 0 for an equatorial orbit."""
    argument_of_perigee: np.ndarray
    """Angle from the node to perigee in the direction of motion; 0 for a circular orbit."""
    true_anomaly: np.ndarray


def eccentric_anomaly(mean_anomaly: np.ndarray, eccentricity: np.ndarray) -> np.ndarray:
    """Solve Kepler's equation `M = E - e sin E` for E, to machine precision and without iteration.

    A cubic starter, then one fifth-order correction: two transcendental evaluations for any e in [0, 1) and any M,
    without a loop.

    Source: Markley, Celestial Mechanics and Dynamical Astronomy 63 (1995) 101-111.
    """
    turns = TURN * np.rint(mean_anomaly / TURN)
    reduced = mean_anomaly - turns
    size = np.abs(reduced)
    return np.copysign(_correct(_starter(size, eccentricity), size, eccentricity), reduced) + turns


def _starter(m: np.ndarray, e: np.ndarray) -> np.ndarray:
    """Return E of the cubic that approximates Kepler's equation on 0 <= M <= pi (Markley, eqs. 15-20)."""
    alpha = (3.0 * np.pi**2 + 1.6 * np.pi * (np.pi - m) / (1.0 + e)) / (np.pi**2 - 6.0)
    d = 3.0 * (1.0 - e) + alpha * e
    q = 2.0 * alpha * d * (1.0 - e) - m * m
    r = (3.0 * alpha * d * (d - 1.0 + e) + m * m) * m
    root = np.cbrt(r + np.sqrt(q * q * q + r * r))
    w = root * root
    return (2.0 * r * w / (w * w + w * q + q * q) + m) / d


def _correct(anomaly: np.ndarray, m: np.ndarray, e: np.ndarray) -> np.ndarray:
    """Improve E by one step of fifth order (Markley, eqs. 21-25)."""
    # versine = 1 - cos E, by the half angle without cancellation
    sine, versine = np.sin(anomaly), 2.0 * np.sin(0.5 * anomaly) ** 2
    f0 = (1.0 - e) * anomaly + e * _excess(anomaly, sine) - m
    f1 = (1.0 - e) + e * versine
    f2, f3 = e * sine, e * (1.0 - versine)
    step = -f0 / (f1 - 0.5 * f0 * f2 / f1)
    step = -f0 / (f1 + step * (f2 / 2.0 + step * f3 / 6.0))
    step = -f0 / (f1 + step * (f2 / 2.0 + step * (f3 / 6.0 - step * f2 / 24.0)))
    return anomaly + step


def _excess(angle: np.ndarray, sine: np.ndarray) -> np.ndarray:
    """Return `x - sin x` with full relative precision: its series below 1/2, the difference above."""
    square = angle * angle
    series = np.ones_like(angle)
    for order in (156.0, 110.0, 72.0, 42.0, 20.0):
        series = 1.0 - series * square / order
    return np.where(angle < 0.5, series * square * angle / 6.0, angle - sine)


def mean_anomaly(true_anomaly: np.ndarray, eccentricity: np.ndarray) -> np.ndarray:
    """Return M in (-pi, pi] at true anomaly nu: `tan(E/2) = sqrt((1-e)/(1+e)) tan(nu/2)`, `M = E - e sin E`."""
    half = 0.5 * np.asarray(true_anomaly)
    anomaly = 2.0 * np.arctan2(np.sqrt(1.0 - eccentricity) * np.sin(half), np.sqrt(1.0 + eccentricity) * np.cos(half))
    anomaly = anomaly - TURN * np.rint(anomaly / TURN)
    size = np.abs(anomaly)
    return np.copysign((1.0 - eccentricity) * size + eccentricity * _excess(size, np.sin(size)), anomaly)


def period(semi_major_axis: np.ndarray) -> np.ndarray:
    """Return the orbital period `T = 2 pi sqrt(a^3 / mu)` [TU] (Kepler's third law)."""
    return TURN * semi_major_axis * np.sqrt(semi_major_axis)


def states_at(elements: Elements, mean_anomalies: np.ndarray) -> np.ndarray:
    """Return the states (N, T, 6) of N orbits at mean anomalies (N, T).

    In the perifocal frame, with `r = a (1 - e cos E)`:

        position = (a (cos E - e), a sqrt(1 - e^2) sin E)
        velocity = sqrt(mu a) / r (-sin E, sqrt(1 - e^2) cos E)
    """
    a, e = elements.semi_major_axis[:, None], elements.eccentricity[:, None]
    half = 0.5 * eccentric_anomaly(mean_anomalies, e)
    sin_half, cos_half = np.sin(half), np.cos(half)
    sine, versine = 2.0 * sin_half * cos_half, 2.0 * sin_half * sin_half
    minor = np.sqrt((1.0 - e) * (1.0 + e))
    speed = np.sqrt(a) / (a * ((1.0 - e) + e * versine))
    along = a * ((1.0 - e) - versine), -speed * sine
    across = a * minor * sine, speed * minor * (1.0 - versine)
    return _rotate(elements, along, across)


def _rotate(elements: Elements, along: tuple[np.ndarray, ...], across: tuple[np.ndarray, ...]) -> np.ndarray:
    """Rotate (position, velocity), components along the apse line and across it (N, T), to inertial axes (N, T, 6)."""
    states = np.empty((*along[0].shape, 6))
    for axis, (p, q) in enumerate(zip(*perifocal_axes(elements), strict=True)):
        states[..., axis] = along[0] * p[:, None] + across[0] * q[:, None]
        states[..., axis + 3] = along[1] * p[:, None] + across[1] * q[:, None]
    return states


def perifocal_axes(elements: Elements) -> tuple[np.ndarray, np.ndarray]:
    """Return the unit vectors p and q (3, N): towards perigee, and 90 degrees further in the direction of motion."""
    cos_i, sin_i = np.cos(elements.inclination), np.sin(elements.inclination)
    cos_o, sin_o = np.cos(elements.raan), np.sin(elements.raan)
    cos_w, sin_w = np.cos(elements.argument_of_perigee), np.sin(elements.argument_of_perigee)
    perigee = cos_o * cos_w - sin_o * sin_w * cos_i, sin_o * cos_w + cos_o * sin_w * cos_i, sin_w * sin_i
    onward = -cos_o * sin_w - sin_o * cos_w * cos_i, -sin_o * sin_w + cos_o * cos_w * cos_i, cos_w * sin_i
    return np.stack(perigee), np.stack(onward)


def elements_to_states(elements: Elements) -> np.ndarray:
    """Return the states (N, 6) at the true anomaly of N orbits."""
    return states_at(elements, mean_anomaly(elements.true_anomaly, elements.eccentricity)[:, None])[:, 0]
