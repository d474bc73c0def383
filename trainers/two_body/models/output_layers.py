"""Output layers (heads): functions that turn the network's output into an acceleration.

A head maps outputs m (K, ...), states (6, ...) and the scale s to an acceleration (3, ...), all in normalised units.
Letters in the formulas: d = m[1:4], t = tanh(d), eps = 1e-8. The planar constraint is applied afterwards, see
`network.vector_field`. `mlp_4D` is not in the table: it means `mlp_4D_signed` or `mlp_4D_abs` depending on the date of
the source. Nor is `mlp_4D_activation`, of which the sources give the name only.
"""
# ruff: noqa: N802 - functions carry the names of the table

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainers.common.lazy import LazyModule
from trainers.two_body.models.frames import norm, rtn_basis, unit

if TYPE_CHECKING:
    from jax import Array

jnp = LazyModule("jax.numpy")
jnn = LazyModule("jax.nn")

EPS = 1e-8


@dataclass(frozen=True)
class OutputLayer:
    """A head: its formula and the number K of network outputs that it takes."""

    apply: Callable[[Array, Array, float], Array]
    """(m (K, ...), state (6, ...), scale) -> acceleration (3, ...), or dy/dt (6, ...) with `full_derivative`."""
    size: int
    full_derivative: bool = False
    """Whether it returns all six dy/dt rather than the acceleration."""
    signed_magnitude: bool = False
    """Whether m[0] is a magnitude that may change its sign, so that a sign-flip penalty is defined."""


def mlp_simple(m: Array, state: Array, scale: float) -> Array:
    """Return `dy/dt = m` (6): the network gives the velocity as well."""
    return m


def mlp_simple_hybrid(m: Array, state: Array, scale: float) -> Array:
    """Return `a = m[0:3]`, the plain Cartesian head."""
    return m


def mlp_4D_signed(m: Array, state: Array, scale: float) -> Array:
    """Return `a = m0 d`. `(m0, d)` and `(-m0, -d)` give the same vector, so that both signs may flip unnoticed."""
    return m[0] * m[1:4]


def mlp_4D_abs(m: Array, state: Array, scale: float) -> Array:
    """Return `a = |m0| d`: magnitude and direction, with a kink at m0 = 0."""
    return jnp.abs(m[0]) * m[1:4]


def mlp_4D_softplus(m: Array, state: Array, scale: float) -> Array:
    """Return `a = softplus(m0) d`, also known as `mlp_4D_accsoftplus`."""
    return jnn.softplus(m[0]) * m[1:4]


def mlp_4D_signed_unit(m: Array, state: Array, scale: float) -> Array:
    """Return `a = m0 d / (|d| + eps)`: signed magnitude with unit direction."""
    return m[0] * _unit(m[1:4])


def mlp_4D_unit(m: Array, state: Array, scale: float) -> Array:
    """Return `a = |m0| d / (|d| + eps)`.

    The source says only that the direction is normalised; the magnitude here is that of `mlp_4D_abs`.
    """
    return jnp.abs(m[0]) * _unit(m[1:4])


def mlp_4D_unit_scaled(m: Array, state: Array, scale: float) -> Array:
    """Return `a = s |m0| d / (|d| + eps)`: `mlp_4D_unit` times the scale; the source gives no formula."""
    return scale * mlp_4D_unit(m, state, scale)


def mlp_4D_unit_softplus(m: Array, state: Array, scale: float) -> Array:
    """Return `a = softplus(m0) d / |d|`, without eps as printed; 0 where d = 0."""
    return jnn.softplus(m[0]) * unit(m[1:4])


def mlp_4D_logmag_unit_tanh_exp(m: Array, state: Array, scale: float) -> Array:
    """Return `a = s exp(m0) t / (|t| + eps)`."""
    return scale * jnp.exp(m[0]) * _unit(jnp.tanh(m[1:4]))


def mlp_4D_logmag_unit_tanh_softplus(m: Array, state: Array, scale: float) -> Array:
    """Return `a = s (softplus(m0) + eps) t / (|t| + eps)`."""
    return scale * (jnn.softplus(m[0]) + EPS) * _unit(jnp.tanh(m[1:4]))


def mlp_4D_logmag_unit_exp(m: Array, state: Array, scale: float) -> Array:
    """Return `a = s exp(m0) d / (|d| + eps)`: m0 is the logarithm of the magnitude."""
    return scale * jnp.exp(m[0]) * _unit(m[1:4])


