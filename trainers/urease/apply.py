"""Use a trained model: posterior samples, estimates and intervals of the unknowns of curves, at every prefix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from trainers.common.named_arrays import below
from trainers.common.torch_training.state import load_weights
from trainers.study import Arrays, Meta, Trained, Trajectories
from trainers.urease.bounded import from_normal, log_density_of_box, to_normal
from trainers.urease.config import ModelConfig
from trainers.urease.curves.curves import Curves, curves_of
from trainers.urease.inference.importance import exact_posterior
from trainers.urease.inference.laplace import with_laplace
from trainers.urease.inference.least_squares import least_squares
from trainers.urease.inference.likelihood import Likelihood
from trainers.urease.inference.quick_likelihood import quick_nuisances
from trainers.urease.inference.trees import apply_trees, tree_features
from trainers.urease.models.channels import Inputs, inputs_of, tensors_of
from trainers.urease.models.networks import GaussianNetwork, Network, PosteriorNetwork, blank_network
from trainers.urease.settings import NETWORKS

Array = np.ndarray

BLOCK = 200
"""Curves that go through a network at a time."""


@dataclass(frozen=True)
class Predictor:
    """A trained model of pH curves."""

    config: ModelConfig
    weights: Arrays
    fitted: Arrays
    meta: Meta

    @property
    def unknowns(self) -> tuple[str, ...]:
        """Names of the P unknowns, the activity first."""
        return tuple(str(self.meta["unknown"]).split(","))

    @property
    def box(self) -> tuple[Array, Array]:
        """Lower and upper ends of the prior of the unknowns (P,) each."""
        return self.fitted["prior_low"][: len(self.unknowns)], self.fitted["prior_high"][: len(self.unknowns)]

    def curves(self, data: Trajectories) -> Curves:
        """Return what the model is given of curves with pH and known conditions; nothing else of them is looked at."""
        curves = curves_of(self.config.segmentation(), data, self.meta)[0]
        if self.config.base == "prior":
            return curves
        ends = self.fitted["prior_low"], self.fitted["prior_high"]
        return with_laplace(curves, self.config.durations, self.meta, *ends)

    def samples(self, curves: Curves, prefix: int, count: int, seed: int = 0) -> Array:
        """Return posterior samples (S, N, P) of the unknowns from the prefix of that number, the shortest being 0."""
        kind, box = self.config.kind, self.box
        random = np.random.default_rng([seed, prefix])
        shape = (count, curves.size, len(self.unknowns))
        if kind == "constant":
            return from_normal(random.standard_normal(shape), *box)
        if kind == "gaussian":
            mean, std = self._gaussian(curves, prefix)
            return mean + std * random.standard_normal(shape)
        if kind == "posterior":
            return from_normal(self._flow(curves, prefix, count, seed), *box)
        if kind == "trees":
            z = apply_trees(self.weights, tree_features(curves, self.config.durations[prefix]), shape[2])
            return from_normal(z + self.weights["spread"][prefix] * random.standard_normal(shape), *box)
        likelihood = self.likelihood(curves, prefix)
        if kind == "exact":
            return from_normal(exact_posterior(likelihood, shape[2], count, seed).z[:, :, : shape[2]], *box)
        maximum = least_squares(likelihood, shape[2], prior=kind == "laplace")
        covariance = maximum.covariance[:, : shape[2], : shape[2]]
        root = np.linalg.cholesky(covariance)
        z = maximum.z[:, : shape[2]] + np.einsum("nde,sne->snd", root, random.standard_normal(shape))
        # half of the samples are the other half mirrored, so that their median is the estimate itself
        half = count // 2
        z[half : 2 * half] = 2 * maximum.z[:, : shape[2]] - z[:half]
        return from_normal(z, *box)

    def log_density(self, curves: Curves, prefix: int, theta: Array) -> Array | None:
        """Return the log density (N,) of unknowns (N, P), in raw units; None where a model has none in closed form."""
        box = self.box
        if self.config.kind == "constant":
            inside = ((theta >= box[0]) & (theta <= box[1])).all(axis=1)
            return np.where(inside, -np.log(box[1] - box[0]).sum(), -np.inf)
        if self.config.kind == "gaussian":
            mean, std = self._gaussian(curves, prefix)
            return np.asarray((-0.5 * ((theta - mean) / std) ** 2 - np.log(std) - 0.5 * np.log(2 * np.pi)).sum(axis=1))
        if self.config.kind != "posterior":
            return None
        z = to_normal(theta, *box)
        network, parts = self._network(), []
        assert isinstance(network, PosteriorNetwork)
        with torch.no_grad():
            for first in range(0, curves.size, BLOCK):
                rows = slice(first, first + BLOCK)
                part = torch.from_numpy(z[rows].astype(np.float32))
                parts.append(network(self._inputs(curves.take(rows)), part)[:, prefix].double().numpy())
        return np.concatenate(parts) + log_density_of_box(z, *box)

    def interval(self, samples: Array, prefix: int, level: float) -> tuple[Array, Array]:
        """Return both ends (N, P) of the intervals that hold `level` of the posterior, corrected where calibrated."""
        ends = np.array([(1 - level) / 2, (1 + level) / 2])
        levels = self.fitted.get("levels")
        if levels is None:
            low, high = np.quantile(samples, ends, axis=0)
            return low, high
        grid = np.linspace(0, 1, levels.shape[2])
        taken = np.stack([np.interp(ends, grid, row) for row in levels[prefix]])
        both = [np.quantile(samples[:, :, p], taken[p], axis=0) for p in range(len(taken))]
        return np.stack([part[0] for part in both], axis=1), np.stack([part[1] for part in both], axis=1)

    def attention(self, curves: Curves) -> Array:
        """Return the weight of every point at every prefix (N, K, L).

        Raises:
            ValueError: the model is no network.
        """
        if self.config.kind not in NETWORKS:
            raise ValueError(f"kind {self.config.kind!r} has no pooling; expected one of {', '.join(NETWORKS)}")
        with torch.no_grad():
            return self._network().embedding.attention(self._inputs(curves)).double().numpy()

    def likelihood(self, curves: Curves, prefix: int) -> Likelihood:
        """Return the likelihood of curves up to a prefix, in all unknowns and nuisances."""
        names = (*self.unknowns, *(name for name in str(self.meta["nuisance"]).split(",") if name))
        low, high = self.fitted["prior_low"], self.fitted["prior_high"]
        return Likelihood(curves, self.config.durations[prefix], names, low, high, self.meta)

    def _network(self) -> Network:
        nuisances = len(quick_nuisances(self.meta))
        network = blank_network(self.config, len(self.fitted["known_mean"]), len(self.unknowns), nuisances)
        load_weights(network, self.weights)
        return network.eval()

    def _inputs(self, curves: Curves) -> Inputs:
        return inputs_of(tensors_of(curves), self.config, float(self.meta["noise"]), self.fitted)

    def _gaussian(self, curves: Curves, prefix: int) -> tuple[Array, Array]:
        network, means, stds = self._network(), [], []
        assert isinstance(network, GaussianNetwork)
        with torch.no_grad():
            for first in range(0, curves.size, BLOCK):
                mean, v = network(self._inputs(curves.take(slice(first, first + BLOCK))))
                means.append(mean[:, prefix].double().numpy())
                stds.append(torch.exp(v[:, prefix].clamp(*self.config.gaussian.log_variance) / 2).double().numpy())
        scale = np.where(self.fitted["truth_std"] > 0, self.fitted["truth_std"], 1.0)
        return self.fitted["truth_mean"] + scale * np.concatenate(means), scale * np.concatenate(stds)

    def _flow(self, curves: Curves, prefix: int, count: int, seed: int) -> Array:
        """Return samples (S, N, P) of normal coordinates; the draws of a curve do not depend on the others."""
        network, parts = self._network(), []
        assert isinstance(network, PosteriorNetwork)
        random = torch.Generator().manual_seed(1_000_003 * seed + prefix)
        draws = torch.randn((curves.size, count, len(self.unknowns)), generator=random).transpose(0, 1)
        with torch.no_grad():
            for first in range(0, curves.size, BLOCK):
                inputs = self._inputs(curves.take(slice(first, first + BLOCK)))
                parts.append(network.samples(inputs, prefix, draws[:, first : first + BLOCK]).double().numpy())
        return np.concatenate(parts, axis=1)


def apply(config: ModelConfig, trained: Trained, which: str = "best") -> Predictor:
    """Return the predictor of a trained model; `which` is best or last.

    Raises:
        ValueError: if there are no such weights.
    """
    weights = below(which, trained.weights)
    if not weights:
        names = sorted({name.partition("/")[0] for name in trained.weights})
        raise ValueError(f"no weights {which!r}; there are: {', '.join(names) or 'none'}")
    return Predictor(config, weights, trained.fitted, trained.meta)
