"""Apply a trained model: its acceleration and its rollouts, in the units of the dataset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from trainers.common.named_arrays import below
from trainers.study import Arrays, Trained
from trainers.two_body.config import ModelConfig
from trainers.two_body.general.apply import apply_states
from trainers.two_body.integrators import rk4
from trainers.two_body.latent.apply import apply_latent
from trainers.two_body.models.network import Observation, network_from, observe, vector_field
from trainers.two_body.normalisation import state_units, units_of
from trainers.two_body.problems import equation_of_motion

TOLERANCE = 1e-9
"""Relative local error of a rollout per data interval [1]."""

FIRST_SUBSTEPS, MOST_SUBSTEPS = 4, 1024
"""RK4 sub-steps per data interval in the first rollout, which decides on those of the second; most of any."""

FORESEEN = 16
"""Sub-steps up to which the error of one step foretells that of many. Beyond them the error is measured, and the
rollout repeated with more of them."""

REPEATS = 4
"""Rollouts after the second, at most."""

TRAJECTORIES, POINTS = 32, 4096
"""Trajectories per rollout and states per evaluation of the field. The last block is padded with copies of the last
one, so that a program is compiled once, whatever the size of the test set."""


class _Compiled(NamedTuple):
    """The compiled functions of models of one shape; parameters are arguments."""

    acceleration: Callable[[Any, Array], Array]
    rollout: Callable[[Any, Array, Array], tuple[Array, Array]]
    repeat: Callable[[Any, Array, Array, Array], Array]
    local_error: Callable[[Any, Array, Array, Array], Array]
    observe: Callable[[Any, Array], Observation] | None


@dataclass(frozen=True)
class Predictor:
    """A trained model in the units of its dataset; states are [x, y, z, vx, vy, vz] in the last axis.

    Everything is evaluated in double precision, whatever precision the model was trained in.
    """

    config: ModelConfig
    parameters: Any
    """What the compiled functions take: the network and its units, a constant, or nothing."""
    problem: str
    """Name of the equation of motion of the training data."""

    def acceleration(self, state: np.ndarray) -> np.ndarray:
        """Return the predicted acceleration (..., 3) at states (..., 6)."""
        return self._pointwise(self._compiled.acceleration, state)

    def rollout(self, state0: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Integrate the predicted field from states (N, 6) through times (N, T) -> states (N, T, 6).

        RK4 on the grid of t, with 1 to 1024 sub-steps per interval: as many as keep the local error below 1e-9 for the
        worst of up to 32 trajectories, see `rollout_and_resolution`. A trajectory that diverges is NaN or infinite from
        there on.
        """
        return self.rollout_and_resolution(state0, t)[0]

    def rollout_and_resolution(self, state0: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the states (N, T, 6) of `rollout`, and which trajectories (N,) miss its tolerance.

        The sub-steps follow from the error of one step along a first rollout with 4 of them. Where this asks for more
        than 16, the local error of the rollout is measured against twice as many sub-steps, and the rollout is repeated
        with more until it meets the tolerance. A trajectory misses it whose local error is then above ten times the
        tolerance: its passage of periapsis is too fast for the grid of its data.
        """
        start, times = np.transpose(np.asarray(state0, np.float64)), np.transpose(np.asarray(t, np.float64))
        with jax.enable_x64(True):
            values = np.moveaxis(_in_blocks(self._resolved, TRAJECTORIES, times, start), 2, 0)
        return values[..., :6], values[:, 0, 6] > 0

    def _resolved(self, t: Array, y0: Array) -> Array:
        """Return states and, as a seventh channel, whether a trajectory misses the tolerance: (T, 7, B)."""
        states, substeps = self._compiled.rollout(self.parameters, t, y0)
        unresolved = jnp.zeros(t.shape[1], bool)
        if int(substeps.max(initial=1)) > FORESEEN:
            for left in reversed(range(REPEATS + 1)):
                error = jnp.nan_to_num(self._compiled.local_error(self.parameters, t, states, substeps), posinf=0.0)
                growth = jnp.maximum(error.max(axis=1) / TOLERANCE, 0.0) ** 0.25
                wanted = jnp.clip(jnp.ceil(substeps * growth), substeps, MOST_SUBSTEPS).astype(jnp.int32)
                if not left or bool((wanted == substeps).all()):
                    break
                substeps = wanted
                states = self._compiled.repeat(self.parameters, t, y0, substeps)
            unresolved = (error > 10 * TOLERANCE).any(axis=0)
        return jnp.concatenate([states, jnp.broadcast_to(unresolved, (len(t), 1, t.shape[1]))], axis=1)

    def features(self, state: np.ndarray) -> np.ndarray:
        """Return the input features of the network (..., F) at states (..., 6)."""
        return self._observe(state, "features")

    def outputs(self, state: np.ndarray) -> np.ndarray:
        """Return the outputs of the network (..., K), after the final activation, at states (..., 6)."""
        return self._observe(state, "outputs")

    def _observe(self, state: np.ndarray, part: str) -> np.ndarray:
        observe_states = self._compiled.observe
        if observe_states is None:
            raise ValueError(f"a model of kind {self.config.kind!r} has no network; expected kind 'neural_ode'")
        return self._pointwise(lambda parameters, states: getattr(observe_states(parameters, states), part), state)

    def _pointwise(self, function: Callable[[Any, Array], Array], state: np.ndarray) -> np.ndarray:
        state = np.asarray(state, np.float64)
        with jax.enable_x64(True):
            values = _in_blocks(partial(function, self.parameters), POINTS, state.reshape(-1, 6).T)
        return values.T.reshape(*state.shape[:-1], values.shape[0])

    @property
    def _compiled(self) -> _Compiled:
        return _compile(_architecture(self.config), self.problem)


def _in_blocks(function: Callable[..., Array], size: int, *arrays: np.ndarray) -> np.ndarray:
    """Apply a function to arrays whose last axis is a batch, `size` entries at a time, the last block padded."""
    count = arrays[0].shape[-1]
    index = np.minimum(np.arange(-(-count // size) * size), count - 1)
    blocks = [[a[..., index[k : k + size]] for a in arrays] for k in range(0, len(index), size)]
    return np.concatenate([np.asarray(function(*block)) for block in blocks], axis=-1)[..., :count]


def apply(config: ModelConfig, trained: Trained, which: str = "best") -> Any:
    """Return the predictor of a trained model; `which` may be best, last, phase0/best, phase0/last, ...

    A `Predictor` of orbits, for models of any state a `general.apply.StatePredictor`, or a
    `latent.apply.LatentPredictor`.

    Raises:
        ValueError: as `apply_orbits`.
    """
    return PREDICTORS[config.kind](config, trained, which)


def apply_orbits(config: ModelConfig, trained: Trained, which: str = "best") -> Predictor:
    """Return the predictor of a model of orbits.

    Raises:
        ValueError: there are no such weights, they are not those of this configuration, or the model was trained before
            models held their problem.
    """
    weights = below(which, trained.weights)
    if not weights and config.kind != "true_law":
        available = sorted({name.rpartition("/")[0] for name in trained.weights})
        raise ValueError(f"no weights {which!r}; there are: {', '.join(available) or 'none'}")
    with jax.enable_x64(True):
        double = {name: np.asarray(array, np.float64) for name, array in weights.items()}
        parameters = _parameters(config, double, trained.fitted)
    return Predictor(config, parameters, str(trained.fact("problem")))


def _parameters(config: ModelConfig, arrays: Arrays, fitted: Arrays) -> Any:
    """Return what the functions of `_compile` take as their first argument; the units enter here."""
    length, time = units_of(fitted)
    if config.kind == "true_law":
        return ()
    if config.kind == "mean_acceleration":
        return jnp.asarray(arrays["acceleration"] * (length / time**2))
    return network_from(config, arrays), jnp.asarray(state_units(fitted)), jnp.asarray(time)


def _architecture(config: ModelConfig) -> ModelConfig:
    """Return the fields that shape the predicted field; models that agree in them share compiled functions."""
    fields = ("kind", "feature_layer", "output_layer", "output_scale", "planar_constraint", "width", "depth")
    names = (*fields, "activation", "final_activation")
    return ModelConfig.model_construct(**{name: getattr(config, name) for name in names})


@lru_cache(maxsize=32)
def _compile(config: ModelConfig, problem: str) -> _Compiled:
    field = _field(config, problem)

    def rollout(parameters: Any, t: Array, y0: Array) -> tuple[Array, Array]:
        def model_field(y: Array) -> Array:
            return field(parameters, y)

        first = rk4.rollout(model_field, t, y0, jnp.full(t.shape[0] - 1, FIRST_SUBSTEPS))
        substeps = rk4.substeps_for(model_field, t, first, TOLERANCE, MOST_SUBSTEPS)
        return rk4.rollout(model_field, t, y0, substeps), substeps

    def repeat(parameters: Any, t: Array, y0: Array, substeps: Array) -> Array:
        return rk4.rollout(partial(field, parameters), t, y0, substeps)

    def local_error(parameters: Any, t: Array, states: Array, substeps: Array) -> Array:
        return rk4.local_error(partial(field, parameters), t, states, substeps)

    def observe_states(parameters: Any, state: Array) -> Observation:
        network, units, _ = parameters
        return observe(network, config)(state / units[:, None])

    return _Compiled(
        acceleration=jax.jit(lambda parameters, state: field(parameters, state)[3:]),
        rollout=jax.jit(rollout),
        repeat=jax.jit(repeat),
        local_error=jax.jit(local_error),
        observe=jax.jit(observe_states) if config.kind == "neural_ode" else None,
    )


def _field(config: ModelConfig, problem: str) -> Callable[[Any, Array], Array]:
    """Return f(parameters, states (6, ...)) -> dy/dt (6, ...), in the units of the dataset."""

    def network_field(parameters: Any, state: Array) -> Array:
        network, units, time = parameters
        units = units.reshape(6, *[1] * (state.ndim - 1))
        return vector_field(network, config)(state / units) * units / time

    def constant_field(acceleration: Array, state: Array) -> Array:
        shape = (3, *state.shape[1:])
        return jnp.concatenate([state[3:], jnp.broadcast_to(acceleration.reshape(3, *[1] * (state.ndim - 1)), shape)])

    true_field = equation_of_motion(problem)
    fields = {
        "neural_ode": network_field,
        "mean_acceleration": constant_field,
        "true_law": lambda _, state: true_field(state),
    }
    return fields[config.kind]


PREDICTORS = {
    "neural_ode": apply_orbits,
    "mean_acceleration": apply_orbits,
    "true_law": apply_orbits,
    "general_ode": apply_states,
    "linear_ode": apply_states,
    "sindy": apply_states,
    "latent_ode": apply_latent,
}
"""What applies a model, by its kind."""
