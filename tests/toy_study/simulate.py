"""Simulate oscillations."""

import numpy as np

from tests.toy_study.config import DatasetConfig
from trainers.study import Trajectories

STEP = 0.2


def simulate(config: DatasetConfig, part: int | None = None) -> Trajectories:
    """Return x = a cos(t + p), v = -a sin(t + p): t (N, T), y (N, T, 2)."""
    draws = np.random.default_rng(config.seed).uniform(size=(config.trajectories, 2))
    draws = draws[config.part_of(config.trajectories, part)]
    amplitude, phase = 0.5 + draws[:, :1], 2 * np.pi * draws[:, 1:]
    t = np.broadcast_to(STEP * np.arange(config.points), (len(draws), config.points)).copy()
    y = np.stack([amplitude * np.cos(t + phase), -amplitude * np.sin(t + phase)], axis=-1)
    energy = 0.5 * (y**2).sum(-1)
    drift = np.abs(energy / energy[:, :1] - 1).max(axis=1)
    return Trajectories(
        t=t,
        y=y,
        names=("x", "v"),
        units=("m", "m/s"),
        time_unit="s",
        parameters={"amplitude": amplitude[:, 0]},
        parameter_units={"amplitude": "m"},
        meta={"problem": "oscillator"},
        drift={"energy": drift},
    )
