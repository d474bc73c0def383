"""A single-track car on Pacejka tyres: a realistic twin, whose tyres saturate.

    alpha_f = delta - atan2(lf r + vy, |vx|) + Sh_f        alpha_r = atan2(lr r - vy, |vx|) + Sh_r
    F/m = Sv + D G/L sin(C atan(B alpha - E (B alpha - atan(B alpha))))
    vx' = a - F_f sin(delta)/m + vy r    vy' = (F_r + F_f cos(delta))/m - vx r    r' = (F_f lf cos(delta) - F_r lr)/I

D is a friction coefficient: G/L is the load of the axle by the mass, G_r/L in front, G_f/L behind, as in `singletrack`.
At small slip B C D is mu C_S. With vx = v cos(b), vy = v sin(b) the state is that of every other dynamics. A
slow car comes to roll as in `singletrack`, and what a step cannot resolve is slowed likewise.

With a throttle T, a = (Cm1 - Cm2 vx) T - Cr0 - Cr2 vx^2, all four by the mass.

Source: Pacejka 2012, Tire and Vehicle Dynamics; Chrosniak et al. 2024, Deep Dynamics, RA-L, for this form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from trainers.vehicle.cars import Limits
from trainers.vehicle.dynamics.limits import limited_controls
from trainers.vehicle.dynamics.singletrack import G, Lateral, motion, settling_rate, tyre_share

TYRE = ("B", "C", "D", "E", "Sh", "Sv")
DRIVE = ("Cm1", "Cm2", "Cr0", "Cr2")


class Forces(NamedTuple):
    """Lateral forces by the mass [m/s^2]."""

    front: Array
    rear: Array


def field(state: Array, control: Array, p: Mapping[str, Array], limits: Limits, step: float) -> Array:
    """Return dy/dt (7, ...) under steering rate and acceleration.

    p: B, C, D, E, Sh, Sv with endings _f and _r, lf, lr, h [m], m_over_I [1/m^2], each (...).
    """
    rate, acceleration = limited_controls(control, state[2], state[3], limits)
    return _driven(state, rate, acceleration, p, limits, step)


def throttle_field(state: Array, control: Array, p: Mapping[str, Array], limits: Limits, step: float) -> Array:
    """Return dy/dt (7, ...) under steering rate and throttle [1]; p as in `field`, and Cm1, Cm2, Cr0, Cr2."""
    vx = state[3] * jnp.cos(state[6])
    drive = (p["Cm1"] - p["Cm2"] * vx) * control[1] - p["Cr0"] * jnp.tanh(vx / 0.05) - p["Cr2"] * vx * jnp.abs(vx)
    rate, acceleration = limited_controls(jnp.stack([control[0], drive]), state[2], state[3], limits)
    return _driven(state, rate, acceleration, p, limits, step)


def tyre_force(alpha: Array, p: Mapping[str, Array], axle: str) -> Array:
    """Return the magic formula `D sin(C atan(B alpha - E (B alpha - atan(B alpha))))` in parts of the load [1]."""
    x = p[f"B_{axle}"] * alpha
    return p[f"D_{axle}"] * jnp.sin(p[f"C_{axle}"] * jnp.arctan(x - p[f"E_{axle}"] * (x - jnp.arctan(x))))


def tyre_forces(state: Array, acceleration: Array, p: Mapping[str, Array], limits: Limits) -> Forces:
    """Return the forces of both axles; below the speed `rolls` those of this speed, where they have no part."""
    delta, v, r, b = state[2], jnp.maximum(state[3], limits.rolls), state[5], state[6]
    # |vx| has a kink where a car slides sideways; a hundredth of the speed keeps the angle differentiable there
    vx, vy = jnp.sqrt((v * jnp.cos(b)) ** 2 + (0.01 * v) ** 2), v * jnp.sin(b)
    lf, lr, wheelbase = p["lf"], p["lr"], p["lf"] + p["lr"]
    alpha_f = delta - jnp.arctan((lf * r + vy) / vx) + p["Sh_f"]
    alpha_r = jnp.arctan((lr * r - vy) / vx) + p["Sh_r"]
    load_f, load_r = (G * lr - acceleration * p["h"]) / wheelbase, (G * lf + acceleration * p["h"]) / wheelbase
    return Forces(
        load_f * tyre_force(alpha_f, p, "f") + p["Sv_f"],
        load_r * tyre_force(alpha_r, p, "r") + p["Sv_r"],
    )


def _driven(
    state: Array, rate: Array, acceleration: Array, p: Mapping[str, Array], limits: Limits, step: float
) -> Array:
    delta, v, r, b = state[2], jnp.maximum(state[3], limits.rolls), state[5], state[6]
    lf, lr = p["lf"], p["lr"]
    force = tyre_forces(state, acceleration, p, limits)
    along, across = acceleration - force.front * jnp.sin(delta), force.rear + force.front * jnp.cos(delta)
    yaw = p["m_over_I"] * (force.front * lf * jnp.cos(delta) - force.rear * lr)
    slip = (across * jnp.cos(b) - along * jnp.sin(b)) / v - r
    front, rear = (
        p[f"B_{axle}"] * p[f"C_{axle}"] * p[f"D_{axle}"] * G * lever / (lf + lr)
        for axle, lever in (("f", lr), ("r", lf))
    )
    coupling = p["m_over_I"] * (lr * rear - lf * front) * ((rear * lr - front * lf) / v**2 - 1)
    along_axis = v * jnp.maximum(jnp.cos(b), 0.1)
    settling = settling_rate(
        p["m_over_I"] * (lf**2 * front + lr**2 * rear) / along_axis, (front + rear) / along_axis, coupling
    )
    moved = motion(state, rate, acceleration, Lateral(yaw, slip, settling), lf, lr, limits, step)
    speed = along * jnp.cos(b) + across * jnp.sin(b)
    share = tyre_share(state[3], limits)
    return moved.at[3].set((1 - share) * acceleration + share * speed)
