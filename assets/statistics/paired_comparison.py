"""Paired comparison of two groups of runs: effect, interval, permutation test, and the verdict in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.identity.canonical import compact
from assets.statistics.experiment import Experiment
from assets.statistics.intervals import Sample, interval, scores

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

Array = np.ndarray


def compare_rows(experiment: Experiment, pairs: Sequence[tuple[Row, Row]], metric: str = "") -> dict[str, Any]:
    """Compare the second rows (b) of pairs with the first ones (a) on the test sets that rank."""
    if not pairs or not experiment.tests:
        return compare_samples([], [])
    first, second = zip(*pairs, strict=True)
    return compare_samples(*(experiment.samples(rows, metric=metric) for rows in (first, second)))


def compare_samples(first: Sequence[Sample], second: Sequence[Sample]) -> dict[str, Any]:
    """Compare paired runs: run k of a (`first`) with run k of b (`second`), on the same trajectories.

    Returns pairs (with two finite scores); better_b (pairs in which b is smaller); scale (`ratio` where all scores are
    positive, else `difference`); effect, the geometric mean of b/a or the mean of b - a; low and high, its 95 %
    bootstrap interval over runs and trajectories; p, two-sided, of the permutation test of paired samples (exact up to
    13 pairs, `scipy.stats`; NaN for fewer than two pairs). Numbers without a pair are NaN.
    """
    numbers = dict.fromkeys(("effect", "low", "high", "p"), math.nan)
    nothing: dict[str, Any] = {"pairs": 0, "better_b": 0, "scale": "ratio", **numbers}
    if not first:
        return nothing
    a, b = scores(first), scores(second)
    finite = np.isfinite(a) & np.isfinite(b)
    if not finite.any():
        return nothing
    a, b = a[finite], b[finite]
    ratio = bool((a > 0).all() and (b > 0).all())
    paired = [
        PairedSample(x.values[finite], x.weights[finite], y.values[finite], y.weights[finite])
        for x, y in zip(first, second, strict=True)
    ]
    low, high = interval(paired, lambda values: _effect(values, ratio))
    return {
        "pairs": int(finite.sum()),
        "better_b": int((b < a).sum()),
        "scale": "ratio" if ratio else "difference",
        "effect": float(_effect(np.concatenate([a, b]), ratio)),
        "low": low,
        "high": high,
        "p": _p(np.log(a), np.log(b)) if ratio else _p(a, b),
    }


class PairedSample(Sample):
    """Two samples whose runs and trajectories are resampled together; their scores are concatenated."""

    def __init__(self, values: Array, weights: Array, other_values: Array, other_weights: Array) -> None:
        super().__init__(values, weights)
        object.__setattr__(self, "other", Sample(other_values, other_weights))

    def take(self, runs: Array, trajectories: Array) -> Array:
        """Return the scores of the first sample, then those of the second (..., 2 R')."""
        both = super().take(runs, trajectories), self.other.take(runs, trajectories)  # type: ignore[attr-defined]
        return np.concatenate(both, axis=-1)


def _effect(values: Array, ratio: bool) -> Array:
    """Return the mean over pairs of the ratio (geometric) or of the difference, from scores (..., 2 R)."""
    a, b = np.split(values, 2, axis=-1)
    return np.exp(np.mean(np.log(b / a), axis=-1)) if ratio else np.mean(b - a, axis=-1)


def _p(a: Array, b: Array) -> float:
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


def verdict(row: Mapping[Any, Any], comparisons: int, noun: str = "pair") -> str:
    """Return the verdict in words: the better one of a and b, or `inconclusive` and the fewest pairs that could decide.

    `comparisons`: the number that p_holm is corrected for; `noun`: what the pairs are.
    """
    if not row["pairs"]:
        return "no pair of rows that are ok"
    if row["p_holm"] < SIGNIFICANT:
        better = row["b"] if row["effect"] < NEUTRAL[row["scale"]] else row["a"]
        return f"{better if isinstance(better, str) else compact(better)} is better"
    needed = pairs_needed(comparisons)
    return f"{INCONCLUSIVE}: needs at least {needed} {noun}s" if row["pairs"] < needed else INCONCLUSIVE


def pairs_needed(comparisons: int) -> int:
    """Return the fewest pairs n that decide m comparisons if all agree: the smallest n with `2 m / 2^n` below 0.05.

    >>> pairs_needed(1)
    6
    """
    return math.floor(math.log2(2 * max(comparisons, 1) / SIGNIFICANT)) + 1
