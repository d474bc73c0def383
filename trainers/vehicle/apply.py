"""Use a trained model: combinations of parameters with intervals of the cars of a log, and rollouts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from trainers.study import Trained, Trajectories
from trainers.vehicle.config import ESTIMATORS, ModelConfig
from trainers.vehicle.dynamics.registry import COMBINED, Dynamics, dynamics_named
from trainers.vehicle.dynamics.rollout import rollout
from trainers.vehicle.dynamics.without_tyres import constant_twist, rolling
from trainers.vehicle.estimates.estimate import Estimates, Estimator, compared, estimator_of, half_widths
from trainers.vehicle.estimates.first_state import last_states
from trainers.vehicle.segment import cars_of
from trainers.vehicle.windows.channels import log_of
from trainers.vehicle.windows.cut import Windows, cut

Array = np.ndarray

BLOCK = 256
"""Rollouts that are integrated together; the last block is filled up with copies."""


@dataclass(frozen=True)
class Predictor:
    """A trained model of logs."""

    config: ModelConfig
    estimator: Estimator

    def windows(self, log: Trajectories) -> Windows:
        """Cut a log into the windows that the model sees."""
        config = self.config
        return cut(log_of(log), config.window, config.stride, config.time_step)

    def estimate(self, log: Trajectories) -> Estimates:
        """Estimate the parameters of every car of a log from all of its windows.

        Raises:
            ValueError: the log has no whole window, lacks a channel, or the model estimates no parameters.
        """
        windows = self.windows(log)
        if not len(windows.run):
            raise ValueError(
                f"the log has no window of {self.config.window} points, {self.config.time_step / 100} s apart; "
                "expected a longer log"
            )
        return self.estimates(windows, cars_of(log)[windows.run])

    def estimates(self, windows: Windows, cars: Array) -> Estimates:
        """Estimate from windows of cars (W,)."""
        if self.config.kind not in ESTIMATORS:
            raise ValueError(
                f"kind {self.config.kind} estimates no parameters; expected one of {', '.join(ESTIMATORS)}"
            )
        return self.estimator.estimate(windows, cars)

    def table(self, estimates: Estimates, cars: Array) -> pd.DataFrame:
        """Return one row per car and combination: car, combination, estimate, low, high; 90 % intervals.

        cars (G,) are the names of the cars of the estimates.
        """
        logarithm, half_width = self.intervals(estimates)
        group, column = np.indices(logarithm.shape)
        return pd.DataFrame(
            {
                "car": np.asarray(cars)[group.ravel()],
                "combination": np.array(COMBINED)[column.ravel()],
                "estimate": np.exp(logarithm).ravel(),
                "low": np.exp(logarithm - half_width).ravel(),
                "high": np.exp(logarithm + half_width).ravel(),
            }
        )

    def intervals(self, estimates: Estimates) -> tuple[Array, Array]:
        """Return the logarithms of COMBINED (G, 6) and the half widths of their 90 % intervals; NaN for none."""
        fitted = self.estimator.fitted
        logarithm, spread = compared(self.estimator.dynamics, estimates, fitted)
        return logarithm, half_widths(spread, fitted)

    def first_states(self, leading: Windows, parameters: dict[str, Array] | None) -> Array:
        """Return the states (N, 7) at the last of the points that lead up to a rollout: as measured, or estimated."""
        if not self.config.initial_points or parameters is None:
            return leading.state[:, -1]
        dynamics, substeps = self.simulated(parameters), self.config.substeps
        return last_states(dynamics, parameters, leading.state, leading.control, self.estimator.step, substeps)

    def simulated(self, parameters: dict[str, Array]) -> Dynamics:
        """Return the dynamics that these parameters are of: the model's, or the true one of a Pacejka car."""
        own = self.estimator.dynamics
        if set(parameters) == set(own.layout.names):
            return own
        return dynamics_named("pacejka", self.config.vehicle_class, controls=own.controls)

    def rollout(self, state: Array, control: Array, parameters: dict[str, Array] | None = None) -> Array:
        """Roll out from states (N, 7) under controls (N, K, 2) of the model's step; return (N, K + 1, 7).

        parameters: by name, (..., N) each, as `Estimates.parameters` has them; kinds that estimate none need none.
        """
        if self.config.kind == "constant_twist":
            return constant_twist(state, control.shape[1], self.estimator.step)
        if self.config.kind == "kinematic":
            return rolling(state, control, self.estimator.dynamics, self.estimator.step)
        if parameters is None:
            raise ValueError(f"kind {self.config.kind} simulates with parameters; give those of an estimate")
        return simulate_with(self.simulated(parameters), self.config, parameters, state, control)


def simulate_with(
    dynamics: Dynamics, config: ModelConfig, parameters: dict[str, Array], state: Array, control: Array
) -> Array:
    """Simulate from states (N, 7) under controls (N, K, 2) with parameters by name (..., N), in double precision."""
    program, count = _program(dynamics, config.time_step / 100, config.substeps), len(state)
    parts = [np.zeros((0, control.shape[1] + 1, state.shape[1]))]
    with jax.enable_x64(True):
        for first in range(0, count, BLOCK):
            rows = np.minimum(np.arange(first, first + BLOCK), count - 1)
            named = {name: jnp.asarray(np.asarray(values, float)[..., rows]) for name, values in parameters.items()}
            states = program(jnp.asarray(state[rows].T), jnp.asarray(np.transpose(control[rows], (1, 2, 0))), named)
            parts.append(np.transpose(np.asarray(states), (2, 0, 1))[: count - first])
    return np.concatenate(parts)


@lru_cache(maxsize=16)
def _program(dynamics: Dynamics, step: float, substeps: int) -> Any:
    return jax.jit(lambda state, control, named: rollout(dynamics, state, control, named, step, substeps))


def apply(config: ModelConfig, trained: Trained, which: str = "best") -> Predictor:
    """Return the predictor of a trained model; `which` may be best, last, phase0/best, phase0/last, ...

    Raises:
        ValueError: if there are no such weights.
    """
    estimator = estimator_of(config, trained.weights, trained.fitted, trained.meta, which)
    if config.kind in ("network", "one_step") and not estimator.weights:
        available = sorted({name.rpartition("/layers.")[0] for name in trained.weights})
        raise ValueError(f"no weights {which!r}; there are: {', '.join(available) or 'none'}")
    return Predictor(config, estimator)


def true_dynamics(test: Trajectories) -> Dynamics:
    """Return the dynamics that simulated a set."""
    return dynamics_named(str(test.meta["dynamics"]), str(test.meta["vehicle_class"]))
