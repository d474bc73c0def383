"""A model's estimates for a test set beside the truth; summary and tables of an evaluation derive from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainers.preference_dynamics import metrics
from trainers.preference_dynamics.apply import Estimate, apply
from trainers.preference_dynamics.config import ModelConfig
from trainers.preference_dynamics.series.inputs import Inputs, inputs_of
from trainers.preference_dynamics.series.normalisers import AT_REST
from trainers.preference_dynamics.system.equations import Array, actions_of, forecast_names, unknown_names
from trainers.preference_dynamics.system.regimes import Regimes, regimes_of
from trainers.preference_dynamics.system.solution import solve
from trainers.study import Trained, Trajectories


@dataclass(frozen=True)
class Comparison:
    """Estimates and truth of N series; P of the Q unknowns are estimated."""

    actions: int
    t: Array
    unknowns: Array
    """(N, Q) true."""
    series: Array
    """(N, T, 2n) true, without noise."""
    estimate: Estimate
    solution: Array
    """(N, T, 2n) the series of the estimated unknowns; NaN where a model does not estimate initial values."""
    inputs: Inputs
    forecast: Array
    """(N, 2n h) true, without noise."""
    spread: Array
    """(Q,) std of the unknowns over the training set."""
    mean: Array
    """(Q,) mean of the unknowns over the training set."""
    regimes: Regimes
    fixed: Array
    """(Q + 2n h,) whether each unknown, and each forecast, has one value in the training set."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the P estimated unknowns."""
        return unknown_names(self.actions)[: self.estimate.unknowns.shape[1]]

    @property
    def truth(self) -> Array:
        """(N, P) true values of these."""
        return self.unknowns[:, : self.estimate.unknowns.shape[1]]

    @property
    def varying(self) -> Array:
        """(P,) whether each of these varies over the training set or the test set."""
        return ~self.constant(self.truth)

    def constant(self, truth: Array) -> Array:
        """Return which targets (K,) have one value in the training set and over true values (N, K).

        Of a small test set alone nobody could say: in a set of one series, every target has one value.
        """
        estimated, unknowns = self.estimate.unknowns.shape[1], self.unknowns.shape[1]
        fixed = np.concatenate([self.fixed[:estimated], self.fixed[unknowns:]])
        return fixed[: truth.shape[1]] & metrics.constant_targets(truth)

    @property
    def failed(self) -> Array:
        """(N,) whether an estimate is not finite, or its solution is not."""
        estimate = self.estimate
        failed = ~np.isfinite(estimate.unknowns).all(axis=1) | ~np.isfinite(estimate.forecast).all(axis=1)
        complete = estimate.unknowns.shape[1] == self.unknowns.shape[1]
        return failed | ~np.isfinite(self.solution).all(axis=(1, 2)) if complete else failed

    @property
    def threshold(self) -> Array:
        """(N, 2n) mu of desires, 0 of efforts."""
        mu = self.unknowns[:, self.actions : 2 * self.actions]
        return np.concatenate([mu, np.zeros_like(mu)], axis=1)

    @property
    def inside(self) -> Array:
        """(N, P) whether the true value lies in its 90 % interval."""
        return np.asarray(np.abs(self.estimate.unknowns - self.truth) <= self.estimate.half_width)

    def targets(self) -> tuple[Array, Array, tuple[str, ...]]:
        """Return predicted and true targets and their names: unknowns, and forecasts in units of their series' scale.

        A channel that does not move before the horizon has no scale: its forecast stays in raw units.
        """
        horizon = self.forecast.shape[1] // self.inputs.scale.shape[1]
        scale = np.where(self.inputs.scale < AT_REST, 1.0, self.inputs.scale)
        shift, scale = (np.repeat(part, horizon, axis=1) for part in (self.inputs.shift, scale))
        if not self.estimate.forecast.shape[1]:
            return self.estimate.unknowns, self.truth, self.names
        predicted, true = ((part - shift) / scale for part in (self.estimate.forecast, self.forecast))
        names = self.names + forecast_names(self.actions, horizon)
        return np.hstack([self.estimate.unknowns, predicted]), np.hstack([self.truth, true]), names


def compare(config: ModelConfig, trained: Trained, test: Trajectories) -> Comparison:
    """Estimate the unknowns of a test set and solve for their series.

    Raises:
        ValueError: the test set has no true unknowns, or its series have different times.
    """
    actions, t = actions_of(test.names), test.t[0]
    missing = [name for name in unknown_names(actions) if name not in test.parameters]
    if missing:
        raise ValueError(f"the test set lacks {', '.join(missing)}; expected the true unknowns of every series")
    if not np.array_equal(test.t, np.broadcast_to(t, test.t.shape)):
        raise ValueError("the series of the test set have different times; expected the same for all")
    unknowns = np.stack([test.parameters[name] for name in unknown_names(actions)], axis=1)
    series = solve(unknowns, t - t[0], actions)
    inputs = inputs_of(config, test.y, t)
    estimate = apply(config, trained).estimate(inputs, t)
    complete = estimate.unknowns.shape[1] == unknowns.shape[1]
    solution = solve(estimate.unknowns, t - t[0], actions) if complete else np.full(series.shape, np.nan)
    forecast = np.moveaxis(series[:, -config.horizon :], 1, 2).reshape(len(series), -1)
    spread, mean = (np.asarray(trained.fitted[f"unknowns_{name}"], np.float64) for name in ("std", "mean"))
    regimes = regimes_of(unknowns, series[:, : -config.horizon], actions)
    ranges = [(trained.fitted[f"{name}_low"], trained.fitted[f"{name}_high"]) for name in ("unknowns", "forecast")]
    fixed = np.concatenate([np.asarray(low == high) for low, high in ranges])
    return Comparison(actions, t, unknowns, series, estimate, solution, inputs, forecast, spread, mean, regimes, fixed)
