"""Errors of predicted orbits in the study's own terms, for models of any state that were trained on orbits."""

from __future__ import annotations

import numpy as np

from trainers.study import Trajectories
from trainers.two_body import metrics
from trainers.two_body.problems import PROBLEMS, load_problem

ORBIT_UNITS = {"position_error": "%", "velocity_error": "%", "phase_error": "deg", "energy_drift": "%"}
CHANNELS = ("x", "y", "z", "vx", "vy", "vz")


def has_orbits(test: Trajectories) -> bool:
    """Return whether a test set holds orbits of one of the study's problems."""
    return tuple(test.names) == CHANNELS and str(test.meta.get("problem", "")) in PROBLEMS


def orbit_columns(rollout: np.ndarray, test: Trajectories) -> dict[str, np.ndarray]:
    """Return the errors (N,) of rollouts (N, T, 6), each as `evaluate` of the study defines it.

    position_error, velocity_error: mean over times; phase_error: at the last time; energy_drift: largest.
    """
    problem = load_problem(str(test.meta["problem"]))
    columns = {
        "position_error": _mean(metrics.relative_error(rollout[..., :3], test.y[..., :3])),
        "velocity_error": _mean(metrics.relative_error(rollout[..., 3:], test.y[..., 3:])),
    }
    mu = getattr(problem, "CONSTANTS", {}).get("mu")
    if mu is not None:
        last = np.isfinite(test.t).sum(axis=1) - 1
        lead = metrics.phase_lead(rollout, test.y, mu)
        columns["phase_error"] = np.abs(lead[np.arange(len(lead)), last])
    first = next(iter(problem.invariants(np.moveaxis(rollout, -1, 0)).values()))
    drift = np.abs(metrics.relative_change(first))
    finite = np.isfinite(drift)
    columns["energy_drift"] = np.where(finite.any(axis=1), np.where(finite, drift, -np.inf).max(axis=1), np.nan)
    return columns


def _mean(values: np.ndarray) -> np.ndarray:
    finite = np.isfinite(values)
    return np.where(finite, values, 0.0).sum(axis=1) / np.where(finite.any(axis=1), finite.sum(axis=1), np.nan)
