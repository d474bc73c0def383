"""The initial states that fit observations best, through a model's own rollouts: Levenberg and Marquardt's method."""

from __future__ import annotations

from typing import Any

import numpy as np

ROUNDS, DIFFERENCE = 12, 1e-4
"""Rounds of the method; difference of the initial state by which derivatives are taken [standard deviations]."""


def fit_initial_states(
    predictor: Any, guess: np.ndarray, t: np.ndarray, y: np.ndarray, inputs: np.ndarray | None, scale: np.ndarray
) -> np.ndarray:
    """Return the states (N, C) at the first times whose rollouts are nearest to the observations y (N, K, C).

    Least squares in standard deviations over the numbers that are not NaN; each trajectory by itself. A step that does
    not lower the sum of squares, or whose rollout diverges, is not taken, and the next one is shorter.
    """
    count, channels = guess.shape
    states, damping = guess.copy(), np.full(count, 1e-3)
    residuals = _residuals(predictor, states, t, y, inputs, scale)
    for _ in range(ROUNDS):
        jacobian = np.stack(
            [
                (_residuals(predictor, states + DIFFERENCE * scale * unit, t, y, inputs, scale) - residuals)
                / DIFFERENCE
                for unit in np.eye(channels)
            ],
            axis=2,
        )
        jacobian = np.nan_to_num(jacobian, posinf=0.0, neginf=0.0)
        normal = np.einsum("nkc,nkd->ncd", jacobian, jacobian)
        # damping by the size of each direction, and a little of all: a channel may have no effect at all
        normal += damping[:, None, None] * (normal * np.eye(channels) + 1e-9 * np.eye(channels))
        gradient = np.einsum("nkc,nk->nc", jacobian, residuals)
        trial = states - scale * np.linalg.solve(normal, gradient[..., None])[..., 0]
        tried = _residuals(predictor, trial, t, y, inputs, scale)
        better = (tried**2).sum(axis=1) < (residuals**2).sum(axis=1)
        states, residuals = np.where(better[:, None], trial, states), np.where(better[:, None], tried, residuals)
        damping = np.where(better, damping / 5, damping * 5)
    return states


def _residuals(
    predictor: Any, states: np.ndarray, t: np.ndarray, y: np.ndarray, inputs: np.ndarray | None, scale: np.ndarray
) -> np.ndarray:
    """Return the residuals (N, K C); 0 where there is no observation, large where a rollout diverges."""
    with np.errstate(all="ignore"):
        off = (predictor.rollout(states, t, inputs) - y) / scale
    off = np.where(np.isfinite(y), np.nan_to_num(off, nan=1e6, posinf=1e6, neginf=-1e6), 0.0)
    return off.reshape(len(states), -1)
