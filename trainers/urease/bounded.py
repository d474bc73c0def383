"""Normal coordinates of unknowns with a uniform prior: the prior becomes a standard normal distribution.

    z = Phi^-1((theta - low)/(high - low))

No density lies outside the box, and a posterior that says nothing is the standard normal itself. A logistic transform
would make it a logistic distribution, which a flow has to learn.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

Array = np.ndarray

EDGE = 1e-6
"""Nearest to the edge of the box that a coordinate tells apart, in parts of the box."""


def to_normal(theta: Array, low: Array, high: Array) -> Array:
    """Return normal coordinates (..., P) of unknowns (..., P); a range without width has the coordinate 0."""
    width = np.where(high > low, high - low, 1.0)
    share = np.where(high > low, (theta - low) / width, 0.5)
    return np.asarray(ndtri(np.clip(share, EDGE, 1 - EDGE)))


def from_normal(z: Array, low: Array, high: Array) -> Array:
    """Return unknowns (..., P) of normal coordinates."""
    return np.asarray(low + (high - low) * ndtr(z))


def log_density_of_box(z: Array, low: Array, high: Array) -> Array:
    """Return the log of |dz/dtheta| summed over the unknowns (...): what turns a density of z into one of theta."""
    return np.asarray((0.5 * z**2 + 0.5 * np.log(2 * np.pi) - np.log(high - low)).sum(axis=-1))
