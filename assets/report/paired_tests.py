"""Trained models on the same test trajectories: every metric with its interval, and which model is better.

A model is measured against another one trajectory by trajectory, so that what is hard for both does not blur the
difference. That tells these trained models apart; whether the setting behind one is better takes seeds, see `rivals`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.identity.text import counted, ranged
from assets.report.compared_models import Side, test_names
from assets.statistics.effects import SIGNIFICANT, PairedSample, compare_samples, holm, pairs_needed
from assets.statistics.experiment import PER_TRAJECTORY
from assets.statistics.intervals import Sample, interval

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray


@dataclass(frozen=True)
class Measured:
    """A metric of one model on one test set, the mean over trajectories weighted by their points."""

    value: float
    low: float = math.nan
    high: float = math.nan
    """95 % bootstrap interval over trajectories; NaN for a metric that is no mean over them."""

    @property
    def text(self) -> str:
        """The value with its interval."""
        return ranged(self.value, self.low, self.high)


@dataclass(frozen=True)
class Metric:
    """A metric on one test set, side by side."""

    name: str
    unit: str
    values: Mapping[str, Measured]
    """By letter; what a side lacks is left out."""
    differences: Mapping[str, Measured]
    """By letter of every side but the first: its value minus that of the first, on the trajectories of both."""


@dataclass(frozen=True)
class Verdict:
    """What the first headline metric says of another side against the first one on one test set."""

    test: str
    first: str
    other: str
    told: Mapping[str, Any]
    """Of `compare_samples` with trajectories as pairs, mean_a and mean_b over them, and p_holm, corrected for all
    verdicts of the comparison."""

    @property
    def better(self) -> str:
        """Letter of the better side; empty where they cannot be told apart."""
        if not self.told["p_holm"] < SIGNIFICANT:
            return ""
        return self.other if self.told["effect"] < (1.0 if self.told["scale"] == "ratio" else 0.0) else self.first

    @property
    def text(self) -> str:
        """The verdict in words."""
        return f"{self.better} is better" if self.better else f"{self.first} and {self.other} cannot be told apart"

    @property
    def reason(self) -> str:
        """What has to be said beside the verdict: too few trajectories, or a mean that speaks against it."""
        pairs, needed = self.told["pairs"], pairs_needed(1)
        if not pairs:
            return "no trajectory on which both have a number"
        if self.better:
            return self._although
        return f"{counted(pairs, 'trajectory', 'trajectories')}, at least {needed} can tell" if pairs < needed else ""

    @property
    def _although(self) -> str:
        """Say where the mean, which ranks, speaks against the typical trajectory."""
        smaller = self.other if self.told["mean_b"] < self.told["mean_a"] else self.first
        return "" if smaller == self.better else "on a typical trajectory; its mean is larger"


def metrics(sides: Sequence[Side], test: str) -> Iterator[Metric]:
    """Yield every metric of a test set, those of the headline first."""
    there = [side for side in sides if side.holds(test)]
    summaries = {side.letter: _summary(side, test) for side in there}
    tables = {side.letter: side.table(test, PER_TRAJECTORY) for side in there}
    known = dict.fromkeys(name for summary in summaries.values() for name in summary)
    headline = [name for name in sides[0].study.headline if name in known]
    for name in dict.fromkeys([*headline, *known]):
        rows = {letter: summary[name] for letter, summary in summaries.items() if name in summary}
        values = {letter: _measured(row["value"], tables[letter], name) for letter, row in rows.items()}
        first, *others = sides
        differences = {
            side.letter: _difference(tables.get(first.letter), tables.get(side.letter), name) for side in others
        }
        unit = str(next(iter(rows.values()))["unit"])
        yield Metric(name, unit, values, {letter: found for letter, found in differences.items() if found})


def _summary(side: Side, test: str) -> dict[str, dict[str, Any]]:
    table = side.table(test, "summary")
    return {} if table is None else {str(row["metric"]): dict(row) for _, row in table.iterrows()}


def _measured(value: float, table: pd.DataFrame | None, metric: str) -> Measured:
    if table is None or metric not in table:
        return Measured(float(value))
    sample = Sample(table[metric].to_numpy(float)[None], table["n"].to_numpy(float)[None])
    return Measured(float(value), *interval([sample]))


def _difference(first: pd.DataFrame | None, other: pd.DataFrame | None, metric: str) -> Measured | None:
    """Return the difference of the means over the trajectories on which both have a number."""
    sides = _beside(first, other, metric)
    if sides is None:
        return None
    (a, n), (b, m) = sides
    sample = PairedSample(a[None], n[None], b[None], m[None])

    def statistic(values: Array) -> Array:
        return values[..., 1] - values[..., 0]

    here = sample.take(np.arange(1), np.arange(len(a)))
    return Measured(float(statistic(here)), *interval([sample], statistic))


def verdicts(sides: Sequence[Side], tests: Mapping[str, str] | None = None) -> list[Verdict]:
    """Compare every side with the first one by the first headline metric on every test set that both have.

    The effect is that on a typical trajectory (geometric mean of the ratios, or mean of the differences), its interval
    is from resampling trajectories, p is of the permutation test of paired samples, corrected for their number (Holm).
    """
    tests = test_names(sides) if tests is None else tests
    first, *others = sides
    metric = first.study.headline[0]
    found = []
    for test, name in tests.items():
        for other in others:
            if first.holds(test) and other.holds(test):
                one, two = (side.table(test, PER_TRAJECTORY) for side in (first, other))
                found.append((name, other.letter, _paired(one, two, metric)))
    corrected = holm(np.array([told["p"] for _, _, told in found], float))
    return [
        Verdict(name, first.letter, letter, told | {"p_holm": float(p)})
        for (name, letter, told), p in zip(found, corrected, strict=True)
    ]


def _paired(first: pd.DataFrame | None, other: pd.DataFrame | None, metric: str) -> dict[str, Any]:
    """Compare two models with each trajectory as a pair."""
    sides = _beside(first, other, metric)
    if sides is None:
        return compare_samples([], []) | {"mean_a": math.nan, "mean_b": math.nan}
    a, b = (Sample(values[:, None], weights[:, None]) for values, weights in sides)
    means = [float(np.average(values, weights=weights)) for values, weights in sides]
    return compare_samples([a], [b]) | dict(zip(("mean_a", "mean_b"), means, strict=True))


def _beside(
    first: pd.DataFrame | None, other: pd.DataFrame | None, metric: str
) -> tuple[tuple[Array, Array], tuple[Array, Array]] | None:
    """Return values and weights (N,) of both on the trajectories on which both are finite; none where there is none."""
    if first is None or other is None or metric not in first or metric not in other:
        return None
    columns = ["trajectory", "n", metric]
    both = first[columns].merge(other[columns], on="trajectory", suffixes=("_a", "_b"))
    both = both.dropna().loc[lambda table: np.isfinite(table[f"{metric}_a"]) & np.isfinite(table[f"{metric}_b"])]
    if not len(both):
        return None
    a, b = ((both[f"{metric}_{one}"].to_numpy(float), both[f"n_{one}"].to_numpy(float)) for one in "ab")
    return a, b


def conclusion(found: Sequence[Verdict], metric: str) -> str:
    """Say in a sentence which side is better on which test sets, and where that cannot be told."""
    if not found:
        return "There is no test set on which two of them have been evaluated, so neither is better."
    sentences = []
    for other in dict.fromkeys(one.other for one in found):
        groups: dict[str, list[str]] = {}
        for one in sorted(found, key=lambda one: not one.better):
            if one.other == other:
                reason = f" ({one.reason})" if one.reason else ""
                groups.setdefault(one.text, []).append(f"{one.test}{reason}")
        sentences += [f"{text} on {' and '.join(tests)}" for text, tests in groups.items()]
    return f"{'; '.join(sentences)}. By {metric}, trajectory by trajectory."


def effect_text(told: Mapping[str, Any], first: str, other: str) -> str:
    """Write the effect of a verdict with its interval: `B/A 0.8 [0.7, 0.9]`."""
    sign = "/" if told["scale"] == "ratio" else " - "
    effect = ranged(told["effect"], told["low"], told["high"])
    return f"{other}{sign}{first} {effect}" if effect else ""
