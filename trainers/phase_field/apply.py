"""Use a trained model: the curve that follows a first snapshot, and the time at which a structure is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from trainers.common.named_arrays import below
from trainers.common.torch_training.state import load_weights
from trainers.common.torch_training.task import initialise
from trainers.phase_field.baselines import baseline_curves
from trainers.phase_field.config import NETWORKS, ModelConfig
from trainers.phase_field.microstructure.basis import Basis
from trainers.phase_field.models.scaled_time import ScaledTime, scaled_features
from trainers.phase_field.models.sequence_generator import SequenceGenerator
from trainers.phase_field.time_posterior import TimePosterior, growth_at, squared_distance, time_posterior
from trainers.study import Arrays, Trained

Array = np.ndarray

NETWORK_BATCH = 250
"""Runs that go through a network at a time."""


@dataclass(frozen=True)
class Predictor:
    """A trained model of curves of scores."""

    config: ModelConfig
    weights: Arrays
    fitted: Arrays

    @property
    def t(self) -> Array:
        """Times (T,) of a curve; the first is that of the snapshot it begins with."""
        return np.asarray(self.fitted["t"])

    @property
    def basis(self) -> Basis:
        """The basis of the scores."""
        return basis_of(self.fitted)

    def predict(self, first: Array, parameters: Mapping[str, Array]) -> Array:
        """Return curves (N, T, K) from the statistics of first snapshots (N, C) and parameters by name, (N,) each.

        Raises:
            ValueError: a parameter is missing, or the statistics have another number of channels.
        """
        if first.ndim != 2 or first.shape[1] != len(self.basis.centre):
            raise ValueError(f"first snapshots are {first.shape}; expected (runs, {len(self.basis.centre)})")
        return self.curves(first, self._parameters(parameters, len(first)))

    def curves(self, first: Array, parameters: Array) -> Array:
        """Return curves (N, T, K); parameters (N, P) in the order of the configuration."""
        start = self.basis.scores(first.astype(np.float64))
        if self.config.kind in NETWORKS:
            curves = self.written(first, parameters)[..., : self.config.components]
        else:
            curves = baseline_curves(self.config, self.weights, start, parameters, self.t)
        return np.concatenate([start[:, None], curves[:, 1:]], axis=1)

    def times(self, curves: Array, scores: Array, parameters: Mapping[str, Array]) -> TimePosterior:
        """Deduce at what time each structure with scores (N, S, K) is reached on its curve (N, T, K).

        parameters by name, (N,) each: the errors of a run grow with its distance from the training runs.

        Raises:
            ValueError: the model has no validation runs, from which its errors are known; or a parameter is missing.
        """
        growth = self.error_growth(parameters, len(curves))
        return time_posterior(curves, scores, self.t, self.fitted["time/covariance"], growth)

    def error_growth(self, parameters: Mapping[str, Array], runs: int) -> Array:
        """Return by how much (N,) the squared errors of runs exceed `time/covariance`, see `time_posterior.py`."""
        if "time/level" not in self.fitted:
            raise ValueError("the model was trained without validation runs; expected some, to know its errors")
        distance = squared_distance(self.config.parameters, self._parameters(parameters, runs), self.fitted)
        return growth_at(distance, self.fitted["time/growth"])

    def _parameters(self, named: Mapping[str, Array], runs: int) -> Array:
        """Return the parameters (N, P) that the model is told."""
        names = self.config.parameters
        if missing := [name for name in names if name not in named]:
            raise ValueError(f"parameters lack {', '.join(missing)}; expected {', '.join(names)}")
        columns = [np.asarray(named[name], np.float64) for name in names]
        for name, column in zip(names, columns, strict=True):
            if column.shape != (runs,):
                raise ValueError(f"{name} has {column.size} values for {runs} first snapshots; expected one each")
        return np.stack(columns, axis=1) if columns else np.zeros((runs, 0))

    def written(self, first: Array, parameters: Array) -> Array:
        """Return all channels that a network writes, scores and, of kind lstm, parameters (N, T, K or K + P)."""
        features, start = network_inputs(self.config, self.fitted, first.astype(np.float64), parameters)
        network = _blank_network(self.config, features.shape[2])
        load_weights(network, self.weights)
        network.eval()
        inputs, offset = (torch.from_numpy(array.astype(np.float32)) for array in (features, start))
        with torch.no_grad():
            blocks = torch.arange(len(inputs)).split(NETWORK_BATCH)
            curves = [
                network(inputs[block], len(self.t))
                if isinstance(network, SequenceGenerator)
                else network(inputs[block], offset[block])
                for block in blocks
            ]
        return torch.cat(curves).double().numpy()


def apply(config: ModelConfig, trained: Trained, which: str = "best") -> Predictor:
    """Return the predictor of a trained model; `which` is best or last, or names a phase or a checkpoint.

    >>> apply(config, trained, "phase0/best")        # the best weights of the first phase
    >>> apply(config, trained, "epoch10")            # those stored after ten epochs, with checkpoint_every

    Raises:
        ValueError: if there are no such weights.
    """
    weights = below(which, trained.weights)
    if not weights or any("/" in name for name in weights):
        names = sorted({name.rpartition("/")[0] for name in trained.weights})
        raise ValueError(f"no weights {which!r}; there are: {', '.join(names) or 'none'}")
    return Predictor(config, weights, trained.fitted)


def basis_of(fitted: Arrays) -> Basis:
    """Return the basis that was fitted to the training runs."""
    return Basis(*(np.asarray(fitted[name]) for name in Basis._fields))


def network_inputs(config: ModelConfig, fitted: Arrays, first: Array, parameters: Array) -> tuple[Array, Array]:
    """Return what a network reads of first snapshots (N, C) and parameters (N, P), and what it adds to.

    lstm: the first row (N, 1, K + P), scores and parameters; it adds to nothing, (N, 0, K). scaled_time: features
    (N, T, F) and the scores of the linear stage (N, T, K).
    """
    basis = basis_of(fitted)
    if config.kind == "lstm":
        row = np.concatenate([basis.scores(first), parameters], axis=1)
        return row[:, None], np.zeros((len(first), 0, config.components))
    named = dict(zip(config.parameters, parameters.T, strict=True))
    return scaled_features(first, named, fitted["t"], basis)


def start_network(config: ModelConfig, features: Array) -> SequenceGenerator | ScaledTime:
    """Return the network of a configuration with weights drawn from its seed; features (S, T, F) of training runs."""
    network = initialise(lambda: _blank_network(config, features.shape[2]), config.seed)
    if isinstance(network, ScaledTime):
        network.standardise(features)
    assert isinstance(network, SequenceGenerator | ScaledTime)
    return network


def _blank_network(config: ModelConfig, features: int) -> SequenceGenerator | ScaledTime:
    if config.kind == "lstm":
        return SequenceGenerator(features, config.hidden_size, config.num_layers, config.dropout)
    return ScaledTime(features, config.components, config.hidden_size, config.num_layers, config.dropout)
