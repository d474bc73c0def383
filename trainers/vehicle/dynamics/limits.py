"""Limits of a car's actuators, and of what the model of its motion describes.

A limit acts on derivatives: what would push a state further beyond its limit is 0. Everything is a choice between
finite branches, so that values and gradients stay finite.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from trainers.vehicle.cars import Limits


def limited_controls(control: Array, steering: Array, speed: Array, limits: Limits) -> tuple[Array, Array]:
    """Return the steering rate and the acceleration (...) that the actuators can follow, of controls (2, ...)."""
    rate = held(jnp.clip(control[0], -limits.steering_rate, limits.steering_rate), steering, limits.steering)
    power = limits.acceleration * limits.switch / jnp.maximum(speed, limits.switch)
    acceleration = jnp.clip(control[1], -limits.acceleration, power)
    outward = ((speed >= limits.fastest) & (acceleration > 0)) | ((speed <= limits.slowest) & (acceleration < 0))
    return rate, jnp.where(outward, 0.0, acceleration)


def held(derivative: Array, state: Array, limit: float) -> Array:
    """Return a derivative, 0 where it pushes a state beyond its limit to either side."""
    outward = ((state >= limit) & (derivative > 0)) | ((state <= -limit) & (derivative < 0))
    return jnp.where(outward, 0.0, derivative)
