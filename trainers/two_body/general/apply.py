"""Apply a model of any state: its derivative and its rollouts, in the units of the data, in double precision."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from trainers.common.named_arrays import below
from trainers.study import Arrays, Trained
from trainers.two_body.config import ModelConfig
from trainers.two_body.general.field import RightHandSide, channels_first, field_from, network_field, rollout
from trainers.two_body.general.polynomial import degree_of, library

TOLERANCE, FIRST_SUBSTEPS, MOST_SUBSTEPS = 1e-9, 4, 64
"""Local error of a rollout per data interval [standard deviations]; RK4 steps of the first rollout; most of them."""

TOGETHER, STEPS_TOGETHER = 32, 4096
"""Trajectories per compiled rollout, and those of two times; the last block is padded with copies of the last one."""


@dataclass(frozen=True)
class StatePredictor:
    """A model of any state; channels and inputs in the last axis, in the order and units of the training data."""

    config: ModelConfig
    parameters: Any
    """The network, or the coefficients of a polynomial."""
    fitted: Arrays
    channels: tuple[str, ...]
    inputs: tuple[str, ...]
    time_unit: str

    def derivative(self, state: np.ndarray, inputs: np.ndarray | None = None) -> np.ndarray:
        """Return dy/dt (..., C) at states (..., C) under inputs (..., U)."""
        y = np.moveaxis((np.asarray(state, float) - self.fitted["mean"]) / self.fitted["scale"], -1, 0)
        u = np.moveaxis(self._normalised_inputs(inputs, np.asarray(state).shape[:-1]), -1, 0)
        flat = y.reshape(len(self.channels), y[0].size), u.reshape(len(self.inputs), y[0].size)
        with jax.enable_x64(True):
            slopes = np.asarray(_compiled(self._architecture)[0](self._constants, *flat))
        return np.moveaxis(slopes.reshape(y.shape), 0, -1) * self.fitted["scale"] / self.fitted["time_unit"]

    def rollout(self, state0: np.ndarray, t: np.ndarray, inputs: np.ndarray | None = None) -> np.ndarray:
        """Integrate from states (N, C) through times (N, T) under inputs (N, T, U), each held until the next time.

        Returns states (N, T, C): RK4 with 1 to 64 steps per interval, as many as keep the local error below 1e-9 of the
        channels' standard deviations. A trajectory that diverges is NaN or infinite from there on.
        """
        y0 = ((np.asarray(state0, float) - self.fitted["mean"]) / self.fitted["scale"]).T
        u = channels_first(self._normalised_inputs(inputs, t.shape))
        times = np.asarray(t, float).T / float(self.fitted["time_unit"])
        count = times.shape[1]
        size = TOGETHER if len(times) > 2 else STEPS_TOGETHER
        index = np.minimum(np.arange(-(-count // size) * size), count - 1)
        with jax.enable_x64(True):
            blocks = [
                np.asarray(_compiled(self._architecture)[1](self._constants, times[:, k], u[..., k], y0[:, k]))
                for k in np.split(index, len(index) // size)
            ]
        states = np.concatenate(blocks, axis=-1)[..., :count]
        return np.transpose(states, (2, 0, 1)) * self.fitted["scale"] + self.fitted["mean"]

    def _normalised_inputs(self, inputs: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
        """Return the inputs (..., U) in the units of the network.

        Raises:
            ValueError: they are not given, or not as many as the model has.
        """
        given = np.zeros((*shape, 0)) if inputs is None else np.asarray(inputs, float)
        if given.shape[-1] != len(self.inputs):
            raise ValueError(f"{given.shape[-1]} inputs are given; the model has {', '.join(self.inputs) or 'none'}")
        return (given - self.fitted["input_mean"]) / self.fitted["input_scale"]

    @property
    def _architecture(self) -> ModelConfig:
        names = ("kind", "width", "depth", "activation", "final_activation", "general")
        return ModelConfig.model_construct(**{name: getattr(self.config, name) for name in names})

    @property
    def _constants(self) -> tuple[Any, np.ndarray, np.ndarray]:
        """Return what the compiled functions take first: parameters, and the shifts of channels and inputs [scales]."""
        shift = self.fitted["mean"] / self.fitted["scale"]
        return self.parameters, shift, self.fitted["input_mean"] / self.fitted["input_scale"]


def apply_states(config: ModelConfig, trained: Trained, which: str = "best") -> StatePredictor:
    """Return the predictor of a trained model of any state; `which` as for `apply.apply`.

    Raises:
        ValueError: there are no such weights, or they are not those of this configuration.
    """
    weights = below(which, trained.weights)
    if not weights:
        available = sorted({name.rpartition("/")[0] for name in trained.weights})
        raise ValueError(f"no weights {which!r}; there are: {', '.join(available) or 'none'}")
    channels, inputs = (tuple(json.loads(str(trained.fact(name)))) for name in ("channels", "inputs"))
    with jax.enable_x64(True):
        double = {name: np.asarray(array, np.float64) for name, array in weights.items()}
        if config.kind == "general_ode":
            parameters: Any = field_from(config, len(channels), len(inputs), double)
        else:
            parameters = jnp.asarray(double["coefficients"])
    return StatePredictor(config, parameters, trained.fitted, channels, inputs, str(trained.fact("time")))


@lru_cache(maxsize=32)
def _compiled(config: ModelConfig) -> tuple[Callable[..., Array], Callable[..., Array]]:
    """Return the compiled derivative and rollout of models of one shape."""

    def right_hand_side(constants: tuple[Any, Array, Array]) -> RightHandSide:
        parameters, shift, input_shift = constants
        if config.kind == "general_ode":
            return network_field(parameters, config)

        def polynomial(y: Array, u: Array) -> Array:
            shifts = (values.reshape(-1, *[1] * (y.ndim - 1)) for values in (shift, input_shift))
            values = jnp.concatenate([part + by for part, by in zip((y, u), shifts, strict=True)])
            return jnp.tensordot(parameters, library(values, degree_of(config), jnp), axes=1)

        return polynomial

    def derivative(constants: tuple[Any, Array, Array], y: Array, u: Array) -> Array:
        return right_hand_side(constants)(y, u)

    def whole(constants: tuple[Any, Array, Array], t: Array, u: Array, y0: Array) -> Array:
        field = right_hand_side(constants)
        return rollout(field, t, u, y0, TOLERANCE, FIRST_SUBSTEPS, MOST_SUBSTEPS)

    return jax.jit(derivative), jax.jit(whole)
