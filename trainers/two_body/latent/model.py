"""The latent ODE: a GRU over observations from the last to the first, an ODE of the latent state, a decoder.

    q(z0 | observations) = N(mean, exp(2 log_std)),   [mean, log_std] = W h,   h: the state of the GRU after the first
                                                                              observation
    dz/dt = network([z, u]),   observed channels = network(z)

Arrays carry time first, then channels, then the batch B, in the normalised units of `general/segment.py`.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from trainers.study import Arrays
from trainers.two_body.config import ModelConfig
from trainers.two_body.general.field import RightHandSide, integrate
from trainers.two_body.models.network import Linear, Network, init_perceptron, outputs

LOG_STD = (-6.0, 1.0)
"""Range of the logarithm of the posterior's standard deviation, within which it is squashed."""


class LatentModel(eqx.Module):
    """Parameters of encoder, dynamics and decoder."""

    encoder: eqx.nn.GRUCell
    posterior: Linear
    dynamics: Network
    decoder: Network


def init_model(config: ModelConfig, observed: int, inputs: int, key: Array) -> LatentModel:
    """Return random initial parameters for a number of observed channels and of inputs."""
    keys = jax.random.split(key, 4)
    size, units = config.latent.size, config.latent.encoder_units
    head = eqx.nn.Linear(units, 2 * size, key=keys[1])
    assert head.bias is not None
    return LatentModel(
        encoder=eqx.nn.GRUCell(observed + inputs + 1, units, key=keys[0]),
        posterior=Linear(head.weight, head.bias),
        dynamics=init_perceptron(config, size + inputs, size, keys[2]),
        decoder=init_perceptron(config, size, observed, keys[3]),
    )


def encode(model: LatentModel, t: Array, y: Array, u: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation (Z, B) of the latent state at the first time, from t (K, B), y and u.

    Observations are read from the last to the first, each with the time until the next one. NaN in y marks an
    observation that does not exist: it leaves the state as it is.
    """
    gaps = jnp.concatenate([jnp.diff(t, axis=0), jnp.zeros_like(t[:1])])
    cell = jax.vmap(model.encoder, in_axes=(1, 1), out_axes=1)

    def read(hidden: Array, observation: tuple[Array, Array, Array]) -> tuple[Array, None]:
        values, applied, gap = observation
        there = jnp.all(jnp.isfinite(values), axis=0) & jnp.isfinite(gap)
        # a NaN behind a mask would still make the gradient NaN
        row = jnp.concatenate([values, applied, gap[None]])
        return jnp.where(there, cell(jnp.where(there, row, 0.0), hidden), hidden), None

    start = jnp.zeros((model.encoder.hidden_size, t.shape[1]), y.dtype)
    hidden, _ = jax.lax.scan(read, start, (y, u, gaps), reverse=True)
    mean, raw = jnp.split(model.posterior(hidden), 2)
    low, high = LOG_STD
    return mean, jnp.exp(low + (high - low) * jax.nn.sigmoid(raw))


def latent_field(model: LatentModel, config: ModelConfig) -> RightHandSide:
    """Return `dz/dt = network([z, u])`."""
    forward = outputs(model.dynamics, config)
    return lambda z, u: forward(jnp.concatenate([z, u]))


def decode(model: LatentModel, config: ModelConfig, t: Array, u: Array, z0: Array) -> Array:
    """Return the observed channels (L, C, B) at times t (L, B) of the motion from the latent state z0 (Z, B)."""
    states = integrate(latent_field(model, config), t, u, z0, config.general.substeps)
    return jnp.moveaxis(outputs(model.decoder, config)(jnp.moveaxis(states, 1, 0)), 0, 1)


def decoded_rates(model: LatentModel, config: ModelConfig, t: Array, u: Array, z0: Array) -> tuple[Array, Array]:
    """Return the observed channels (L, C, B) and their time derivatives along the latent motion, by the chain rule."""
    field, forward = latent_field(model, config), outputs(model.decoder, config)
    states = jnp.moveaxis(integrate(field, t, u, z0, config.general.substeps), 1, 0)
    values, rates = jax.jvp(forward, (states,), (field(states, jnp.moveaxis(u, 1, 0)),))
    return jnp.moveaxis(values, 0, 1), jnp.moveaxis(rates, 0, 1)


def weights_of(model: LatentModel) -> dict[str, np.ndarray]:
    """Return the parameters by name, such as `decoder.layers.0.weight`."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(model)
    return {jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf) for path, leaf in leaves}


def model_from(config: ModelConfig, observed: int, inputs: int, arrays: Arrays) -> LatentModel:
    """Return the model of parameters by name; the reverse of `weights_of`.

    Raises:
        ValueError: names or shapes are not those of the configuration.
    """
    template = jax.eval_shape(lambda key: init_model(config, observed, inputs, key), jax.random.key(0))
    leaves, structure = jax.tree_util.tree_flatten_with_path(template)
    expected = {jax.tree_util.keystr(path, simple=True, separator="."): leaf.shape for path, leaf in leaves}
    given = {name: array.shape for name, array in arrays.items()}
    if given != expected:
        wrong = sorted(name for name in given.keys() | expected if given.get(name) != expected.get(name))
        raise ValueError(
            f"arrays {wrong} do not have the shapes of the configuration; give the one that the model was trained with"
        )
    return jax.tree.unflatten(structure, [jnp.asarray(arrays[name]) for name in expected])
