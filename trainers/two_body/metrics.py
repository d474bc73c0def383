"""Errors of predicted motion and accelerations, point by point; vectors and states in the last axis."""

from __future__ import annotations

import numpy as np

from trainers.two_body.orbits.kepler import mean_anomaly

OUTWARD_COSINE = 1e-9
"""An acceleration points outward when its cosine with the position exceeds this."""

CIRCULAR = 1e-8
"""Below this eccentricity, anomalies count from the first position instead of from periapsis."""

Array = np.ndarray


def relative_error(value: Array, truth: Array) -> Array:
    """Return `100 |value - truth| / |truth|` [%], (...)."""
    return 100 * np.linalg.norm(value - truth, axis=-1) / np.linalg.norm(truth, axis=-1)


def magnitude_error(value: Array, truth: Array) -> Array:
    """Return `100 ||value| - |truth|| / |truth|` [%], (...): the error of the size alone, see `angle`."""
    size = np.linalg.norm(truth, axis=-1)
    return 100 * np.abs(np.linalg.norm(value, axis=-1) - size) / size


def angle(a: Array, b: Array) -> Array:
    """Return the angle between two vectors `atan2(|a x b|, a . b)` [degrees], exact also near 0 and 180."""
    return np.rad2deg(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1)))


def radial_cosine(acceleration: Array, position: Array) -> Array:
    """Return `a . r / (|a| |r|)`: -1 attracts, +1 repels."""
    lengths = np.linalg.norm(acceleration, axis=-1) * np.linalg.norm(position, axis=-1)
    return np.sum(acceleration * position, axis=-1) / lengths


def transverse_fraction(acceleration: Array, position: Array) -> Array:
    """Return the part of an acceleration that is not along the position, `100 |a x r| / (|a| |r|)` [%]."""
    lengths = np.linalg.norm(acceleration, axis=-1) * np.linalg.norm(position, axis=-1)
    return 100 * np.linalg.norm(np.cross(acceleration, position), axis=-1) / lengths


def relative_change(values: Array) -> Array:
    """Return `100 (q_k - q_0) / max(|q_0|, 0.01)` of a conserved quantity (N, T) [%]."""
    return 100 * (values - values[:, :1]) / np.maximum(np.abs(values[:, :1]), 0.01)


def sign_flips(channel: Array) -> Array:
    """Return for each step (N, T) whether the sign differs from the step before, as 0 or 1; NaN at the first step."""
    flips = np.full(channel.shape, np.nan)
    both = np.isfinite(channel[:, 1:]) & np.isfinite(channel[:, :-1])
    flips[:, 1:] = np.where(both, np.signbit(channel[:, 1:]) != np.signbit(channel[:, :-1]), np.nan)
    return flips


def true_anomaly(states: Array, reference: Array, mu: float) -> Array:
    """Return the angle (N, T) of positions from the periapsis of the orbit through the states `reference` (N, 6) [rad].

    In the plane of that orbit, positive in the direction of motion; from the reference position if it is circular.
    """
    r, v = reference[:, :3], reference[:, 3:]
    momentum = np.cross(r, v)
    apse = np.cross(v, momentum) / mu - r / np.linalg.norm(r, axis=-1, keepdims=True)
    eccentric = np.linalg.norm(apse, axis=-1, keepdims=True) > CIRCULAR
    p = np.where(eccentric, apse, r)
    p = p / np.linalg.norm(p, axis=-1, keepdims=True)
    q = np.cross(momentum / np.linalg.norm(momentum, axis=-1, keepdims=True), p)
    position = states[..., :3]
    return np.arctan2(np.einsum("ntc,nc->nt", position, q), np.einsum("ntc,nc->nt", position, p))


def phase_lead(predicted: Array, truth: Array, mu: float) -> Array:
    """Return the lead (N, T) of predicted motion (N, T, 6) over the true one in mean anomaly [degrees].

    The direction of each position is a true anomaly on the true initial orbit, and its mean anomaly a time: 1 degree
    is 1/360 of a period. Continuous in time; negative where the model lags.
    """
    eccentricity = orbit_eccentricity(truth[:, 0], mu)[:, None]
    anomalies = [mean_anomaly(true_anomaly(states, truth[:, 0], mu), eccentricity) for states in (predicted, truth)]
    return np.rad2deg(np.unwrap(anomalies[0] - anomalies[1], axis=1))


def orbit_eccentricity(state: Array, mu: float) -> Array:
    """Return the eccentricity (N,) of the orbits through states (N, 6), 0 below 1e-8."""
    r, v = state[:, :3], state[:, 3:]
    apse = np.cross(v, np.cross(r, v)) / mu - r / np.linalg.norm(r, axis=-1, keepdims=True)
    eccentricity = np.linalg.norm(apse, axis=-1)
    return np.where(eccentricity > CIRCULAR, eccentricity, 0.0)
