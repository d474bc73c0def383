"""Baselines without optimiser steps: training means, the last value as forecast, ridge regression on features."""

from __future__ import annotations

import numpy as np

from trainers.preference_dynamics.config import ModelConfig
from trainers.preference_dynamics.series.inputs import Inputs
from trainers.preference_dynamics.system.equations import Array
from trainers.study import Arrays, Segments

PENALTY = 1e-3
"""Ridge penalty per training series, on standardised features [1]; only there against singular features."""


def baseline_weights(config: ModelConfig, segments: Segments) -> dict[str, Array]:
    """Fit the baseline `config.kind` in closed form."""
    fitted = segments.fitted
    if config.kind == "ridge":
        return {"coefficients": _ridge(segments.phases[0], fitted)}
    return {"unknowns": fitted["unknowns_mean"], "forecast": fitted["forecast_mean"]}


def baseline_estimate(
    config: ModelConfig, weights: Arrays, fitted: Arrays, inputs: Inputs
) -> tuple[Array, Array, Array]:
    """Return unknowns (N, Q), their spread (N, Q) and forecasts (N, 2n h) in raw units."""
    count, size = len(inputs.x), len(fitted["unknowns_mean"])
    spread = np.tile(fitted.get("validation_rmse", fitted["unknowns_std"]), (count, 1))
    if config.kind == "ridge":
        intercept, slopes = weights["coefficients"][0], weights["coefficients"][1:]
        output = intercept + _standardise(inputs.features, fitted) @ slopes
        return output[:, :size], spread, output[:, size:]
    unknowns, forecast = (np.tile(weights[name], (count, 1)) for name in ("unknowns", "forecast"))
    if config.kind == "persistence":
        forecast = np.repeat(inputs.last, config.horizon, axis=1)
    return unknowns, spread, forecast


def _ridge(arrays: Arrays, fitted: Arrays) -> Array:
    """Return coefficients (F + 1, Q + 2n h): first the intercept, which is not penalised."""
    from sklearn.linear_model import Ridge

    features = _standardise(arrays["train/features"], fitted)
    targets = np.concatenate([arrays["train/unknowns"], arrays["train/forecast"]], axis=1)
    model = Ridge(alpha=PENALTY * len(features), solver="cholesky").fit(features, targets)
    return np.concatenate([model.intercept_[None], model.coef_.T])


def _standardise(features: Array, fitted: Arrays) -> Array:
    spread = fitted["features_std"]
    return (features - fitted["features_mean"]) / np.where(spread > 0, spread, 1.0)
