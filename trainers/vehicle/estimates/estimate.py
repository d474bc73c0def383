"""Estimate the parameters of cars from windows, as the configuration says: by network, least squares or not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trainers.common.calibration import NORMAL_90
from trainers.common.named_arrays import below
from trainers.study import Arrays, Meta
from trainers.vehicle.config import NETWORKS, ModelConfig
from trainers.vehicle.dynamics.registry import COMBINED, Dynamics, dynamics_named
from trainers.vehicle.estimates.coordinates import (
    bounds,
    comparison,
    from_coordinates,
    population,
    to_coordinates,
)
from trainers.vehicle.estimates.gauss_newton import linearise, refine
from trainers.vehicle.estimates.least_squares import fit_windows
from trainers.vehicle.models import network_from, outputs, standardised
from trainers.vehicle.windows.cut import Windows
from trainers.vehicle.windows.features import features_of

Array = np.ndarray


@dataclass(frozen=True)
class Estimates:
    """Estimates of G cars, or of G windows where each stands alone."""

    parameters: dict[str, Array]
    """Parameters by name, (..., G) each, as they are simulated."""
    u: Array
    """(G, K) coordinates of the combinations; K = 0 where there are none."""
    covariance: Array
    """(G, K, K) of them, NaN where none is known."""
    group: Array
    """(W,) which of the G each window belongs to."""
    windows: Array
    """(W, K) combinations of each window before pooling."""
    disagreement: Array | None = None
    """(G,) of a car's windows, see `gauss_newton.disagreement`; None without refinement."""

    def __len__(self) -> int:
        return len(self.u)


@dataclass(frozen=True)
class Estimator:
    """A trained model as an estimator of parameters."""

    config: ModelConfig
    weights: Arrays
    fitted: Arrays
    meta: Meta

    @property
    def dynamics(self) -> Dynamics:
        """The dynamics that is simulated, under the controls of the data."""
        config = self.config
        controls = (str(self.meta["steering"]), str(self.meta["longitudinal"]))
        return dynamics_named(config.dynamics, config.vehicle_class, config.dynamics_hidden, controls, config.known)

    @property
    def step(self) -> float:
        """Time between two points of a window [s]."""
        return self.config.time_step / 100

    def estimate(self, windows: Windows, cars: Array) -> Estimates:
        """Estimate from windows of cars (W,); group g of the result is the g-th car in order, or the g-th window."""
        group = np.arange(len(cars)) if self.config.estimate == "window" else np.unique(cars, return_inverse=True)[1]
        made = self._first(windows, group)
        if self.config.refine.steps and len(group):
            prior = population(self.dynamics, self.fitted, self.config.refine.population)
            refined = refine(
                self.dynamics, windows, group, made.u, prior, self.step, self.config.substeps, self.config.refine.steps
            )
            return replace(
                made,
                u=refined.u,
                covariance=refined.covariance,
                parameters=self._parameters(refined.u),
                disagreement=refined.disagreement,
            )
        return made

    def _first(self, windows: Windows, group: Array) -> Estimates:
        """Estimate without refinement."""
        config, dynamics = self.config, self.dynamics
        groups, size = (int(group.max()) + 1 if len(group) else 0), dynamics.combinations.size
        unknown = np.full((groups, size, size), np.nan)
        if config.kind in NETWORKS:
            flat = self.network(windows)
            if not size:  # weights of a network have no combinations: their mean is simulated
                mean = _mean(flat.T, group, groups)
                return Estimates(dynamics.layout.named(mean.T), mean[:, :0], unknown, group, flat.T[:, :0])
            single = dynamics.combine(dynamics.layout.named(flat)).T
            single = np.where(dynamics.free, single, dynamics.combinations.low)
            u = self._pooled(windows, to_coordinates(dynamics, single), group, groups)
        elif config.kind == "least_squares":
            combinations = fit_windows(dynamics, windows, group, self.step, config.substeps)
            u, single = to_coordinates(dynamics, combinations), combinations[group]
        else:
            constant = dynamics.combinations.default
            if config.kind == "prior_mean":
                constant = from_coordinates(dynamics, population(dynamics, self.fitted, use=True).mean)
            single = np.tile(constant, (len(group), 1))
            u = np.tile(to_coordinates(dynamics, constant), (groups, 1))
        return Estimates(self._parameters(u), u, unknown, group, single)

    def _parameters(self, u: Array) -> dict[str, Array]:
        dynamics = self.dynamics
        with jax.enable_x64(True):
            named = dynamics.parameters_of(jnp.asarray(from_coordinates(dynamics, u).T))
        return {name: np.asarray(values) for name, values in named.items()}

    def network(self, windows: Windows) -> Array:
        """Return the parameters (P, W) that the network emits of each window, `chunk_size` windows at a time."""
        config, layout = self.config, self.dynamics.layout
        features = features_of(config.features, config.feature_mode, windows.state, windows.control, self.step)
        features = standardised(features, self.fitted)
        network = network_from(self.weights, config.hidden, layout.size)
        parts = [np.zeros((layout.size, 0))]
        for start in range(0, len(features), config.chunk_size):
            rows = np.minimum(np.arange(start, start + config.chunk_size), len(features) - 1)
            z = _outputs(network, jnp.asarray(features[rows], jnp.float32))
            parts.append(np.asarray(layout.squash(np.asarray(z, np.float64)))[:, : len(features) - start])
        return np.concatenate(parts, axis=1)

    def _pooled(self, windows: Windows, u: Array, group: Array, groups: int) -> Array:
        """Return the mean of the windows of each group, each weighed by what it tells of every coordinate.

        The weight is the information of the window, J'J with its first state unknown, in parts of what spreads the
        estimates of windows anyway: a window far from the limits says little of the tyres.
        """
        if groups == len(u):
            return u
        low, high = bounds(self.dynamics)
        size = u.shape[1]
        made = linearise(
            self.dynamics, self.step, self.config.substeps, np.clip(u, low, high), windows.state[:, 0], windows
        )
        cross, block = made.matrix[:, size:, :size], made.matrix[:, size:, size:]
        told = made.matrix[:, :size, :size] - np.einsum("wik,wij,wjl->wkl", cross, np.linalg.inv(block), cross)
        prior = population(self.dynamics, self.fitted, use=True)
        weight = 1 / (np.einsum("wkk->wk", np.linalg.pinv(told + np.diag(prior.std**-2.0))) + OWN_ERROR**2)
        weight = np.where(np.isfinite(weight), weight, 0.0) + 1e-12
        total = np.zeros((groups, size))
        np.add.at(total, group, weight)
        pooled = np.zeros((groups, size))
        np.add.at(pooled, group, weight * u)
        return pooled / total


