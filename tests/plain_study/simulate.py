"""Simulate oscillations, as the toy study does."""

import time

from tests.plain_study.config import DatasetConfig
from tests.toy_study import simulate as toy
from trainers.study import Trajectories


def simulate(config: DatasetConfig, part: int | None = None) -> Trajectories:
    """Return x = a cos(t + p), v = -a sin(t + p): t (N, T), y (N, T, 2)."""
    time.sleep(config.pause)
    end = time.monotonic() + config.compute
    while time.monotonic() < end:
        pass
    sum(range(config.additions))
    if config.fail and part == 1:
        raise ValueError("the second part fails")
    return toy.simulate(config, part)
