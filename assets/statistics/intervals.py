"""Intervals of a mean over training runs and test trajectories, by resampling both.

Every run (seed) meets the same test trajectories, so runs and trajectories are crossed and each is resampled on its
own: the pigeonhole bootstrap, Owen (2007), Annals of Applied Statistics 1, 386. The spread between seeds and the spread
between trajectories both widen an interval; more steps along one trajectory narrow none.

Few runs make any such interval too narrow: nominal 95 % from 3, 5 and 10 normal runs cover 74, 85 and 90 %
(`tests/assets/statistics/test_intervals.py`), which tables say beside the number of seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.95
RESAMPLES = 2000

Array = np.ndarray
Statistic = Callable[[Array], Array]
"""From values per run (..., R) to a number (...)."""


@dataclass(frozen=True)
class Sample:
    """A metric on one test set: values (R, N) of R training runs on N trajectories, and the weight of each."""

    values: Array
    weights: Array

    def take(self, runs: Array, trajectories: Array) -> Array:
        """Return the weighted means (..., R') of the runs `runs` (..., R') over `trajectories` (..., N'), both indices.

        A value that is not finite has no weight; a run without any finite value is NaN.
        """
        index = runs[..., :, None], trajectories[..., None, :]
        weights = np.where(np.isfinite(self.values), self.weights, 0.0)
        total = weights[index].sum(axis=-1)
        weighted = np.where(weights > 0, self.values, 0.0) * weights
        return np.where(total > 0, weighted[index].sum(axis=-1) / np.where(total > 0, total, 1.0), np.nan)


def scores(samples: Sequence[Sample], runs: Array | None = None, trajectories: Sequence[Array] = ()) -> Array:
    """Return the mean over test sets of the means over trajectories, for every run (..., R)."""
    runs = np.arange(len(samples[0].values)) if runs is None else runs
    trajectories = trajectories or [np.arange(sample.values.shape[1]) for sample in samples]
    means = [sample.take(runs, indices) for sample, indices in zip(samples, trajectories, strict=True)]
    return np.mean(means, axis=0)


def interval(samples: Sequence[Sample], statistic: Statistic | None = None) -> tuple[float, float]:
    """Return a 95 % percentile interval of a statistic of the scores of the runs; the default is their mean.

    Runs are resampled together on all test sets, trajectories in each test set. A single run or trajectory cannot be
    resampled; with one run on one trajectory there is no interval, and both ends are NaN.
    """
    from scipy.stats import bootstrap

    sizes = [len(samples[0].values), *(sample.values.shape[1] for sample in samples)]
    resampled = [place for place, size in enumerate(sizes) if size > 1]
    if not resampled:
        return np.nan, np.nan
    reduce = statistic or (lambda values: values.mean(axis=-1))

    def statistic_of(*draws: Array, axis: int = -1) -> Array:
        indices = [np.zeros((*draws[0].shape[:-1], 1), int) for _ in sizes]
        for place, draw in zip(resampled, draws, strict=True):
            indices[place] = draw
        return reduce(scores(samples, indices[0], indices[1:]))

    data = [np.arange(sizes[place]) for place in resampled]
    options = {"n_resamples": RESAMPLES, "batch": 250, "confidence_level": LEVEL, "method": "percentile"}
    with np.errstate(all="ignore"):
        result = bootstrap(data, statistic_of, vectorized=True, rng=np.random.default_rng(0), **options)
    return float(result.confidence_interval.low), float(result.confidence_interval.high)
