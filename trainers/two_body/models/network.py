"""The network of the neural ODE: a multilayer perceptron between a feature layer and an output layer.

Arrays carry channels first, so that a batch (F, B) goes through every layer as one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from trainers.two_body.config import ModelConfig
from trainers.two_body.models.activations import ACTIVATIONS
from trainers.two_body.models.feature_layers import FEATURE_LAYERS
from trainers.two_body.models.output_layers import OUTPUT_LAYERS


class Linear(eqx.Module):
    """An affine map: weight (out, in), bias (out,)."""

    weight: Array
    bias: Array

    def __call__(self, x: Array) -> Array:
        """Return `weight x + bias`, (in, ...) -> (out, ...)."""
        return jnp.tensordot(self.weight, x, axes=1) + self.bias.reshape(-1, *[1] * (x.ndim - 1))


class Network(eqx.Module):
    """Parameters of the perceptron; `slopes` holds one learned slope per activation that has one, else is empty."""

    layers: tuple[Linear, ...]
    slopes: tuple[Array, ...]


class Observation(NamedTuple):
    """Input, output and acceleration of a network at states (6, ...), for figures and penalties."""

    features: Array
    """(F, ...) input of the network."""
    outputs: Array
    """(K, ...) output of the network, after the final activation."""
    acceleration: Array
    """(3, ...) after the output layer and the planar constraint."""


def init_network(config: ModelConfig, key: Array) -> Network:
    """Return random initial parameters: uniform in `+-1/sqrt(fan_in)`, as in equinox.

    Source: Kidger & Garcia 2021, Equinox: neural networks in JAX via callable PyTrees.
    """
    return init_perceptron(
        config, FEATURE_LAYERS[config.feature_layer].size, OUTPUT_LAYERS[config.output_layer].size, key
    )


def init_perceptron(config: ModelConfig, in_size: int, out_size: int, key: Array) -> Network:
    """Return a perceptron of the configuration's width, depth and activations with random initial parameters."""
    mlp = eqx.nn.MLP(in_size=in_size, out_size=out_size, width_size=config.width, depth=config.depth, key=key)
    layers = tuple(Linear(layer.weight, layer.bias) for layer in mlp.layers)  # type: ignore[arg-type]
    return Network(layers, tuple(jnp.asarray(slope) for slope in _initial_slopes(config)))


def outputs(network: Network, config: ModelConfig) -> Callable[[Array], Array]:
    """Return the map from features (F, ...) to network outputs (K, ...), the final activation included."""
    hidden, final = ACTIVATIONS[config.activation], ACTIVATIONS[config.final_activation]
    count = len(network.layers) - 1
    slopes: tuple[Array | None, ...] = network.slopes if hidden.slope is not None else (None,) * count + network.slopes
    last = slopes[count] if final.slope is not None else None

    def forward(x: Array) -> Array:
        for layer, slope in zip(network.layers[:-1], slopes, strict=False):
            x = hidden(layer(x), slope)
        return final(network.layers[-1](x), last)

    return forward


def vector_field(network: Network, config: ModelConfig) -> Callable[[Array], Array]:
    """Return the learned field `f`, state (6, ...) -> dy/dt (6, ...):

        dr/dt = v,   dv/dt = head(network(features(y)), y)

    A head with `full_derivative` gives dr/dt as well. The planar constraint sets the z components of the head to zero.
    """
    features, forward = FEATURE_LAYERS[config.feature_layer], outputs(network, config)
    head = OUTPUT_LAYERS[config.output_layer]

    def field(state: Array) -> Array:
        derivative = head.apply(forward(features(state)), state, config.output_scale)
        derivative = _planar(derivative) if config.planar_constraint else derivative
        return derivative if head.full_derivative else jnp.concatenate((state[3:], derivative))

    return field


def observe(network: Network, config: ModelConfig) -> Callable[[Array], Observation]:
    """Return the map from states (6, ...) to features, outputs and acceleration.

    Apart from `vector_field`, so that a training does not compute what only figures need.
    """
    features, forward = FEATURE_LAYERS[config.feature_layer], outputs(network, config)
    field = vector_field(network, config)

    def observe_states(state: Array) -> Observation:
        inputs = features(state)
        return Observation(inputs, forward(inputs), field(state)[3:])

    return observe_states


def weights_of(network: Network) -> dict[str, np.ndarray]:
    """Return the parameters by name: `layers.0.weight` (out, in), `layers.0.bias` (out,), `slopes.0` ()."""
    arrays = {f"slopes.{k}": np.asarray(slope) for k, slope in enumerate(network.slopes)}
    for k, layer in enumerate(network.layers):
        arrays[f"layers.{k}.weight"], arrays[f"layers.{k}.bias"] = np.asarray(layer.weight), np.asarray(layer.bias)
    return arrays


def network_from(config: ModelConfig, arrays: Mapping[str, np.ndarray]) -> Network:
    """Return the network of parameters by name; the reverse of `weights_of`.

    Raises:
        ValueError: names or shapes are not those of the configuration.
    """
    return perceptron_from(eqx.filter_eval_shape(init_network, config, jax.random.key(0)), arrays)


def perceptron_from(template: Network, arrays: Mapping[str, np.ndarray]) -> Network:
    """Return the network of parameters by name; `template` has its shapes.

    Raises:
        ValueError: names or shapes are not those of the template.
    """
    expected = _shapes(template)
    shapes = {name: tuple(array.shape) for name, array in arrays.items()}
    if shapes != expected:
        wrong = sorted(name for name in shapes.keys() | expected if shapes.get(name) != expected.get(name))
        raise ValueError(
            f"arrays {wrong} are {[shapes.get(name) for name in wrong]}; the configuration expects "
            f"{[expected.get(name) for name in wrong]}: give the configuration that the network was trained with"
        )
    layers = tuple(
        Linear(jnp.asarray(arrays[f"layers.{k}.weight"]), jnp.asarray(arrays[f"layers.{k}.bias"]))
        for k in range(len(template.layers))
    )
    return Network(layers, tuple(jnp.asarray(arrays[f"slopes.{k}"]) for k in range(len(template.slopes))))


def parameter_count(config: ModelConfig) -> int:
    """Return the number of parameters of a configuration's network."""
    template = eqx.filter_eval_shape(init_network, config, jax.random.key(0))
    return sum(int(np.prod(shape)) for shape in _shapes(template).values())


def _initial_slopes(config: ModelConfig) -> list[float]:
    names = [config.activation] * config.depth + [config.final_activation]
    return [slope for name in names if (slope := ACTIVATIONS[name].slope) is not None]


def _planar(vectors: Array) -> Array:
    """Set the z component of every triple of channels to zero."""
    in_plane = jnp.tile(jnp.array([True, True, False]), vectors.shape[0] // 3)
    return jnp.where(in_plane.reshape(-1, *[1] * (vectors.ndim - 1)), vectors, 0.0)


def _shapes(network: Network) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {f"slopes.{k}": tuple(slope.shape) for k, slope in enumerate(network.slopes)}
    for k, layer in enumerate(network.layers):
        shapes[f"layers.{k}.weight"], shapes[f"layers.{k}.bias"] = layer.weight.shape, layer.bias.shape
    return shapes
