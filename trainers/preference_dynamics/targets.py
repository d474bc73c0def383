"""Targets of a network: their names, and how they get from raw units to the network's and back.

Forecasts are in normalised units, `(y - shift) / scale` of their series. Unknowns are in raw units, for the posterior
network in units of their spread over the training set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainers.preference_dynamics.config import ModelConfig
from trainers.preference_dynamics.prepare import Prepared
from trainers.preference_dynamics.system import Array, forecast_names, parameter_names
from trainers.study import Arrays


@dataclass(frozen=True)
class Targets:
    """What a network says of a series: so many unknowns, then so many forecasts."""

    unknowns: int
    forecasts: int
    horizon: int
    shift: Array
    """(unknowns,) subtracted from unknowns."""
    width: Array
    """(unknowns,) unit of unknowns."""

    @property
    def names_count(self) -> int:
        """Number of targets."""
        return self.unknowns + self.forecasts

    def of_segments(self, arrays: Arrays, side: str) -> Array:
        """Return the targets (S, P) of training or validation series, in the network's units."""
        known = (arrays[f"{side}/unknowns"][:, : self.unknowns] - self.shift) / self.width
        shift, scale = (np.repeat(arrays[f"{side}/{name}"], self.horizon, axis=1) for name in ("shift", "scale"))
        ahead = (arrays[f"{side}/forecast"] - shift) / scale
        return np.concatenate([known, ahead[:, : self.forecasts]], axis=1)

    def split(self, says: Array, given: Prepared) -> tuple[Array, Array]:
        """Turn targets (N, P) in the network's units into unknowns and forecasts in raw units."""
        shift, scale = (
            np.repeat(part, self.horizon, axis=1)[:, : self.forecasts] for part in (given.shift, given.scale)
        )
        unknowns, ahead = says[:, : self.unknowns], says[:, self.unknowns :]
        return unknowns * self.width + self.shift, ahead * scale + shift


def targets_of(config: ModelConfig, fitted: Arrays, actions: int) -> Targets:
    """Return the targets of a configuration, for series of so many actions."""
    size = len(fitted["unknowns_mean"])
    unknowns = {"parameters": len(parameter_names(actions)), "forecast": 0}.get(config.targets, size)
    forecasts = len(forecast_names(actions, config.horizon)) if config.targets in ("all", "forecast") else 0
    shift, width = np.zeros(unknowns), np.ones(unknowns)
    if config.kind == "posterior":
        spread = fitted["unknowns_std"][:unknowns]
        shift, width = fitted["unknowns_mean"][:unknowns], np.where(spread > 0, spread, 1.0)
    return Targets(unknowns, forecasts, config.horizon, shift, width)
