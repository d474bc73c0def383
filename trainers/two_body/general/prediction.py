"""Predict test trajectories from what is observed of their first times: one rollout, or samples of a posterior."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainers.study import Trajectories
from trainers.two_body.config import ModelConfig
from trainers.two_body.general.initial_states import fit_initial_states
from trainers.two_body.general.observation import Context, context_of
from trainers.two_body.latent.apply import LatentPredictor

LEVEL = 0.9
"""Nominal coverage of the intervals of samples."""

INTERVAL_UNITS = {"coverage_90": "%", "interval_width": "1"}

MOST_DEGREE = 4
"""Degree of the polynomials through the observations that give the first guess of an initial state."""


def predict(config: ModelConfig, predictor: Any, test: Trajectories) -> np.ndarray:
    """Return samples (K, N, T, C) of the motion of a test set; a model without uncertainty gives one."""
    if isinstance(predictor, LatentPredictor):
        context = context_of(config.observation, test, predictor.fitted["scale"])
        return predictor.predict(context, test.t, test.inputs)
    start = test.y[:, 0]
    if not config.observation.exact:
        scale = predictor.fitted["scale"]
        context = context_of(config.observation, test, scale)
        guess = _first_guess(context, test.names)
        start = fit_initial_states(predictor, guess, context.t, context.y, context.inputs, scale)
    return predictor.rollout(start, test.t, test.inputs)[None]


def _first_guess(context: Context, names: tuple[str, ...]) -> np.ndarray:
    """Return initial states (N, C) of polynomials through the observations; `vx` without any is the rate of `x`."""
    states = np.zeros((len(context.t), len(names)))
    for row, t, y in zip(states, context.t, context.y, strict=True):
        for place, name in enumerate(names):
            own = np.isfinite(y[:, place])
            rate = not own.any() and name[1:] in names
            values = y[:, names.index(name[1:])] if rate else y[:, place]
            there = np.isfinite(values) & np.isfinite(t)
            if there.any():
                series = np.polynomial.Polynomial.fit(t[there], values[there], min(MOST_DEGREE, there.sum() - 1))
                row[place] = (series.deriv() if rate else series)(t[0])
    return states


def check_channels(predictor: Any, data: Trajectories) -> None:
    """Refuse data with other channels, inputs or unit of time than those that a model was trained on.

    Raises:
        ValueError: they differ; one line.
    """
    own = (predictor.channels, predictor.inputs, predictor.time_unit)
    theirs = (tuple(data.names), tuple(data.input_names), data.time_unit)
    for what, expected, given in zip(("channels", "inputs", "time in"), own, theirs, strict=True):
        if expected != given:
            raise ValueError(f"the test set has {what} {given}; the model was trained on {expected}")


def interval_of(samples: np.ndarray) -> np.ndarray:
    """Return the ends (2, N, T, C) of the central 90 % of samples (K, N, T, C)."""
    return np.quantile(samples, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=0)


def interval_columns(
    samples: np.ndarray, test: Trajectories, scale: np.ndarray, later: np.ndarray
) -> dict[str, np.ndarray]:
    """Return coverage [%] and mean width [standard deviations] (N,) of the intervals at the times `later` (T,).

    Channels that do not change along a trajectory are left out: an interval about a constant says nothing.
    """
    low, high = interval_of(samples)
    changes = np.nanmax(test.y, axis=1, keepdims=True) > np.nanmin(test.y, axis=1, keepdims=True)
    members = np.isfinite(low) & np.isfinite(high) & later[:, None] & np.isfinite(test.y) & changes
    count = np.maximum(members.sum(axis=(1, 2)), 1)
    there = members.any(axis=(1, 2))
    inside = (members & (test.y >= low) & (test.y <= high)).sum(axis=(1, 2)) / count
    width = np.where(members, (high - low) / scale, 0.0).sum(axis=(1, 2)) / count
    return {"coverage_90": np.where(there, 100 * inside, np.nan), "interval_width": np.where(there, width, np.nan)}
