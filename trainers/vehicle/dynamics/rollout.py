"""Integrate a car by the classical method of Runge and Kutta, controls held between the points of the data.

The step is fixed: a fraction of the data's, chosen by the number of sub-steps. Arrays: state (7, B), controls
(K, 2, B), parameters by name (..., B); a rollout is (K + 1, 7, B), its first point the initial state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

if TYPE_CHECKING:
    from trainers.vehicle.dynamics.registry import Dynamics

Parameters = Mapping[str, Array]


REACH = np.array([0.0, 0.5, 0.5, 1.0])
"""Part of the step that each stage looks ahead [1]."""

SHARE = np.array([1, 2, 2, 1]) / 6
"""Weight of each stage [1]."""


def rk4_step(dynamics: Dynamics, state: Array, control: Array, p: Parameters, h: float) -> Array:
    """Take one step of length h [s], local error O(h^5).

    The stages are a loop and not written out: a field then stands in a program once instead of four times, which is
    compiled five times faster and runs as fast.
    """

    def stage(carry: tuple[Array, Array], weights: tuple[Array, Array]) -> tuple[tuple[Array, Array], None]:
        slope, total = carry
        reach, share = weights
        slope = dynamics.field(state + h * reach * slope, control, p, dynamics.limits, h)
        return (slope, total + share * slope), None

    weights = jnp.asarray(REACH, state.dtype), jnp.asarray(SHARE, state.dtype)
    (_, total), _ = jax.lax.scan(stage, (jnp.zeros_like(state), jnp.zeros_like(state)), weights)
    return state + h * total


def rollout(dynamics: Dynamics, state: Array, controls: Array, p: Parameters, step: float, substeps: int) -> Array:
    """Integrate K points of `step` [s] from a state (7, B) under controls (K, 2, B); return (K + 1, 7, B).

    For the gradient, the sub-steps of a point are computed again instead of kept.
    """

    @jax.checkpoint
    def point(state: Array, control: Array) -> tuple[Array, Array]:
        held, rate = dynamics.as_commanded(state, control, step)

        def substep(y: Array, _: None) -> tuple[Array, None]:
            return rk4_step(dynamics, y, rate, p, step / substeps), None

        later, _ = jax.lax.scan(substep, held, None, length=substeps)
        return later, later

    _, states = jax.lax.scan(point, state, controls)
    return jnp.concatenate([state[None], states])
