"""The network that maps features of a window to parameters within their bounds.

    z = W_k(... gelu(W_1 x + b_1)) + b_k        p = squash(z), see `dynamics/parameters.py`

(F + 1) h_1 + (h_1 + 1) h_2 + ... + (h_k + 1) P weights. The last layer starts small about the defaults, so that a
training begins as the default car.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from trainers.study import Arrays
from trainers.vehicle.dynamics.parameters import Layout

Network = list[tuple[Array, Array]]
"""Weights (out, in) and biases (out,) of each layer."""

FIRST_SPREAD = 0.01
"""Weights of the last layer at the start, in parts of those of the others [1]."""


def init_network(key: Array, features: int, hidden: tuple[int, ...], layout: Layout) -> Network:
    """Draw a network of F features and P outputs: weights normal with std `1/sqrt(in)`, biases 0."""
    sizes = (features, *hidden, layout.size)
    network = []
    for inputs, outputs in pairwise(sizes):
        key, own = jax.random.split(key)
        weight = jax.random.normal(own, (outputs, inputs), jnp.float32) / inputs**0.5
        network.append((weight, jnp.zeros(outputs, jnp.float32)))
    weight, _ = network[-1]
    start = jnp.asarray(layout.unsquash(layout.default), jnp.float32)
    return [*network[:-1], (FIRST_SPREAD * weight, start)]


def outputs(network: Network, features: Array) -> Array:
    """Return z (P, B) of standardised features (B, F)."""
    x = features.T
    for weight, bias in network[:-1]:
        x = jax.nn.gelu(weight @ x + bias[:, None])
    weight, bias = network[-1]
    return weight @ x + bias[:, None]


def standardised(features: np.ndarray, fitted: Arrays) -> np.ndarray:
    """Return features in units of their spread over the training set; one without spread is only shifted."""
    spread = np.asarray(fitted["features_std"])
    return (features - fitted["features_mean"]) / np.where(spread > 0, spread, 1.0)


def weights_of(network: Network) -> dict[str, np.ndarray]:
    """Return the weights by name."""
    named: dict[str, Any] = {}
    for k, (weight, bias) in enumerate(network):
        named |= {f"layers.{k}.weight": weight, f"layers.{k}.bias": bias}
    return {name: np.asarray(array) for name, array in named.items()}


def network_from(arrays: Arrays, hidden: tuple[int, ...], outputs: int) -> Network:
    """Return the network of weights by name; the reverse of `weights_of`.

    Raises:
        ValueError: names or shapes are those of another network.
    """
    count = len(hidden) + 1
    expected = {f"layers.{k}.{what}" for k in range(count) for what in ("weight", "bias")}
    if set(arrays) != expected:
        raise ValueError(f"the weights are {sorted(arrays)}; expected {sorted(expected)}")
    sizes = [arrays[f"layers.{k}.bias"].shape[0] for k in range(count)]
    if sizes != [*hidden, outputs]:
        raise ValueError(f"the layers have {sizes} units; expected {[*hidden, outputs]}")
    return [(jnp.asarray(arrays[f"layers.{k}.weight"]), jnp.asarray(arrays[f"layers.{k}.bias"])) for k in range(count)]
