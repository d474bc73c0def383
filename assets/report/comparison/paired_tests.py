"""Paired tests of trained models: every metric with its interval, and which model or setting is better.

Models are compared trajectory by trajectory on the same test set, so that hard trajectories do not blur the difference.
That decides between these trained models. Whether the *setting* of one is better is decided over the seeds of a sweep.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.identity.text import with_interval
from assets.report.comparison.models import ComparedModel, test_names
from assets.statistics.best_against_rest import compare_by_seed
from assets.statistics.experiment import PER_TRAJECTORY, Experiment, settings_of
from assets.statistics.intervals import Sample, difference, estimate
from assets.statistics.paired_comparison import (
    INCONCLUSIVE,
    NEUTRAL,
    compare_samples,
    holm,
    is_decided,
    verdict,
)
from assets.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from assets.sweeps.sweep import Row, Sweep

Array = np.ndarray


@dataclass(frozen=True)
class Measurement:
    """A metric of one model on one test set, the mean over trajectories weighted by their points."""

    value: float
    low: float = math.nan
    high: float = math.nan
    """95 % interval over trajectories; NaN for a metric that is not a mean over them."""

    @property
    def text(self) -> str:
        """The value with its interval."""
        return with_interval(self.value, self.low, self.high)


@dataclass(frozen=True)
class Metric:
    """A metric on one test set for all models."""

    name: str
    unit: str
    values: Mapping[str, Measurement]
    """By letter; a model without the metric is left out."""
    differences: Mapping[str, Measurement]
    """By letter of every model but the first: its value minus that of the first, on the trajectories of both."""


@dataclass(frozen=True)
class Verdict:
    """The verdict between two models on one test set by the first headline metric."""

    test: str
    first: str
    other: str
    comparison: Mapping[str, Any]
    """Of `compare_samples` with trajectories as pairs, mean_a and mean_b over them, and p_holm, corrected for all
    verdicts of the comparison."""

    @property
    def better(self) -> str:
        """Letter of the better model; empty where the comparison is inconclusive."""
        if not is_decided(self.comparison):
            return ""
        return self.other if self.comparison["effect"] < NEUTRAL[self.comparison["scale"]] else self.first

    @property
    def text(self) -> str:
        """The verdict in words."""
        return f"{self.better} is better" if self.better else f"{self.first} against {self.other} is {INCONCLUSIVE}"

    @property
    def reason(self) -> str:
        """A restriction of the verdict: too few trajectories, or a contrary mean; else empty."""
        if not self.comparison["pairs"]:
            return "no trajectory on which both have a number"
        if self.better:
            # The mean ranks, but the test is of the typical trajectory: a few bad ones can turn the mean.
            smaller = self.other if self.comparison["mean_b"] < self.comparison["mean_a"] else self.first
            return "" if smaller == self.better else "on a typical trajectory; its mean is larger"
        return "one trajectory" if self.comparison["pairs"] == 1 else ""


@dataclass(frozen=True)
class SettingsVerdict:
    """The verdict of a sweep between the settings of two models, over their seeds."""

    sweep: str
    first: str
    other: str
    comparison: Mapping[str, Any]
    """Of `compare_by_seed`, one pair per seed that both settings have; empty where they differ in their seed alone."""

    @property
    def text(self) -> str:
        """The verdict in words."""
        if not self.comparison:
            return f"{self.first} and {self.other} differ in their seed alone"
        row = {**self.comparison, "a": self.first, "b": self.other, "p_holm": self.comparison["p"]}
        return verdict(row) if row["pairs"] else "no seed for which both models are ok"


def metrics(models: Sequence[ComparedModel], test: str) -> Iterator[Metric]:
    """Yield every metric on a test set, those of the headline first."""
    evaluated = [model for model in models if model.holds(test)]
    tables = {model.letter: model.table(test, PER_TRAJECTORY) for model in evaluated}
    summaries: dict[str, dict[str, Any]] = {}
    for model in evaluated:
        summary = model.table(test, "summary")
        records = [] if summary is None else summary.to_dict("records")
        summaries[model.letter] = {str(record["metric"]): record for record in records}
    names = dict.fromkeys(name for summary in summaries.values() for name in summary)
    headline = [name for name in models[0].study.headline if name in names]
    first, *others = models
    for name in dict.fromkeys([*headline, *names]):
        rows = {letter: summary[name] for letter, summary in summaries.items() if name in summary}
        values = {letter: _measure(row["value"], tables[letter], name) for letter, row in rows.items()}
        differences = {
            model.letter: difference
            for model in others
            if (difference := _difference(tables.get(first.letter), tables.get(model.letter), name))
        }
        yield Metric(name, str(next(iter(rows.values()))["unit"]), values, differences)


def _measure(value: float, table: pd.DataFrame | None, metric: str) -> Measurement:
    if table is None or metric not in table:
        return Measurement(float(value))
    sample = Sample(table[metric].to_numpy(float)[None], table["n"].to_numpy(float)[None])
    mean = estimate([sample])
    return Measurement(float(value), mean.low, mean.high)


def _difference(first: pd.DataFrame | None, other: pd.DataFrame | None, metric: str) -> Measurement | None:
    """Return the difference of the means over the trajectories on which both have a number."""
    shared = _shared(first, other, metric)
    if shared is None:
        return None
    (a, n), (b, m) = shared
    mean = difference([Sample(a[None], n[None])], [Sample(b[None], m[None])])
    return Measurement(mean.value, mean.low, mean.high)


def verdicts(
    models: Sequence[ComparedModel], tests: Mapping[str, str] | None = None, metric: str = ""
) -> list[Verdict]:
    """Compare every model with the first one by a metric (default: the headline's) on every test set that both have.

    The effect is that on a typical trajectory (geometric mean of the ratios, or mean of the differences), its interval
    is over trajectories, p is of the paired t-test of trajectories, corrected for the number of verdicts (Holm).
    """
    tests = test_names(models) if tests is None else tests
    first, *others = models
    metric = metric or first.study.headline[0]
    comparisons = []
    for test, name in tests.items():
        for other in others:
            if first.holds(test) and other.holds(test):
                a, b = (model.table(test, PER_TRAJECTORY) for model in (first, other))
                comparisons.append((name, other.letter, _by_trajectory(a, b, metric)))
    corrected = holm(np.array([comparison["p"] for _, _, comparison in comparisons], float))
    return [
        Verdict(name, first.letter, letter, comparison | {"p_holm": float(p)})
        for (name, letter, comparison), p in zip(comparisons, corrected, strict=True)
    ]


def _by_trajectory(first: pd.DataFrame | None, other: pd.DataFrame | None, metric: str) -> dict[str, Any]:
    """Compare two models with each trajectory as a pair."""
    shared = _shared(first, other, metric)
    if shared is None:
        return compare_samples([], []) | {"mean_a": math.nan, "mean_b": math.nan}
    a, b = (Sample(values[:, None], weights[:, None]) for values, weights in shared)
    mean_a, mean_b = (float(np.average(values, weights=weights)) for values, weights in shared)
    return compare_samples([a], [b]) | {"mean_a": mean_a, "mean_b": mean_b}


def _shared(
    first: pd.DataFrame | None, other: pd.DataFrame | None, metric: str
) -> tuple[tuple[Array, Array], tuple[Array, Array]] | None:
    """Return values and weights (N,) of both on the trajectories on which both are finite; None without any."""
    if first is None or other is None or metric not in first or metric not in other:
        return None
    columns = ["trajectory", "n", metric]
    both = first[columns].merge(other[columns], on="trajectory", suffixes=("_a", "_b"))
    both = both.dropna().loc[lambda table: np.isfinite(table[f"{metric}_a"]) & np.isfinite(table[f"{metric}_b"])]
    if not len(both):
        return None
    a, b = ((both[f"{metric}_{one}"].to_numpy(float), both[f"n_{one}"].to_numpy(float)) for one in "ab")
    return a, b


def sweeps_holding(sweeps: Iterable[Sweep], model: ComparedModel) -> Iterator[tuple[Sweep, Row]]:
    """Yield every sweep that holds a model, with its row."""
    for sweep in sweeps:
        if sweep.study == model.study.name:
            for row in sweep.rows:
                if row.configuration.item.hash == model.manifest["hash"]:
                    yield sweep, row


def settings_verdicts(
    first: ComparedModel, other: ComparedModel, sweeps: Iterable[Sweep], store: Store, metric: str = ""
) -> Iterator[SettingsVerdict]:
    """Yield the verdict of each sweep that holds both models."""
    sweeps = list(sweeps)
    rows = {sweep.name: row for sweep, row in sweeps_holding(sweeps, other)}
    for sweep, row in sweeps_holding(sweeps, first):
        if sweep.name in rows:
            comparison = _by_seed(sweep, row, rows[sweep.name], store, metric)
            yield SettingsVerdict(sweep.name, first.letter, other.letter, comparison)


def _by_seed(sweep: Sweep, first: Row, other: Row, store: Store, metric: str) -> dict[str, Any]:
    """Compare the settings of two rows by the seeds that both have; empty for two rows of one setting."""
    settings = settings_of(sweep)
    a, b = (next(setting for setting in settings if row in setting.rows) for row in (first, other))
    if a is b:
        return {}
    # An experiment of these rows alone reads no other artifacts; without `seeds` it has every seed that is stored.
    return compare_by_seed(Experiment(replace(sweep, rows=(*a.rows, *b.rows), seeds=None), store, metric=metric), a, b)


def conclusion(verdicts: Sequence[Verdict], metric: str) -> str:
    """Say in a sentence which model is better on which test sets, and where that is inconclusive."""
    if not verdicts:
        return "No two of them have been evaluated on the same test set, so neither is better."
    sentences = []
    for other in dict.fromkeys(one.other for one in verdicts):
        groups: dict[str, list[str]] = {}
        for one in sorted(verdicts, key=lambda one: not one.better):
            if one.other == other:
                groups.setdefault(one.text, []).append(f"{one.test} ({one.reason})" if one.reason else one.test)
        sentences += [f"{text} on {' and '.join(tests)}" for text, tests in groups.items()]
    return f"{'; '.join(sentences)}. By {metric}, trajectory by trajectory."


def effect_text(comparison: Mapping[str, Any], first: str, other: str) -> str:
    """Write the effect of a comparison with its interval: `B/A 0.8 [0.7, 0.9]`."""
    sign = "/" if comparison["scale"] == "ratio" else " - "
    effect = with_interval(comparison["effect"], comparison["low"], comparison["high"])
    return f"{other}{sign}{first} {effect}" if effect else ""
