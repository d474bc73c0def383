"""Means of a metric over training runs and test trajectories, and their 95 % intervals.

The score of a run is the mean over test sets of its means over trajectories. Runs (seeds) are averaged on the scale on
which they are nearest to normal: by their logarithms, which gives the geometric mean, where no score and no trajectory
says that the metric can be negative, else as they are. The interval is for that mean over new runs and new
trajectories; see `two_levels`. From a single run it is over trajectories only, from a single trajectory over runs only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from assets.statistics.two_levels import TwoLevels, two_levels

LEVEL = 0.95

Array = np.ndarray


@dataclass(frozen=True)
class Sample:
    """A metric on one test set: values (R, N) of R training runs on N trajectories, and the weight of each.

    A value that is not finite has no weight.
    """

    values: Array
    weights: Array
    signed: bool = False
    """Whether the metric can be negative, also where no value here is."""

    @property
    def effective_weights(self) -> Array:
        """The weights (R, N) as shares that sum to one over the trajectories of a run; all zero without a value."""
        weights = np.where(np.isfinite(self.values), self.weights, 0.0)
        total = weights.sum(axis=1, keepdims=True)
        return weights / np.where(total > 0, total, 1.0)

    @property
    def means(self) -> Array:
        """The weighted mean (R,) of each run; NaN for a run without any finite value."""
        weights = self.effective_weights
        sums = (np.where(weights > 0, self.values, 0.0) * weights).sum(axis=1)
        return np.where(weights.any(axis=1), sums, np.nan)

    @property
    def failed(self) -> int:
        """How many of the values are not finite."""
        return int((~np.isfinite(self.values)).sum())

    def of_runs(self, runs: Array) -> Sample:
        """Return the sample of some of the runs, by index or mask."""
        return replace(self, values=self.values[runs], weights=self.weights[runs])


@dataclass(frozen=True)
class Estimate:
    """A mean with the ends of its 95 % interval, NaN where there is none."""

    value: float
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    """Of a comparison: two-sided p value of no difference."""


def scores(samples: Sequence[Sample]) -> Array:
    """Return the score (R,) of every run: the mean over test sets of its means over trajectories."""
    return np.mean([sample.means for sample in samples], axis=0)


def is_positive(samples: Sequence[Sample]) -> bool:
    """Return whether logarithms may serve: scores are positive, and nothing says that the metric can be negative."""
    can_be_negative = any(sample.signed or (sample.values < 0).any() for sample in samples)
    return not can_be_negative and bool((scores(samples) > 0).all())


def centre(values: Array) -> float:
    """Return the geometric mean of scores (R,) that are all positive, else their mean; NaN where one is not finite."""
    return float(np.exp(np.mean(np.log(values))) if (values > 0).all() else np.mean(values))


def estimate(samples: Sequence[Sample]) -> Estimate:
    """Return the mean of the scores with its interval, geometric where they are positive; NaN for one not finite."""
    if not np.isfinite(scores(samples)).all():
        return Estimate(math.nan)
    positive = is_positive(samples)
    levels = two_levels(*_contributions(samples, positive), of_logarithm=positive)
    low, high = levels.limits(LEVEL)
    return Estimate(_exp(levels.mean), _exp(low), _exp(high)) if positive else Estimate(levels.mean, low, high)


def ratio(first: Sequence[Sample], second: Sequence[Sample]) -> Estimate:
    """Return the geometric mean over runs of second/first, run k with run k; all scores are positive."""
    levels = _difference(first, second, logarithms=True)
    low, high = levels.limits(LEVEL)
    return Estimate(_exp(levels.mean), _exp(low), _exp(high), levels.p())


def difference(first: Sequence[Sample], second: Sequence[Sample]) -> Estimate:
    """Return the mean over runs of second - first, run k with run k."""
    levels = _difference(first, second, logarithms=False)
    return Estimate(levels.mean, *levels.limits(LEVEL), levels.p())


def _difference(first: Sequence[Sample], second: Sequence[Sample], logarithms: bool) -> TwoLevels:
    """Return the two levels of a difference; both sides meet the same trajectories."""
    (a, of_a), (b, of_b) = (_contributions(samples, logarithms) for samples in (first, second))
    return two_levels(b - a, [y - x for x, y in zip(of_a, of_b, strict=True)], of_logarithm=False)


def _contributions(samples: Sequence[Sample], logarithms: bool) -> tuple[Array, list[Array]]:
    """Return the scores (R,), or their logarithms, and for each test set what its trajectories add to them (R, N)."""
    values = scores(samples)
    size = len(samples) * (values if logarithms else np.ones_like(values))
    contributions = []
    for sample in samples:
        off = np.where(sample.effective_weights > 0, sample.values - sample.means[:, None], 0.0)
        contributions.append(sample.effective_weights * off / size[:, None])
    return (np.log(values) if logarithms else values), contributions


def _exp(value: float) -> float:
    return math.exp(min(value, 700.0))  # exp(710) overflows