OWN_ERROR = 0.05
"""Error of a network's estimate of a window that more information would not remove, in coordinates [1]."""


@jax.jit
def _outputs(network: Any, features: jax.Array) -> jax.Array:
    return outputs(network, features)


def _mean(values: Array, group: Array, groups: int) -> Array:
    total = np.zeros((groups, values.shape[1]))
    np.add.at(total, group, values)
    return total / np.maximum(np.bincount(group, minlength=groups), 1)[:, None]


def compared(dynamics: Dynamics, estimates: Estimates, fitted: Arrays) -> tuple[Array, Array]:
    """Return the logarithms of COMBINED (G, 6) and their std: of the Laplace approximation, else that of validation."""
    matrix = comparison(dynamics)
    if matrix is None:
        empty = np.full((len(estimates), len(COMBINED)), np.nan)
        return empty, empty
    logarithm = estimates.u @ matrix.T
    variance = np.einsum("ik,gkl,il->gi", matrix, estimates.covariance, matrix)
    otherwise = fitted.get("validation_rmse", np.full(len(COMBINED), np.nan))
    return logarithm, np.sqrt(np.where(np.isfinite(variance), variance, otherwise**2))


def half_widths(spread: Array, fitted: Arrays) -> Array:
    """Return the half widths (G, 6) of 90 % intervals of logarithms, scaled on validation cars where there are any."""
    return spread * fitted.get("interval_factor", np.array(NORMAL_90))


def estimator_of(config: ModelConfig, weights: Arrays, fitted: Arrays, meta: Meta, which: str = "best") -> Estimator:
    """Return the estimator of weights `which`/<name>."""
    return Estimator(config, below(which, weights), fitted, meta)
