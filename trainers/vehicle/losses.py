"""Losses of a rollout against a window, one number per window.

predicted and target (L, 7, B), points (L,): 1 where a point counts, else 0. Yaw errors are taken on the circle.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trainers.common.lazy import LazyModule
from trainers.vehicle.dynamics.states import SENSORS, YAW

if TYPE_CHECKING:
    import jax.numpy as jnp
    from jax import Array
else:
    jnp = LazyModule("jax.numpy")
    Array = Any


def errors(predicted: Array, target: Array) -> Array:
    """Return predicted less target; of yaw the angle between them, in [-pi, pi], `atan2(sin d, cos d)`."""
    difference = predicted - target
    yaw = difference[:, YAW]
    return difference.at[:, YAW].set(jnp.arctan2(jnp.sin(yaw), jnp.cos(yaw)))


def yaw_normalized(predicted: Array, target: Array, points: Array) -> Array:
    """Return the sum of absolute errors over points and states, as published: metres, radians and m/s alike."""
    return jnp.sum(jnp.abs(errors(predicted, target)) * points[:, None, None], axis=(0, 1))


def scaled(predicted: Array, target: Array, points: Array) -> Array:
    """Return the mean over points and states of `sqrt(1 + (e/s)^2) - 1`, s the noise of the sensors.

    Quadratic within the noise and linear beyond it, so that neither units nor the horizon change its scale, and a
    rollout that goes astray does not rule a batch.
    """
    scale = jnp.asarray(SENSORS, predicted.dtype)[:, None]
    size = jnp.sqrt(1 + (errors(predicted, target) / scale) ** 2) - 1
    return jnp.sum(jnp.mean(size, axis=1) * points[:, None], axis=0) / jnp.sum(points)


LOSSES: dict[str, Callable[[Array, Array, Array], Array]] = {"scaled": scaled, "yaw_normalized": yaw_normalized}
"""Losses by name."""
