"""Dynamics that are a small network of state and control, whose weights are the parameters: no physics at all.

    d(state)/dt = alpha (W2 tanh(W1 [state, control] + b1) + b2)

with W1 (H, 9), b1 (H,), W2 (7, H), b2 (7,) and the activation scale alpha: 17 H + 8 numbers, all 0 and alpha 1 by
default. A network that emits them is a hypernetwork.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trainers.common.lazy import LazyModule
from trainers.vehicle.cars import Limits
from trainers.vehicle.dynamics.parameters import Parameter
from trainers.vehicle.dynamics.states import CONTROLS, STATES

if TYPE_CHECKING:
    import jax.numpy as jnp
    from jax import Array
else:
    jnp = LazyModule("jax.numpy")  # configurations ask for `parameters` when they are checked

LARGEST_WEIGHT = 2.0
"""Bound of every weight to either side [1]."""

S, C = len(STATES), len(CONTROLS)


def parameters(hidden: int) -> tuple[Parameter, ...]:
    """Return the parameters of a hidden layer of H units: shapes, bounds and defaults follow it."""
    shapes = {"W1": (hidden, S + C), "b1": (hidden,), "W2": (S, hidden), "b2": (S,)}
    bound = LARGEST_WEIGHT
    weights = tuple(Parameter(name, "1", -bound, bound, 0.0, shape) for name, shape in shapes.items())
    return (*weights, Parameter("alpha", "1", 0.1, 10.0, 1.0, scale="log"))


def field(state: Array, control: Array, p: Mapping[str, Array], limits: Limits, step: float) -> Array:
    """Return d(state)/dt (7, ...); p: W1 (H, 9, ...), b1 (H, ...), W2 (7, H, ...), b2 (7, ...), alpha (...)."""
    seen = jnp.concatenate([state, jnp.broadcast_to(control, (C, *state.shape[1:]))])
    hidden = jnp.tanh(jnp.sum(p["W1"] * seen[None], axis=1) + p["b1"])
    return p["alpha"] * (jnp.sum(p["W2"] * hidden[None], axis=1) + p["b2"])
