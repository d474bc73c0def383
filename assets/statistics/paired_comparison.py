"""Paired comparison of two groups of runs: effect, interval, tests, and the verdict in words.

The test is of the mean over pairs of log(b/a), or of b - a where a score is not positive, with runs and test
trajectories as two levels of chance (`two_levels`): a paired t-test that also knows how much the trajectories differ.
It assumes that log(b/a) is about normal over seeds and that the trajectories are a random draw. From three pairs it
decides what the sign-flip permutation test, which assumes neither, cannot: that one has no p below 2/2^n. So the
permutation test is the check: from six pairs on it has to agree. docs/statistics.md has errors and power of both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.identity.canonical import compact
from assets.statistics.experiment import Experiment
from assets.statistics.intervals import Sample, difference, is_positive, ratio, scores

if TYPE_CHECKING:
    from assets.sweeps.sweep import Row

SIGNIFICANT = 0.05

SCALES = {"ratio": "b/a", "difference": "b-a"}
"""Formula of the effect of `b` against `a`, by scale."""

NEUTRAL = {"ratio": 1.0, "difference": 0.0}
"""Effect if a and b are equal, by scale; below it b is better."""

INCONCLUSIVE = "inconclusive"

PERMUTED = 10_000_000
"""Numbers that a permutation test permutes at a time; bounds its memory."""

PAIRS_TO_CHECK = 6
"""Fewest pairs from which the permutation test can go below 0.05, at 2/2^6."""

TEST = (
    "Paired t-test of log(b/a) over seeds and test trajectories, corrected for the number of comparisons (Holm); with "
    "six pairs or more the permutation test has to agree."
)
"""What is tested, in words."""

Array = np.ndarray


def compare_rows(experiment: Experiment, pairs: Sequence[tuple[Row, Row]], metric: str = "") -> dict[str, Any]:
    """Compare the second rows (b) of pairs with the first ones (a) on the test sets that rank."""
    if not pairs or not experiment.tests:
        return compare_samples([], [])
    first, second = zip(*pairs, strict=True)
    return compare_samples(*(experiment.samples(rows, metric=metric) for rows in (first, second)))


def compare_samples(first: Sequence[Sample], second: Sequence[Sample]) -> dict[str, Any]:
    """Compare paired runs: run k of a (`first`) with run k of b (`second`), on trajectories on which both are finite.

    Returns pairs (with two finite scores); better_b (pairs in which b is smaller); scale (`ratio` where both are
    positive, else `difference`); effect, the geometric mean of b/a or the mean of b - a; low and high, its 95 %
    interval over runs and trajectories; p, two-sided, of the test on both levels; p_permutation, two-sided, of the
    sign-flip permutation of the pairs (exact up to 13, `scipy.stats`). Both p are NaN for fewer than two pairs, and
    numbers without a pair are NaN.
    """
    numbers = dict.fromkeys(("effect", "low", "high", "p", "p_permutation"), math.nan)
    nothing: dict[str, Any] = {"pairs": 0, "better_b": 0, "scale": "ratio", **numbers}
    if not first:
        return nothing
    first, second = _shared_trajectories(first, second)
    a, b = scores(first), scores(second)
    finite = np.isfinite(a) & np.isfinite(b)
    if not finite.any():
        return nothing
    a, b = a[finite], b[finite]
    sides = [[sample.of_runs(finite) for sample in side] for side in (first, second)]
    positive = all(map(is_positive, sides))
    effect = (ratio if positive else difference)(*sides)
    return {
        "pairs": len(a),
        "better_b": int((b < a).sum()),
        "scale": "ratio" if positive else "difference",
        "effect": effect.value,
        "low": effect.low,
        "high": effect.high,
        "p": effect.p if len(a) > 1 else math.nan,
        "p_permutation": _p_permutation(np.log(a), np.log(b)) if positive else _p_permutation(a, b),
    }


def _shared_trajectories(first: Sequence[Sample], second: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """Return both sides without the values that are not finite on either."""
    sides: tuple[list[Sample], list[Sample]] = ([], [])
    for pair in zip(first, second, strict=True):
        finite = np.isfinite(pair[0].values) & np.isfinite(pair[1].values)
        for side, sample in zip(sides, pair, strict=True):
            side.append(replace(sample, values=np.where(finite, sample.values, np.nan)))
    return sides


def _p_permutation(a: Array, b: Array) -> float:
    from scipy.stats import permutation_test

    if len(a) < 2:
        return math.nan

    def mean_difference(x: Array, y: Array, axis: int = -1) -> Array:
        return np.mean(x - y, axis=axis)

    options = {"permutation_type": "samples", "vectorized": True, "batch": max(1, PERMUTED // (2 * len(a)))}
    return float(permutation_test((a, b), mean_difference, rng=np.random.default_rng(0), **options).pvalue)


def holm(p: Array, analyses: int = 1) -> Array:
    """Correct p values for their number m by Holm (1979): the running maximum of `analyses (m - rank) p`; NaN stays.

    `analyses`: the number of interim analyses of the design with adaptive seeds (Bonferroni); 1 without.
    """
    corrected = np.full(len(p), np.nan)
    order = [place for place in np.argsort(p) if math.isfinite(p[place])]
    scaled = [analyses * p[place] * (len(order) - rank) for rank, place in enumerate(order)]
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0) if order else []
    return corrected


def is_decided(row: Mapping[Any, Any]) -> bool:
    """Return whether a comparison decides: p_holm is below 0.05, and the permutation test agrees where it can."""
    can_check = row["pairs"] >= PAIRS_TO_CHECK
    return bool(row["p_holm"] < SIGNIFICANT and not (can_check and row["p_permutation"] >= SIGNIFICANT))


def verdict(row: Mapping[Any, Any]) -> str:
    """Return the verdict in words: the better one of a and b, or `inconclusive` with the reason if there is one."""
    if not row["pairs"]:
        return "no pair of rows that are ok"
    if is_decided(row):
        better = row["b"] if row["effect"] < NEUTRAL[row["scale"]] else row["a"]
        return f"{better if isinstance(better, str) else compact(better)} is better"
    if row["pairs"] < 2:
        return f"{INCONCLUSIVE}: one seed"
    return f"{INCONCLUSIVE}: the permutation test disagrees" if row["p_holm"] < SIGNIFICANT else INCONCLUSIVE
