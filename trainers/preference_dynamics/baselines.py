"""Models that need no steps: training means, last values, ridge regression, and least squares from random starts."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from trainers.preference_dynamics.config import ModelConfig
from trainers.preference_dynamics.prepare import Prepared
from trainers.preference_dynamics.refine import Box
from trainers.preference_dynamics.system import Array
from trainers.study import Arrays, Job, Report, Trained

PENALTY = 1e-3
"""Ridge penalty per training series, on standardised features [1]."""


def train_baseline(job: Job, report: Report) -> Trained:
    """Return the baseline `job.config.kind`, fitted in closed form."""
    from trainers.preference_dynamics.calibrate import calibrate

    started = time.monotonic()
    fitted = job.segments.fitted
    weights = {"unknowns": fitted["unknowns_mean"], "forecast": fitted["forecast_mean"]}
    if job.config.kind == "ridge":
        weights = {"coefficients": _ridge(job.segments.phases[0], fitted)}
    extra = calibrate(job.config, job.segments, weights)
    return Trained(
        key=job.key,
        weights={f"{which}/{name}": array for which in ("best", "last") for name, array in weights.items()},
        state={},
        history=pd.DataFrame({name: [] for name in ("phase", "step", "learning_rate", "loss", "validation_loss")}),
        timings={"train": time.monotonic() - started},
        counts={"parameters": sum(array.size for array in weights.values()), "steps": 0},
        fitted={**fitted, **extra},
        meta=job.segments.meta,
    )


def answer_of_baseline(
    config: ModelConfig, weights: Arrays, fitted: Arrays, given: Prepared
) -> tuple[Array, Array, Array]:
    """Return unknowns (N, Q), their spread (N, Q) and forecasts (N, 2n h) in raw units."""
    count, size = len(given.x), len(fitted["unknowns_mean"])
    spread = np.tile(fitted.get("validation_rmse", fitted["unknowns_std"]), (count, 1))
    if config.kind == "ridge":
        said = _design(given.features, fitted) @ weights["coefficients"]
        return said[:, :size], spread, said[:, size:]
    unknowns, forecast = (np.tile(weights[name], (count, 1)) for name in ("unknowns", "forecast"))
    if config.kind == "persistence":
        forecast = np.repeat(given.x[:, :, -1] * given.scale + given.shift, config.horizon, axis=1)
    return unknowns, spread, forecast


def random_starts(config: ModelConfig, box: Box, series: Array, first: Array, spread: Array) -> Array:
    """Return starts (N, S, Q) of a refinement: what was said, then draws from its uncertainty.

    Kind fit starts from draws from the box alone, and takes initial values from the series where it shows them: v0 is
    u(0), m0 is a(0); where those are 0 the values are drawn below 0.
    """
    random = np.random.default_rng([config.seed, 2])
    starts, size = config.refine.starts, len(box.low)
    if config.kind != "fit":
        drawn = first + spread * random.standard_normal((starts, *first.shape))
        drawn[0] = first
    else:
        drawn = random.uniform(box.low, box.high, (starts, len(series), size))
        seen, low = series[:, 0], -np.abs(drawn[..., size - series.shape[2] :])
        drawn[..., size - series.shape[2] :] = np.where(seen > 0, seen, low)
    return np.moveaxis(np.clip(drawn, box.low, box.high), 0, 1)


def _ridge(arrays: Arrays, fitted: Arrays) -> Array:
    """Return coefficients (F + 1, Q + 2n h): the intercept first, which is not penalised."""
    design = _design(arrays["train/features"], fitted)
    targets = np.concatenate([arrays["train/unknowns"], arrays["train/forecast"]], axis=1)
    penalty = PENALTY * len(design) * np.eye(design.shape[1])
    penalty[0, 0] = 0.0
    return np.linalg.solve(design.T @ design + penalty, design.T @ targets)


def _design(features: Array, fitted: Arrays) -> Array:
    spread = fitted["features_std"]
    scaled = (features - fitted["features_mean"]) / np.where(spread > 0, spread, 1.0)
    return np.concatenate([np.ones((len(features), 1)), scaled], axis=1)
