"""Lengths, directions and the orbital frame, with gradients that stay finite where these are undefined.

Arrays carry channels first: a vector is (3, ...), a scalar (...).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainers.common.lazy import LazyModule

if TYPE_CHECKING:
    from jax import Array

jnp = LazyModule("jax.numpy")

SMALLEST_LENGTH = 1e-6
"""Smallest radius or speed in an inverse or a logarithm [normalised units]."""

SMALLEST_SINE = 1e-4
"""Below this sine of the angle between position and velocity the orbital plane counts as undefined; bound orbits
reach it only for 1 - e < 5e-9, and single precision needs the margin."""


def norm(vector: Array) -> Array:
    """Return the Euclidean norm over channels, (C, ...) -> (...), with gradient 0 at the zero vector; NaN stays NaN."""
    square = jnp.sum(vector * vector, axis=0)
    # both branches of `where` are differentiated, and the gradient of sqrt at 0 is infinite: hence the inner one
    zero = square == 0
    return jnp.where(zero, 0.0, jnp.sqrt(jnp.where(zero, 1.0, square)))


def unit(vector: Array) -> Array:
    """Return `vector / norm(vector)`, (C, ...) -> (C, ...); the zero vector stays zero."""
    length = norm(vector)
    return vector / jnp.where(length == 0, 1.0, length)


def floored(length: Array) -> Array:
    """Return `max(length, 1e-6)`, so that inverses and logarithms stay finite."""
    return jnp.maximum(length, SMALLEST_LENGTH)


def cross(a: Array, b: Array) -> Array:
    """Return the vector product `a x b`, (3, ...)."""
    return jnp.stack((a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]))


def radial_transverse(state: Array) -> tuple[Array, Array]:
    """Return `v_r = r_hat . v` and `v_t = norm(r x v) / r >= 0` of states (6, ...), each (...)."""
    position, velocity = state[:3], state[3:]
    radial = jnp.sum(unit(position) * velocity, axis=0)
    return radial, norm(cross(position, velocity)) / floored(norm(position))


def rtn_basis(state: Array) -> tuple[Array, Array, Array]:
    """Return the radial, transverse and normal unit vectors of states (6, ...), each (3, ...).

        R = r / |r|,   N = r x v / |r x v|,   T = N x R

    Also called RSW. Right-handed and orthonormal wherever r != 0. Radial motion (`r x v = 0`) has no orbital plane;
    there N is the direction orthogonal to R that is nearest to the z axis (to the x axis if R lies along z), so that a
    planar problem keeps N = z. Source: Vallado, Fundamentals of Astrodynamics, section 3.3.
    """
    position, velocity = state[:3], state[3:]
    momentum = cross(position, velocity)
    defined = norm(momentum) > SMALLEST_SINE * norm(position) * norm(velocity)
    radial = unit(position)
    normal = jnp.where(defined, unit(momentum), _any_normal(radial))
    return radial, cross(normal, radial), normal


def _any_normal(radial: Array) -> Array:
    """Return a unit vector orthogonal to `radial`: the z axis, or the x axis, without its radial part."""
    upright = jnp.abs(radial[2]) < 0.9
    zero, one = jnp.zeros_like(radial[0]), jnp.ones_like(radial[0])
    axis = jnp.where(upright, jnp.stack((zero, zero, one)), jnp.stack((one, zero, zero)))
    return unit(axis - jnp.sum(axis * radial, axis=0) * radial)
