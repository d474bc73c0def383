"""Models without training: curves that follow from the first snapshot and the parameters in closed form."""

from __future__ import annotations

import numpy as np

from trainers.phase_field.config import ModelConfig
from trainers.phase_field.segment import select
from trainers.study import Arrays, Segments

Array = np.ndarray

PENALTY = 1e-3
"""Ridge penalty per training run, on standardised features [1]."""

BINS = 600
"""Points of the master curve over scaled time."""


def fit_baseline(config: ModelConfig, segments: Segments) -> dict[str, Array]:
    """Fit the baseline `config.kind` to the training runs."""
    arrays, t = segments.phases[0], segments.fitted["t"]
    scores = arrays["train/scores"]
    parameters = select(arrays, "train", str(segments.meta["parameters"]), config.parameters)
    if config.kind == "persistence":
        return {"points": np.array([len(t)])}
    if config.kind == "mean_curve":
        return {"curve": scores.mean(axis=0)}
    if config.kind == "master_curve":
        return _master_curve(scores, _scaled(config, parameters, t))
    features = _features(config, scores[:, 0], parameters)
    mean, std = features.mean(axis=0), features.std(axis=0)
    weights = {"feature_mean": mean, "feature_std": np.where(std > 0, std, 1.0)}
    if config.kind == "nearest":
        return {**weights, "features": (features - mean) / weights["feature_std"], "curves": scores}
    return {**weights, "coefficients": _ridge((features - mean) / weights["feature_std"], scores)}


def baseline_curves(config: ModelConfig, weights: Arrays, first: Array, parameters: Array, t: Array) -> Array:
    """Return curves (N, T, K) that begin with scores (N, K)."""
    if config.kind == "persistence":
        return np.repeat(first[:, None], len(t), axis=1)
    if config.kind == "mean_curve":
        return np.tile(weights["curve"], (len(first), 1, 1))
    if config.kind == "master_curve":
        scaled = _scaled(config, parameters, t)
        columns = [np.interp(scaled, weights["scaled_time"], column) for column in weights["curve"].T]
        return np.stack(columns, axis=2)
    features = (_features(config, first, parameters) - weights["feature_mean"]) / weights["feature_std"]
    if config.kind == "nearest":
        distance = ((features[:, None] - weights["features"][None]) ** 2).sum(axis=2)
        order = np.argsort(distance, axis=1, kind="stable")[:, : config.neighbours]
        return np.asarray(weights["curves"][order].mean(axis=1))
    flat = weights["coefficients"][0] + _with_products(features) @ weights["coefficients"][1:]
    return np.asarray(flat.reshape(len(first), len(t), -1))


def _features(config: ModelConfig, first: Array, parameters: Array) -> Array:
    """Return the features (N, F): parameters and, if asked for, the scores of the first snapshot."""
    return np.concatenate([parameters, first], axis=1) if config.first_scores else parameters


def _with_products(features: Array) -> Array:
    """Return features (N, F) with all products of two of them."""
    one, other = np.triu_indices(features.shape[1])
    return np.concatenate([features, features[:, one] * features[:, other]], axis=1)


def _ridge(features: Array, scores: Array) -> Array:
    """Return coefficients (1 + F + F(F + 1)/2, T K): first the intercept, which is not penalised."""
    from sklearn.linear_model import Ridge

    columns = _with_products(features)
    model = Ridge(alpha=PENALTY * len(columns), solver="cholesky").fit(columns, scores.reshape(len(scores), -1))
    return np.concatenate([model.intercept_[None], model.coef_.T])


def _scaled(config: ModelConfig, parameters: Array, t: Array) -> Array:
    """Return the scaled times `M t/kappa` (N, T)."""
    mobility, kappa = (parameters[:, config.parameters.index(n)] for n in ("mobility", "gradient_coefficient"))
    return np.asarray((mobility / kappa)[:, None] * t)


def _master_curve(scores: Array, scaled: Array) -> dict[str, Array]:
    """Return the mean over runs of their curves at equal scaled time; a run counts up to its own last time."""
    grid = np.linspace(0.0, scaled.max(), BINS)
    total, count = np.zeros((BINS, scores.shape[2])), np.zeros(BINS)
    for curve, times in zip(scores, scaled, strict=True):
        reached = grid <= times[-1] * (1 + 1e-12)
        for k in range(scores.shape[2]):
            total[reached, k] += np.interp(grid[reached], times, curve[:, k])
        count += reached
    return {"scaled_time": grid, "curve": total / count[:, None]}
