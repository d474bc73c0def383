"""Simulate pH curves of reactors drawn from a prior, and observe them by a probe with noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trainers.study import Trajectories
from trainers.urease.bounded import from_normal
from trainers.urease.config import DatasetConfig, SegmentationConfig
from trainers.urease.curves.curves import curves_of, model_facts
from trainers.urease.inference.importance import exact_posterior
from trainers.urease.inference.likelihood import Likelihood
from trainers.urease.kinetics.families import UNITS
from trainers.urease.kinetics.readings import noise_free_readings
from trainers.urease.kinetics.solution import BLOCK

Array = np.ndarray


def simulate(config: DatasetConfig, part: int | None = None) -> Trajectories:
    """Simulate N curves: t (N, T) [s], y (N, T, 2) with channels pH, as read, and pH_noise_free, without noise.

    Parameters and noise come from streams of their own, both of `config.seed`; two sets with different seeds share
    neither. arrays: `prior_low` and `prior_high` of unknown parameters and nuisances, in their order; with
    `exact_samples`, samples of the exact posterior.

    Raises:
        SolverError: a reactor could not be integrated.
    """
    span = config.part_of(config.trajectories, part, BLOCK)
    ranges, roles = config.ranges(), config.family_of().roles()
    uniform = np.random.default_rng([config.seed, 0]).uniform(size=(config.trajectories, len(ranges)))[span]
    parameters = {name: ranges[name].draw(uniform[:, k]) for k, name in enumerate(ranges)}
    t = config.times()
    clean = noise_free_readings(parameters, t, config.law, config.phosphate)
    noise = np.random.default_rng([config.seed, 1]).standard_normal((config.trajectories, len(t)))[span]
    inferred = [name for name in ranges if roles[name] != "known"]
    made = Trajectories(
        t=np.tile(t, (len(clean), 1)),
        y=np.stack([clean + config.noise * noise, clean], axis=2),
        names=("pH", "pH_noise_free"),
        units=("1", "1"),
        time_unit="s",
        parameters=parameters,
        parameter_units={name: UNITS[name] for name in ranges},
        roles={name: roles[name] for name in ranges},
        arrays={
            "prior_low": np.array([ranges[name].low for name in inferred]),
            "prior_high": np.array([ranges[name].high for name in inferred]),
        },
        meta={
            "problem": "urease",
            "family": config.family,
            "noise": config.noise,
            "law": config.law,
            "phosphate": config.phosphate,
        },
    )
    return replace(made, arrays={**made.arrays, **_exact(config, made)}) if config.exact_samples else made


def _exact(config: DatasetConfig, data: Trajectories) -> dict[str, Array]:
    """Return for every duration d posterior samples `exact_<d>` (S, N, P) and their effective size, `effective_<d>`."""
    arrays: dict[str, Array] = {}
    meta = model_facts(data)
    unknowns = len(data.parameters_as("unknown"))
    names = (*data.parameters_as("unknown"), *data.parameters_as("nuisance"))
    low, high = data.arrays["prior_low"], data.arrays["prior_high"]
    for duration in config.exact_durations:
        curves, _ = curves_of(SegmentationConfig(durations=(duration,)), data, meta)
        likelihood = Likelihood(curves, duration, names, low, high, meta)
        exact = exact_posterior(likelihood, unknowns, config.exact_samples, config.seed)
        arrays[f"exact_{duration:g}"] = from_normal(exact.z[:, :, :unknowns], low[:unknowns], high[:unknowns])
        arrays[f"effective_{duration:g}"] = exact.effective
    return arrays
