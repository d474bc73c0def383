"""The single-track model with linear tyres, from standstill to top speed.

With L = lf + lr, slip angle b, yaw rate r, and G_r = g lr - a h, G_f = g lf + a h, the loads of front and rear axle:

    x' = v cos(psi + b)    y' = v sin(psi + b)    delta' = steering rate    v' = a    psi' = r
    r' = mu m/(I L) [lf C_Sf G_r delta + (lr C_Sr G_f - lf C_Sf G_r) b - (lf^2 C_Sf G_r + lr^2 C_Sr G_f) r/v]
    b' = mu/(v L) [C_Sf G_r delta - (C_Sr G_f + C_Sf G_r) b + (C_Sr G_f lr - C_Sf G_r lf) r/v] - r

above the speed `slides`, 1.5 m/s of a 1:10 car. Below the speed `rolls`, 0.5 m/s, and backwards, wheels do not slip:

    b_k = atan(lr tan(delta)/L)    r_k = v cos(b_k) tan(delta)/L

and r, b follow r_k, b_k: r' = r_k' + (r_k - r)/T, b' = b_k' + (b_k - b)/T, T = 0.05 s, so that a car that arrives with
another yaw rate comes to roll. In between the two are mixed smoothly.

As v falls the tyres answer ever faster, like 1/v. Where a step cannot resolve that, both derivatives are slowed to what
it can (`resolvable`): the equilibrium is the same, and it is reached within a few steps. Elsewhere nothing changes.

Source: Althoff, Koschi, Manzinger 2017, CommonRoad vehicle models, section 7; its single precision of switch speeds
differs between implementations (0.1 to 1.5 m/s).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from trainers.vehicle.cars import Limits
from trainers.vehicle.dynamics.limits import held, limited_controls

G = 9.81
"""Gravity [m/s^2]."""

SETTLING = 0.05
"""Time in which a slow car comes to roll [s]."""

RESOLVED = 2.0
"""Largest rate of the lateral motion times the step that RK4 integrates stably, with a margin [1]."""

Parameters = Mapping[str, Array]


class Lateral(NamedTuple):
    """Derivatives of yaw rate and slip angle, and the rate at which they settle [1/s]."""

    yaw_rate: Array
    slip_angle: Array
    rate: Array


def field(state: Array, control: Array, p: Parameters, limits: Limits, step: float) -> Array:
    """Return dy/dt (7, ...) of state (7, ...) under control (2, ...): steering rate and acceleration.

    p: mu, C_Sf, C_Sr [1/rad], lf, lr, h [m], m [kg], I [kg m^2], each (...). step: that of the integrator [s].
    """
    rate, acceleration = limited_controls(control, state[2], state[3], limits)
    tyres = linear_tyres(state, acceleration, p, limits)
    return motion(state, rate, acceleration, tyres, p["lf"], p["lr"], limits, step)


def linear_tyres(state: Array, acceleration: Array, p: Parameters, limits: Limits) -> Lateral:
    """Return the lateral motion on linear tyres; below the speed `rolls` that of this speed, where it has no part."""
    delta, v, r, b = state[2], jnp.maximum(state[3], limits.rolls), state[5], state[6]
    lf, lr, wheelbase = p["lf"], p["lr"], p["lf"] + p["lr"]
    front = p["C_Sf"] * (G * lr - acceleration * p["h"])
    rear = p["C_Sr"] * (G * lf + acceleration * p["h"])
    turn = p["mu"] * p["m"] / (p["I"] * wheelbase)
    slide = p["mu"] / (v * wheelbase)
    damping = turn * (lf**2 * front + lr**2 * rear) / v
    stiffness = turn * (lr * rear - lf * front)
    coupling = slide * (rear * lr - front * lf) / v - 1
    decay = slide * (rear + front)
    yaw = turn * lf * front * delta + stiffness * b - damping * r
    slip = slide * front * delta - decay * b + coupling * r
    return Lateral(yaw, slip, settling_rate(damping, decay, stiffness * coupling))


def settling_rate(first: Array, second: Array, product: Array) -> Array:
    """Return a bound of the spectral radius of [[-first, .], [., -second]], off-diagonal product as given [1/s]."""
    size = jnp.abs(product)
    root = jnp.where(size > 0, jnp.sqrt(jnp.where(size > 0, size, 1.0)), 0.0)
    return jnp.maximum(jnp.abs(first), jnp.abs(second)) + root


def resolvable(rate: Array, step: float) -> Array:
    """Return the factor (...) that slows the lateral motion to what a step resolves; 1 where it does."""
    return jnp.minimum(1.0, RESOLVED / jnp.maximum(rate * step, RESOLVED))


def motion(
    state: Array, rate: Array, acceleration: Array, tyres: Lateral, lf: Array, lr: Array, limits: Limits, step: float
) -> Array:
    """Return dy/dt (7, ...) of a car that slides as its tyres say and rolls where it is slow."""
    delta, v, psi, r, b = state[2], state[3], state[4], state[5], state[6]
    wheelbase = lf + lr
    tan, per_cos2 = jnp.tan(delta), 1 + jnp.tan(delta) ** 2
    rolling = jnp.arctan(lr * tan / wheelbase)
    cos, sin = jnp.cos(rolling), jnp.sin(rolling)
    rolling_rate = lr / wheelbase * per_cos2 * rate / (1 + (lr * tan / wheelbase) ** 2)
    yaw = v * cos * tan / wheelbase
    yaw_change = (acceleration * cos * tan - v * sin * tan * rolling_rate + v * cos * rate * per_cos2) / wheelbase
    share, slower = tyre_share(v, limits), resolvable(tyres.rate, step)
    yaw_rate = (1 - share) * (yaw_change + (yaw - r) / SETTLING) + share * slower * tyres.yaw_rate
    slip = (1 - share) * (rolling_rate + (rolling - b) / SETTLING) + share * slower * tyres.slip_angle
    return jnp.stack(
        [
            v * jnp.cos(psi + b),
            v * jnp.sin(psi + b),
            rate,
            acceleration,
            r,
            held(yaw_rate, r, limits.yaw_rate),
            held(slip, b, limits.slip),
        ]
    )


def tyre_share(v: Array, limits: Limits) -> Array:
    """Return the part of the motion that the tyres have: 0 up to `rolls`, 1 from `slides`, twice differentiable [1]."""
    x = jnp.clip((v - limits.rolls) / (limits.slides - limits.rolls), 0.0, 1.0)
    return x**3 * (10 - 15 * x + 6 * x**2)