def mlp_4D_logmag_unit_softplus(m: Array, state: Array, scale: float) -> Array:
    """Return `a = s (softplus(m0) + eps) d / (|d| + eps)`: up to s and eps `mlp_4D_unit_softplus`."""
    return scale * (jnn.softplus(m[0]) + EPS) * _unit(m[1:4])


def mlp_4D_logmag_exp(m: Array, state: Array, scale: float) -> Array:
    """Return `a = s exp(m0) d`: the magnitude depends on the length of d, too."""
    return scale * jnp.exp(m[0]) * m[1:4]


def mlp_4D_sigmoid_unit(m: Array, state: Array, scale: float) -> Array:
    """Return `a = s sigmoid(m0) d / (|d| + eps)`: s is the largest acceleration."""
    return scale * jnn.sigmoid(m[0]) * _unit(m[1:4])


def rtn(m: Array, state: Array, scale: float) -> Array:
    """Return `a = m0 R + m1 T + m2 N` in the basis of `rtn_basis` (radial, transverse, normal), also called RSW."""
    return _from_rtn(m, state)


def rtn_logmag_unit_exp(m: Array, state: Array, scale: float) -> Array:
    """Return `a = s exp(m0) (d0 R + d1 T + d2 N) / (|d| + eps)`: log-magnitude, unit direction in the RTN frame."""
    return _from_rtn(mlp_4D_logmag_unit_exp(m, state, scale), state)


def central_logmag_exp(m: Array, state: Array, scale: float) -> Array:
    """Return `a = -s exp(m0) r_hat`: an attraction towards the origin, of any magnitude.

    This is the general form of a velocity-independent attraction that is equivariant under rotations and reflections,
    with features of the distance alone. Its direction is not learned, so that it cannot reverse outside the training
    data, as that of `rtn_logmag_unit_exp` may.
    """
    return -scale * jnp.exp(m[0]) * unit(state[:3])


def _unit(direction: Array) -> Array:
    return direction / (norm(direction) + EPS)


def _from_rtn(components: Array, state: Array) -> Array:
    radial, transverse, normal = rtn_basis(state)
    return components[0] * radial + components[1] * transverse + components[2] * normal


OUTPUT_LAYERS: dict[str, OutputLayer] = {
    "mlp_simple": OutputLayer(mlp_simple, 6, full_derivative=True),
    "mlp_simple_hybrid": OutputLayer(mlp_simple_hybrid, 3),
    "mlp_4D_signed": OutputLayer(mlp_4D_signed, 4, signed_magnitude=True),
    "mlp_4D_abs": OutputLayer(mlp_4D_abs, 4, signed_magnitude=True),
    "mlp_4D_softplus": OutputLayer(mlp_4D_softplus, 4),
    "mlp_4D_accsoftplus": OutputLayer(mlp_4D_softplus, 4),
    "mlp_4D_signed_unit": OutputLayer(mlp_4D_signed_unit, 4, signed_magnitude=True),
    "mlp_4D_unit": OutputLayer(mlp_4D_unit, 4, signed_magnitude=True),
    "mlp_4D_unit_scaled": OutputLayer(mlp_4D_unit_scaled, 4, signed_magnitude=True),
    "mlp_4D_unit_softplus": OutputLayer(mlp_4D_unit_softplus, 4),
    "mlp_4D_logmag_unit_tanh_exp": OutputLayer(mlp_4D_logmag_unit_tanh_exp, 4),
    "mlp_4D_logmag_unit_tanh_softplus": OutputLayer(mlp_4D_logmag_unit_tanh_softplus, 4),
    "mlp_4D_logmag_unit_exp": OutputLayer(mlp_4D_logmag_unit_exp, 4),
    "mlp_4D_logmag_unit_softplus": OutputLayer(mlp_4D_logmag_unit_softplus, 4),
    "mlp_4D_logmag_exp": OutputLayer(mlp_4D_logmag_exp, 4),
    "mlp_4D_sigmoid_unit": OutputLayer(mlp_4D_sigmoid_unit, 4),
    "rtn": OutputLayer(rtn, 3),
    "rtn_logmag_unit_exp": OutputLayer(rtn_logmag_unit_exp, 4),
    "central_logmag_exp": OutputLayer(central_logmag_exp, 1),
}
"""Heads by name. Planar models have as many outputs: the constraint sets z to zero afterwards."""
