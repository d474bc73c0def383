"""The single-track model with a gain and a bias on each of four signals: what a real car's sensors and servos do to it.

    delta -> alpha delta + beta in the tyres and the rolling motion;    a -> alpha a + beta
    r', b' -> alpha (r', b') + beta

Natural values are alpha = 1, beta = 0. Which signal a gain acts on is not published in full; this is the reading in
which all eight act on the derivative of their state, and the steering ones on the angle that the wheels have. They
partly imitate C_S, lf and lr.
"""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from trainers.vehicle.cars import Limits
from trainers.vehicle.dynamics import singletrack
from trainers.vehicle.dynamics.limits import held, limited_controls

SIGNALS = ("steering", "acceleration", "yaw_rate", "slip_angle")


def field(state: Array, control: Array, p: Mapping[str, Array], limits: Limits, step: float) -> Array:
    """Return dy/dt (7, ...); p as in `singletrack.field`, and `gain_<signal>`, `bias_<signal>` of SIGNALS."""
    rate, acceleration = limited_controls(control, state[2], state[3], limits)
    gain, bias = ([p[f"{what}_{signal}"] for signal in SIGNALS] for what in ("gain", "bias"))
    acceleration = gain[1] * acceleration + bias[1]
    wheels = jnp.concatenate([state[:2], (gain[0] * state[2] + bias[0])[None], state[3:]])
    tyres = singletrack.linear_tyres(wheels, acceleration, p, limits)
    plain = singletrack.motion(wheels, gain[0] * rate, acceleration, tyres, p["lf"], p["lr"], limits, step)
    yaw_rate = held(gain[2] * plain[5] + bias[2], state[5], limits.yaw_rate)
    slip_angle = held(gain[3] * plain[6] + bias[3], state[6], limits.slip)
    return jnp.concatenate([plain[:2], rate[None], plain[3:5], yaw_rate[None], slip_angle[None]])
