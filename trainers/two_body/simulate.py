"""Simulate orbits: exact where the motion has a closed form, integrated elsewhere."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from trainers.study import Trajectories
from trainers.two_body.general.simulate import simulate_system
from trainers.two_body.integrators.dopri8 import GROUP, integrate_orbits
from trainers.two_body.orbits.elements import PARAMETER_UNITS
from trainers.two_body.problems import load_problem

if TYPE_CHECKING:
    from trainers.two_body.config import DatasetConfig

NAMES = ("x", "y", "z", "vx", "vy", "vz")
UNITS = ("DU", "DU", "DU", "DU/TU", "DU/TU", "DU/TU")

BLOCK = 32_768
"""Orbit points computed at a time, few enough for the processor's cache."""

SMALLEST_SCALE = 0.01
"""Smallest denominator of a relative change: an invariant may be zero, such as h_z of a polar orbit [DU, TU]."""


def simulate(config: DatasetConfig, part: int | None = None) -> Trajectories:
    """Simulate N orbits of T = `config.points` points, t (N, T) [TU], y (N, T, 6) [DU, DU/TU]: all or one part.

    The points of an orbit are even in time, hence in mean anomaly: one per degree for 360 points and one
    revolution. The first one is at the true anomaly of the elements; the end of the last revolution is left out.
    The first k orbits of a larger set with the same seed are the smaller set, bit for bit. `drift` holds the
    largest relative change of each invariant along each trajectory.

    Raises:
        ValueError: no orbit lies in the ranges of the configuration, or one cannot be integrated.
    """
    system = config.system()
    if system is not None:
        return simulate_system(config, system, part)
    problem = load_problem(config.problem)
    start, periods, parameters = problem.sample(config, np.random.default_rng(config.seed))
    orbits = config.part_of(config.orbits, part, GROUP)
    start, periods, parameters = start[orbits], periods[orbits], {name: v[orbits] for name, v in parameters.items()}
    t = periods[:, None] * (config.revolutions * np.arange(config.points) / config.points)
    if hasattr(problem, "solution"):
        y = _exact(problem, parameters, t)
    else:
        y = integrate_orbits(problem.acceleration, start, t)
    return Trajectories(
        t=t,
        y=y,
        names=NAMES,
        units=UNITS,
        time_unit="TU",
        parameters=parameters,
        parameter_units=PARAMETER_UNITS,
        meta={"problem": config.problem, **problem.CONSTANTS, **problem.UNITS},
        drift=_drift(problem, y),
    )


def _blocks(t: np.ndarray) -> list[slice]:
    """Return slices of orbits with about BLOCK points each."""
    rows = max(1, BLOCK // t.shape[1])
    return [slice(k, k + rows) for k in range(0, len(t), rows)]


def _exact(problem: ModuleType, parameters: dict[str, np.ndarray], t: np.ndarray) -> np.ndarray:
    y = np.empty((*t.shape, len(NAMES)))
    for block in _blocks(t):
        y[block] = problem.solution({name: values[block] for name, values in parameters.items()}, t[block])
    return y


def _drift(problem: ModuleType, y: np.ndarray) -> dict[str, np.ndarray]:
    """Return `max_t |I(t) - I(0)| / max(|I(0)|, 0.01)` (N,) per invariant I."""
    blocks = [_block_drift(problem, y[block]) for block in _blocks(y[..., 0])]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _block_drift(problem: ModuleType, y: np.ndarray) -> dict[str, np.ndarray]:
    drift = {}
    for name, value in problem.invariants(np.ascontiguousarray(np.moveaxis(y, -1, 0))).items():
        scale = np.maximum(np.abs(value[:, 0]), SMALLEST_SCALE)
        drift[name] = np.abs(value - value[:, :1]).max(axis=1) / scale
    return drift
