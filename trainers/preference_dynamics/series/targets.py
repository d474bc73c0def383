"""Targets of a model: their names, and the transformations between raw units and those of the network.

Forecasts are in normalised units, `(y - shift) / scale` of their series. Unknowns are in raw units, for the posterior
network in units of their spread over the training set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainers.preference_dynamics.config import ModelConfig
from trainers.preference_dynamics.series.inputs import Inputs
from trainers.preference_dynamics.system.equations import Array, forecast_names, parameter_names, unknown_names
from trainers.study import Arrays


def target_names(config: ModelConfig, actions: int) -> tuple[str, ...]:
    """Return the names of the targets of a configuration, in order: unknowns, then forecasts."""
    forecasts = forecast_names(actions, config.horizon)
    names = {
        "parameters": parameter_names(actions),
        "unknowns": unknown_names(actions),
        "forecast": forecasts,
        "all": unknown_names(actions) + forecasts,
    }
    return names[config.targets]


@dataclass(frozen=True)
class Targets:
    """The targets of a network: first unknowns, then forecasts."""

    unknowns: int
    """Number of unknowns among the targets."""
    forecasts: int
    """Number of forecasts."""
    horizon: int
    shift: Array
    """(unknowns,) subtracted from unknowns."""
    unit: Array
    """(unknowns,) divisors of unknowns."""

    def of_segments(self, arrays: Arrays, side: str) -> Array:
        """Return the targets (S, P) of training or validation series, in the network's units."""
        unknowns = (arrays[f"{side}/unknowns"][:, : self.unknowns] - self.shift) / self.unit
        shift, scale = (np.repeat(arrays[f"{side}/{name}"], self.horizon, axis=1) for name in ("shift", "scale"))
        forecast = (arrays[f"{side}/forecast"] - shift) / scale
        return np.concatenate([unknowns, forecast[:, : self.forecasts]], axis=1)

    def to_raw_units(self, output: Array, inputs: Inputs) -> tuple[Array, Array]:
        """Return the unknowns and the forecasts of an output (N, P), in raw units."""
        shift, scale = (
            np.repeat(part, self.horizon, axis=1)[:, : self.forecasts] for part in (inputs.shift, inputs.scale)
        )
        unknowns, forecast = output[:, : self.unknowns], output[:, self.unknowns :]
        return unknowns * self.unit + self.shift, forecast * scale + shift


def targets_of(config: ModelConfig, fitted: Arrays, actions: int) -> Targets:
    """Return the targets of a configuration; `fitted` has the statistics of training series of n actions."""
    forecasts = len(forecast_names(actions, config.horizon)) if config.targets in ("all", "forecast") else 0
    unknowns = len(target_names(config, actions)) - forecasts
    shift, unit = np.zeros(unknowns), np.ones(unknowns)
    if config.kind == "posterior":
        spread = fitted["unknowns_std"][:unknowns]
        shift, unit = fitted["unknowns_mean"][:unknowns], np.where(spread > 0, spread, 1.0)
    return Targets(unknowns, forecasts, config.horizon, shift, unit)
