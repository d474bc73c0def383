"""The objective of a training: the main term of the loss and its weighted penalties."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from trainers.two_body.config import ModelConfig
from trainers.two_body.losses import LOSSES, attraction, energy_drift, sign_flip, weight_penalties
from trainers.two_body.models.network import Network, observe

WITH_ATTRACTION = "percent_error_with_attraction"
"""The loss whose attraction penalty has weight 1 where the configuration leaves it at 0."""


def penalties(
    config: ModelConfig, network: Network, y_hat: Array, weight: Array | float = 1.0
) -> dict[str, tuple[float, Array]]:
    """Return weight and value of every penalty with a weight above 0.

    The field along the prediction y_hat (L, 6, B) is computed only where a penalty depends on it.
    """
    weights = penalty_weights(config)
    if not weights:
        return {}
    states = jnp.moveaxis(y_hat, 1, 0)
    values = weight_penalties([layer.weight for layer in network.layers])
    if "energy_drift" in weights:
        values["energy_drift"] = energy_drift(states, weight)
    if weights.keys() & {"attraction", "sign_flip"}:
        observation = observe(network, config)(states)
        values["attraction"] = attraction(states, observation.acceleration, weight)
        values["sign_flip"] = sign_flip(observation.outputs[0], weight)
    return {name: (weight, values[name]) for name, weight in weights.items()}


def penalty_weights(config: ModelConfig) -> Mapping[str, float]:
    """Return the weights above 0 of the penalties of a configuration."""
    loss = config.loss
    weights = {name: getattr(loss, name) for name in ("attraction", "sign_flip", "energy_drift", "l1", "l2")}
    if loss.name == WITH_ATTRACTION:
        weights["attraction"] = loss.attraction or 1.0
    return {name: weight for name, weight in weights.items() if weight > 0}


def training_loss(
    config: ModelConfig, network: Network, y: Array, y_hat: Array, weight: Array | float = 1.0
) -> tuple[Array, dict[str, Array]]:
    """Return `main + sum_k weight_k penalty_k` of y and y_hat (L, 6, B), and all parts unweighted by name."""
    total, parts = LOSSES[config.loss.name](y, y_hat, config.loss, weight)
    for name, (share, value) in penalties(config, network, y_hat, weight).items():
        total, parts = total + share * value, {**parts, name: value}
    return total, parts
