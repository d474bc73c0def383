"""Initial states: the parameters of each run and its white noise, drawn run by run."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trainers.phase_field.config import DatasetConfig

Array = np.ndarray

PARAMETERS = ("mobility", "gradient_coefficient", "mean", "amplitude")
"""M, kappa, c0 and A, in the order in which they are drawn."""

CORNER = 0.6
"""A run lies in a corner of the box where M, kappa and c0 are all further than this part of their half range from the
middle; 6.4 % of the box."""

VARIED = ("mobility", "gradient_coefficient")
"""Parameters that `perturbation` increases, one at a time."""


class Draw(NamedTuple):
    """The beginning of one run."""

    parameters: Array
    """(4,) in the order of `PARAMETERS`."""
    noise: Array
    """(N, N) uniform in -1/2 ... 1/2."""

    @property
    def field(self) -> Array:
        """`c0 + A (U(0, 1) - 1/2)`, white over the cells: (N, N)."""
        return np.asarray(self.parameters[2] + self.parameters[3] * self.noise)


def draw(config: DatasetConfig, run: int) -> Draw:
    """Draw the beginning of a run; it depends on the seed and the run's number alone."""
    family = 1 + len(VARIED) if config.perturbation else 1
    random = np.random.default_rng([config.seed, run // family])
    parameters = _parameters(config, random)
    while config.corners != "kept" and in_corner(config, parameters) != (config.corners == "only"):
        parameters = _parameters(config, random)
    noise = random.uniform(-0.5, 0.5, (config.grid, config.grid))
    if member := run % family:
        parameters[PARAMETERS.index(VARIED[member - 1])] *= 1 + config.perturbation
    return Draw(parameters, noise)


def in_corner(config: DatasetConfig, parameters: Array) -> bool:
    """Return whether M, kappa and c0 all lie near an end of their range."""
    low, high = _ranges(config)
    away = np.abs(2 * parameters - low - high) - CORNER * (high - low)
    return bool((away[:3] > 0).all())


def _parameters(config: DatasetConfig, random: np.random.Generator) -> Array:
    return np.asarray(random.uniform(*_ranges(config)))


def _ranges(config: DatasetConfig) -> tuple[Array, Array]:
    """Return the lowest and highest value of each parameter."""
    ends = np.array([getattr(config, name) for name in PARAMETERS], np.float64)
    return ends[:, 0], ends[:, 1]
