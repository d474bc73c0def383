"""Models of motion without tyres: constant twist, and a bicycle that rolls without slip."""

from __future__ import annotations

import numpy as np

from trainers.vehicle.dynamics.registry import Dynamics
from trainers.vehicle.dynamics.states import STATES

Array = np.ndarray

SUBSTEPS = 10


def constant_twist(state: Array, points: int, step: float) -> Array:
    """Return states (N, points + 1, 7) of which speed, yaw rate, steering and slip angle stay as they are.

    The car goes round a circle: `x' = v cos(psi + r t + b)`, integrated exactly.
    """
    t = step * np.arange(points + 1)
    x, y, _, v, yaw, rate, slip = (state[:, k, None] for k in range(len(STATES)))
    turned = rate * t
    # sin(a)/a and (1 - cos(a))/a by the half angle: no division by a rate of 0
    half = np.sinc(turned / 2 / np.pi)
    along = v * t * half
    heading = yaw + slip + turned / 2
    constant = np.repeat(state[:, None], points + 1, axis=1)
    constant[..., 0], constant[..., 1] = x + along * np.cos(heading), y + along * np.sin(heading)
    constant[..., 4] = yaw + turned
    return constant


def rolling(state: Array, control: Array, dynamics: Dynamics, step: float) -> Array:
    """Return states (N, K + 1, 7) of a car whose wheels roll without slip, its axles where the class has them.

    b = atan(lr tan(delta)/L), psi' = v cos(b) tan(delta)/L; ten steps of the midpoint rule per point.
    """
    named = dynamics.combinations.named(dynamics.combinations.default)
    lf, lr = (float(named[name]) for name in ("lf", "lr"))
    h, limit = step / SUBSTEPS, dynamics.limits.steering
    angle_commanded, speed_commanded = (
        dynamics.controls[0] == "steering_angle_command",
        dynamics.controls[1] == "speed_command",
    )
    x, y, delta, v, yaw = (state[:, k].copy() for k in range(5))
    states = [state]
    for k in range(control.shape[1]):
        rate, acceleration = control[:, k, 0], control[:, k, 1]
        if angle_commanded:
            delta, rate = rate.copy(), np.zeros_like(rate)
        if speed_commanded:
            acceleration = (acceleration - v) / step
        if dynamics.controls[1] == "throttle":
            acceleration = np.zeros_like(v)
        for _ in range(SUBSTEPS):
            middle, speed = np.clip(delta + h / 2 * rate, -limit, limit), v + h / 2 * acceleration
            slip = np.arctan(lr * np.tan(middle) / (lf + lr))
            turn = speed * np.cos(slip) * np.tan(middle) / (lf + lr)
            heading = yaw + h / 2 * turn + slip
            x, y, yaw = x + h * speed * np.cos(heading), y + h * speed * np.sin(heading), yaw + h * turn
            delta, v = np.clip(delta + h * rate, -limit, limit), v + h * acceleration
        slip = np.arctan(lr * np.tan(delta) / (lf + lr))
        states.append(np.stack([x, y, delta, v, yaw, v * np.cos(slip) * np.tan(delta) / (lf + lr), slip], axis=1))
    return np.stack(states, axis=1)
