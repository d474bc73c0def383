"""Feature layers: the input of the network as functions of the state.

A feature layer maps states (6, ...) = [x, y, z, vx, vy, vz] in normalised units to features (F, ...).
Letters in the formulas: r = |position|, r_hat = position / r, v = |velocity|, v_r = r_hat . velocity,
v_t = |position x velocity| / r. Every layer and its gradient are finite everywhere: also for radial motion, at rest and
at the origin, where lengths are raised to 1e-6 and directions are zero.
"""
# ruff: noqa: N802 - functions carry the names of the table

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial, pi, sqrt
from typing import TYPE_CHECKING

from trainers.common.lazy import LazyModule
from trainers.two_body.models.frames import cross, floored, norm, radial_transverse, rtn_basis, unit

if TYPE_CHECKING:
    from jax import Array

jnp = LazyModule("jax.numpy")

HARMONIC_DEGREE = 4
"""Largest degree of the spherical harmonics, largest multiple of the polar angle in the plane."""

FOURIER_LADDER = (0.25, 0.5, 1.0)
"""Frequencies of the Fourier features [1 / normalised unit]; the lowest keeps the map injective for |z| < 2."""


@dataclass(frozen=True)
class FeatureLayer:
    """A map from states (6, ...) to features (F, ...) and the names of the F features."""

    apply: Callable[[Array], Array]
    names: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of features F."""
        return len(self.names)

    def __call__(self, state: Array) -> Array:
        """Return the features (F, ...) of states (6, ...)."""
        return self.apply(state)


def sph_4D_rinv_vel(state: Array) -> Array:
    """Return `[1/r, x/r, y/r, z/r, vx, vy, vz]` (7): inverse radius, direction, Cartesian velocity."""
    return jnp.concatenate((_inverse_position(state), state[3:]))


def sph_4D_rinv_vinv(state: Array) -> Array:
    """Return `[1/r, r_hat, 1/v, v_hat]` (8).

    The source names this layer without a formula; here the velocity has the same form as the position.
    """
    return jnp.concatenate((_inverse_position(state), 1.0 / floored(norm(state[3:]))[None], unit(state[3:])))


def sph_4D_rinv_vel_harmonics(state: Array) -> Array:
    """Return `sph_4D_rinv_vel` and the real spherical harmonics `Y_lm(r_hat)`, l = 2..4, |m| <= l (7 + 21).

        Y_lm = N_lm P_l^|m|(z) {cos m phi, m >= 0; sin |m| phi, m < 0}

    orthonormal on the sphere, without Condon-Shortley phase. Degrees 0 and 1 are left out: a constant, and r_hat
    itself. The source names neither formula nor degree. In the plane many of them repeat or vanish; there the 6 further
    features of `sph_4D_rinv_vel_harmonics_planar` carry the same information.
    """
    return jnp.concatenate((sph_4D_rinv_vel(state), real_harmonics(unit(state[:3]))))


def sph_4D_rinv_vel_harmonics_planar(state: Array) -> Array:
    """Return `sph_4D_rinv_vel` and `cos m theta, sin m theta`, m = 2..4, theta the polar angle (7 + 6).

    Out of the plane each carries the factor `sin^m(colatitude)`: the sectoral harmonics.
    """
    powers = _sectoral(unit(state[:3]))[2:]
    return jnp.concatenate((sph_4D_rinv_vel(state), jnp.stack([part for pair in powers for part in pair])))


def sph_4D_rinv_vel_fourier(state: Array) -> Array:
    """Return `[sin(2 pi B z), cos(2 pi B z)]` (42) of `z = sph_4D_rinv_vel(state)`.

    B is fixed: every channel at the frequencies 1/4, 1/2 and 1. The source leaves B open; fixed frequencies need no
    random draw. Source: Tancik et al. 2020, Fourier features let networks learn high frequency functions.
    """
    z = sph_4D_rinv_vel(state)
    angles = 2 * pi * jnp.concatenate([frequency * z for frequency in FOURIER_LADDER])
    return jnp.concatenate((jnp.sin(angles), jnp.cos(angles)))


def rinv_rhat_vr_vt(state: Array) -> Array:
    """Return `[1/r, r_hat, v_r, v_t]` (6): radial and transverse velocity."""
    return jnp.concatenate((_inverse_position(state), jnp.stack(radial_transverse(state))))


def rinv_rhat_vr_vt_h(state: Array) -> Array:
    """Return `[1/r, r_hat, v_r, v_t, h]` (7) with the specific angular momentum `h = |r x v| = r v_t`."""
    momentum = norm(cross(state[:3], state[3:]))
    return jnp.concatenate((rinv_rhat_vr_vt(state), momentum[None]))


def rinv_rhat_speed_angle(state: Array) -> Array:
    """Return `[1/r, r_hat, v, gamma]` (6) with the flight-path angle `gamma = atan2(v_r, v_t)` [rad].

    gamma is 0 at rest. The source does not define its angle.
    """
    radial, transverse = radial_transverse(state)
    speed = norm(state[3:])
    angle = jnp.arctan2(radial, jnp.where(speed == 0, 1.0, transverse))
    return jnp.concatenate((_inverse_position(state), jnp.stack((speed, angle))))


def rinv_rhat_vel_rtn(state: Array) -> Array:
    """Return `[1/r, r_hat, v_R, v_T, v_N]` (7): velocity in the basis of `rtn_basis`; v_N is 0 by construction."""
    velocity = [jnp.sum(axis * state[3:], axis=0) for axis in rtn_basis(state)]
    return jnp.concatenate((_inverse_position(state), jnp.stack(velocity)))


def logr(state: Array) -> Array:
    """Return `[log r]` (1): all that a central force depends on; the logarithm of a power law is linear in it."""
    return jnp.log(floored(norm(state[:3])))[None]


def logr_rhat(state: Array) -> Array:
    """Return `[log r, r_hat]` (4): position alone."""
    return jnp.concatenate((logr(state), unit(state[:3])))


def logr_vr_vt(state: Array) -> Array:
    """Return `[log r, v_r, v_t]` (3): the state up to rotations and reflections."""
    return jnp.concatenate((logr(state), jnp.stack(radial_transverse(state))))


def real_harmonics(direction: Array) -> Array:
    """Return the real spherical harmonics of degree 2..4 of unit vectors (3, ...), ordered by l, then m = -l..l.

    Recursion in Cartesian form, free of the pole's singularity: with `(x + iy)^m = A_m + i B_m` and
    `P_l^m = sin^m(colatitude) Q_l^m(z)`, `(l-m) Q_l^m = (2l-1) z Q_(l-1)^m - (l+m-1) Q_(l-2)^m`.
    """
    azimuthal = _sectoral(direction)
    polar = _legendre(direction[2])
    values = []
    for degree in range(2, HARMONIC_DEGREE + 1):
        for order in range(-degree, degree + 1):
            m = abs(order)
            values.append(_normalisation(degree, m) * polar[degree, m] * azimuthal[m][order < 0])
    return jnp.stack(values)


def _inverse_position(state: Array) -> Array:
    return jnp.concatenate((1.0 / floored(norm(state[:3]))[None], unit(state[:3])))


def _sectoral(direction: Array) -> list[tuple[Array, Array]]:
    """Return real and imaginary part of `(x + iy)^m`, m = 0..4."""
    x, y = direction[0], direction[1]
    pairs = [(jnp.ones_like(x), jnp.zeros_like(x))]
    for _ in range(HARMONIC_DEGREE):
        real, imaginary = pairs[-1]
        pairs.append((x * real - y * imaginary, x * imaginary + y * real))
    return pairs


def _legendre(z: Array) -> dict[tuple[int, int], Array]:
    """Return `Q_l^m(z)` for 0 <= m <= l <= 4."""
    q: dict[tuple[int, int], Array] = {(0, 0): jnp.ones_like(z)}
    for m in range(HARMONIC_DEGREE + 1):
        if m:
            q[m, m] = (2 * m - 1) * q[m - 1, m - 1]
        for degree in range(m + 1, HARMONIC_DEGREE + 1):
            two_lower = q.get((degree - 2, m), 0.0)
            q[degree, m] = ((2 * degree - 1) * z * q[degree - 1, m] - (degree + m - 1) * two_lower) / (degree - m)
    return q


def _normalisation(degree: int, m: int) -> float:
    both_signs = 2 if m else 1
    return sqrt(both_signs * (2 * degree + 1) / (4 * pi) * factorial(degree - m) / factorial(degree + m))


_POSITION = ("1/r", "x/r", "y/r", "z/r")
_SPHERICAL = (*_POSITION, "vx", "vy", "vz")
_HARMONICS = tuple(f"Y({degree},{m})" for degree in range(2, HARMONIC_DEGREE + 1) for m in range(-degree, degree + 1))
_MULTIPLES = tuple(f"{wave} {m} theta" for m in range(2, HARMONIC_DEGREE + 1) for wave in ("cos", "sin"))
_WAVES = tuple(f"{wave} 2 pi {f:g} {name}" for wave in ("sin", "cos") for f in FOURIER_LADDER for name in _SPHERICAL)

FEATURE_LAYERS: dict[str, FeatureLayer] = {
    "sph_4D_rinv_vel": FeatureLayer(sph_4D_rinv_vel, _SPHERICAL),
    "sph_4D_rinv_vinv": FeatureLayer(sph_4D_rinv_vinv, (*_POSITION, "1/v", "vx/v", "vy/v", "vz/v")),
    "sph_4D_rinv_vel_harmonics": FeatureLayer(sph_4D_rinv_vel_harmonics, (*_SPHERICAL, *_HARMONICS)),
    "sph_4D_rinv_vel_harmonics_planar": FeatureLayer(sph_4D_rinv_vel_harmonics_planar, (*_SPHERICAL, *_MULTIPLES)),
    "sph_4D_rinv_vel_fourier": FeatureLayer(sph_4D_rinv_vel_fourier, _WAVES),
    "rinv_rhat_vr_vt": FeatureLayer(rinv_rhat_vr_vt, (*_POSITION, "v_r", "v_t")),
    "rinv_rhat_vr_vt_h": FeatureLayer(rinv_rhat_vr_vt_h, (*_POSITION, "v_r", "v_t", "h")),
    "rinv_rhat_speed_angle": FeatureLayer(rinv_rhat_speed_angle, (*_POSITION, "v", "gamma")),
    "rinv_rhat_vel_rtn": FeatureLayer(rinv_rhat_vel_rtn, (*_POSITION, "v_R", "v_T", "v_N")),
    "logr": FeatureLayer(logr, ("log r",)),
    "logr_rhat": FeatureLayer(logr_rhat, ("log r", "x/r", "y/r", "z/r")),
    "logr_vr_vt": FeatureLayer(logr_vr_vt, ("log r", "v_r", "v_t")),
}
"""Feature layers by name."""
