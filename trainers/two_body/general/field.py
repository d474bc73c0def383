"""The learned right-hand side `dy/dt = f(y, u)` in normalised units, and its integration over sampled times.

Arrays carry time first, then channels, then the batch B: t (L, B), y (L, C, B), u (L, U, B). An input holds from its
time until the next one, so that every data interval has one input; u of the last time is not used.
"""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from trainers.study import Arrays
from trainers.two_body.config import ModelConfig
from trainers.two_body.integrators import rk4
from trainers.two_body.models.network import Network, init_perceptron, outputs, perceptron_from

RightHandSide = Callable[[Array, Array], Array]
"""(states (C, ...), inputs (U, ...)) -> dy/dt (C, ...)."""


def init_field(config: ModelConfig, channels: int, inputs: int, key: Array) -> Network:
    """Return the initial perceptron of `channels` states and `inputs` control inputs."""
    return init_perceptron(config, channels + inputs, channels, key)


def field_from(config: ModelConfig, channels: int, inputs: int, arrays: Arrays) -> Network:
    """Return the perceptron of parameters by name.

    Raises:
        ValueError: names or shapes are not those of the configuration.
    """
    key = jax.random.key(0)
    template = eqx.filter_eval_shape(lambda key: init_field(config, channels, inputs, key), key)
    return perceptron_from(template, arrays)


def network_field(network: Network, config: ModelConfig) -> RightHandSide:
    """Return `f(y, u) = network([y, u])`."""
    forward = outputs(network, config)
    return lambda y, u: forward(jnp.concatenate([y, u]))


def integrate(field: RightHandSide, t: Array, u: Array, y0: Array, substeps: int) -> Array:
    """Integrate from y0 (C, B) through t (L, B) by `substeps` equal RK4 steps per data interval: y (L, C, B).

    Differentiable; gradients recompute the states within an interval.
    """

    @jax.checkpoint
    def interval(y: Array, held: tuple[Array, Array]) -> tuple[Array, Array]:
        dt, u = held
        y = jax.lax.fori_loop(0, substeps, lambda _, y: rk4.step(lambda state: field(state, u), y, dt / substeps), y)
        return y, y

    _, later = jax.lax.scan(interval, y0, (jnp.diff(t, axis=0), u[:-1]))
    return jnp.concatenate([y0[None], later])


def rollout(field: RightHandSide, t: Array, u: Array, y0: Array, tolerance: float, first: int, most: int) -> Array:
    """Integrate from y0 (C, B) through t (T, B) with as many RK4 steps per interval as a local error asks for.

    A first rollout with `first` steps shows the states. From each of them the interval is integrated by one step and by
    eight; their difference is the error of one step and falls as `n^-4`, so that `n = (error/tolerance)^(1/4)`, at most
    `most`, keeps it below `tolerance` for the worst trajectory [standard deviations of the states].
    """
    dt, held = jnp.diff(t, axis=0), jnp.moveaxis(u[:-1], 1, 0)
    states = jnp.moveaxis(_steps(field, t, u, y0, jnp.full(dt.shape[0], first)), 1, 0)[:, :-1]

    def own(y: Array) -> Array:
        return field(y, held)

    coarse = rk4.step(own, states, dt)
    fine = jax.lax.fori_loop(0, 8, lambda _, y: rk4.step(own, y, dt / 8), states)
    worst = jnp.max(jnp.nan_to_num(jnp.linalg.norm(coarse - fine, axis=0), posinf=0.0), axis=-1)
    return _steps(field, t, u, y0, jnp.clip(jnp.ceil((worst / tolerance) ** 0.25), 1, most).astype(jnp.int32))


def _steps(field: RightHandSide, t: Array, u: Array, y0: Array, counts: Array) -> Array:
    """Integrate with counts (T-1,) RK4 steps per interval."""

    def interval(y: Array, given: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        dt, u, count = given
        y = jax.lax.fori_loop(0, count, lambda _, y: rk4.step(lambda state: field(state, u), y, dt / count), y)
        return y, y

    _, later = jax.lax.scan(interval, y0, (jnp.diff(t, axis=0), u[:-1], counts))
    return jnp.concatenate([y0[None], later])


def channels_first(values: np.ndarray) -> np.ndarray:
    """Turn (N, T, K) into (T, K, N)."""
    return np.transpose(values, (1, 2, 0))
