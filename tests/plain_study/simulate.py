"""Simulate oscillations, as the toy study does."""

from tests.toy_study import simulate as toy
from tests.toy_study.config import DatasetConfig
from trainers.study import Trajectories


def simulate(config: DatasetConfig) -> Trajectories:
    """Return x = a cos(t + p), v = -a sin(t + p): t (N, T), y (N, T, 2)."""
    return toy.simulate(config)
