"""A model's curves beside the true ones: what metrics and tables are computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from trainers.phase_field.apply import Predictor, apply
from trainers.phase_field.config import ModelConfig
from trainers.phase_field.microstructure.basis import Basis
from trainers.phase_field.microstructure.two_point import characteristic_length
from trainers.phase_field.segment import common_times
from trainers.phase_field.system.initial import VARIED
from trainers.phase_field.time_posterior import TimePosterior, structures
from trainers.study import Trained, Trajectories

Array = np.ndarray

RUNS_AT_ONCE = 20
"""Runs whose posteriors over times are in memory together."""


@dataclass(frozen=True)
class Profiles:
    """Radial profiles (N, T, R) and the lengths that they have."""

    truth: Array
    predicted: Array
    projected: Array
    """The true profiles in the model's basis: the best that its scores can say."""
    length: Array
    """(N, T) true characteristic length [cells]."""
    length_error: Array
    """(N, T) |predicted - true| in parts of the true length; NaN where either has none."""


@dataclass(frozen=True)
class Deduced:
    """Times deduced from structures, (N, S) each."""

    level: float
    """Depth below which the sets of 90 % reach; NaN without validation runs."""
    truth: Array
    mean: Array
    low: Array
    high: Array
    width: Array
    depth: Array
    """Probability of all times that are likelier than the true one."""


@dataclass(frozen=True)
class Comparison:
    """One model on one test set."""

    t: Array
    """(T,)"""
    truth: Array
    """(N, T, K) true scores."""
    predicted: Array
    """(N, T, K)"""
    scores_mean: Array
    """(K,) mean of the training scores: the trivial constant predictor."""
    basis: Basis
    profiles: Profiles | None
    deduced: Deduced
    sensitivity: Mapping[str, tuple[Array, Array]] | None
    """By parameter, predicted and true change of scores (F, T, K) when it increases."""


def compare(config: ModelConfig, trained: Trained, test: Trajectories) -> Comparison:
    """Run a model freely from the first snapshots of a test set, and deduce the times of its structures.

    Raises:
        ValueError: the test set has other times or channels than the training set, or lacks a parameter.
    """
    predictor = apply(config, trained)
    t = common_times(test)
    if t.shape != predictor.t.shape or not np.allclose(t, predictor.t, rtol=0, atol=1e-6 * np.ptp(predictor.t)):
        given, expected = (f"{len(times)} times from {times[0]:g} to {times[-1]:g}" for times in (t, predictor.t))
        raise ValueError(f"the test set has {given}; the model expects {expected}")
    if " ".join(test.names) != trained.meta["channels"]:
        raise ValueError(
            f"the test set has {len(test.names)} channels, {test.names[0]} ... {test.names[-1]}; the model expects "
            f"those it was trained on: {trained.meta['channels']}"
        )
    statistics = test.y.astype(np.float64)
    predicted = predictor.predict(statistics[:, 0], test.parameters)
    truth = predictor.basis.scores(statistics)
    radial = config.basis == "fitted" and all(name.startswith("r") for name in test.names)
    perturbed = float(test.meta.get("perturbation", 0.0)) > 0
    return Comparison(
        t=t,
        truth=truth,
        predicted=predicted,
        scores_mean=trained.fitted["scores_mean"],
        basis=predictor.basis,
        profiles=_profiles(predictor.basis, statistics, truth, predicted) if radial else None,
        deduced=_deduced(predictor, predicted, truth, test.parameters),
        sensitivity=_sensitivity(predicted, truth) if perturbed else None,
    )


def _profiles(basis: Basis, truth: Array, true_scores: Array, predicted_scores: Array) -> Profiles:
    predicted, projected = basis.rows(predicted_scores), basis.rows(true_scores)
    radius = np.arange(truth.shape[2], dtype=np.float64)
    shape = truth.shape[:2]
    true, other = (
        characteristic_length(rows.reshape(-1, rows.shape[2]), radius).reshape(shape) for rows in (truth, predicted)
    )
    return Profiles(truth, predicted, projected, true, np.abs(other - true) / true)


def _deduced(predictor: Predictor, curves: Array, truth: Array, parameters: Mapping[str, Array]) -> Deduced:
    chosen = structures(truth.shape[1])
    time = np.broadcast_to(predictor.t[chosen], (len(truth), len(chosen)))
    if "time/level" not in predictor.fitted:
        nothing = np.full(time.shape, np.nan)
        return Deduced(np.nan, time, *[nothing] * 5)
    level = float(predictor.fitted["time/level"][0])
    parts = []
    for first in range(0, len(truth), RUNS_AT_ONCE):
        runs = slice(first, first + RUNS_AT_ONCE)
        named = {name: values[runs] for name, values in parameters.items()}
        posterior: TimePosterior = predictor.times(curves[runs], truth[runs][:, chosen], named)
        parts.append((posterior.mean(), *posterior.interval(level), posterior.depth(time[runs])))
    return Deduced(level, time, *(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _sensitivity(predicted: Array, truth: Array) -> dict[str, tuple[Array, Array]]:
    """Return the changes from the first run of each family to its others."""
    family = 1 + len(VARIED)
    whole = len(truth) // family * family
    grouped = [array[:whole].reshape(-1, family, *array.shape[1:]) for array in (predicted, truth)]
    return {
        name: (grouped[0][:, k] - grouped[0][:, 0], grouped[1][:, k] - grouped[1][:, 0])
        for k, name in enumerate(VARIED, start=1)
    }
