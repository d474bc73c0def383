"""Stored models compared: the settings that differ, metrics with intervals, paired verdicts, as data and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from assets.report.comparison.models import ComparedModel, compared_models, missing_results, test_names
from assets.report.comparison.paired_tests import (
    Metric,
    SettingsVerdict,
    Verdict,
    conclusion,
    metrics,
    settings_verdicts,
    sweeps_holding,
    verdicts,
)
from assets.statistics.experiment import PER_TRAJECTORY
from assets.store.manifest import finite
from assets.store.store import Missing, Store
from assets.sweeps.diff import difference
from assets.sweeps.sweep import Sweep


@dataclass(frozen=True)
class Comparison:
    """The results of a comparison."""

    models: tuple[ComparedModel, ...]
    """The others are compared with the first one."""
    metrics: Mapping[str, tuple[Metric, ...]]
    """By test set."""
    verdicts: tuple[Verdict, ...]
    """By the metric that decides."""
    settings_verdicts: tuple[SettingsVerdict, ...]
    missing: tuple[str, ...]
    """Failures and missing evaluations, one line each."""
    sweeps: Mapping[str, tuple[str, ...]]
    """Names of the sweeps that hold each model, by its letter."""
    metric: str
    """The metric that decides."""

    @property
    def conclusion(self) -> str:
        """The better model, in a sentence."""
        return conclusion(self.verdicts, self.metric)

    @property
    def settings(self) -> list[tuple[str, dict[str, Any]]]:
        """The settings that differ, defaults resolved, with their values by letter."""
        return difference({model.letter: model.settings for model in self.models})


def compare(names: Sequence[str], store: Store, sweeps: Iterable[Sweep] = (), metric: str = "") -> Comparison:
    """Compare stored models, each `[<study>/]<key, hash, or the beginning of one>`, with the first of them.

    `metric` decides, by default the first headline metric; smaller counts as better. Where one of `sweeps` holds two of
    them, its seeds say whether the setting of one is better.

    Raises:
        Missing: one of them is not stored, is ambiguous or named twice, they are of different studies, or no evaluation
            has the metric per trajectory.
    """
    models, sweeps = compared_models(names, store), list(sweeps)
    tests = test_names(models)
    by_test = {name: tuple(metrics(models, test)) for test, name in tests.items()}
    first, *others = models
    metric = _metric(models, tests, metric)
    return Comparison(
        tuple(models),
        {name: group for name, group in by_test.items() if group},
        tuple(verdicts(models, tests, metric)),
        tuple(verdict for other in others for verdict in settings_verdicts(first, other, sweeps, store, metric)),
        tuple(missing_results(models)),
        {model.letter: tuple(sweep.name for sweep, _ in sweeps_holding(sweeps, model)) for model in models},
        metric,
    )


def _metric(models: Sequence[ComparedModel], tests: Iterable[str], metric: str) -> str:
    """Return the metric that decides, after a check that trajectories have it."""
    headline = models[0].study.headline[0]
    if metric in ("", headline):
        return headline
    tables = [model.table(test, PER_TRAJECTORY) for model in models for test in tests if model.holds(test)]
    names = dict.fromkeys(str(name) for table in tables if table is not None for name in table)
    names = {name: None for name in names if name not in ("trajectory", "n")}
    if metric not in names:
        raise Missing(f"given the metric {metric!r}; trajectories have: {', '.join(names) or 'none'}")
    return metric


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON values, null in the place of NaN."""
    content = {
        "models": [
            {"letter": model.letter, "key": model.key, "model": model.name, "status": model.manifest["status"],
             "sweeps": comparison.sweeps[model.letter]}
            for model in comparison.models
        ],
        "metric": comparison.metric,
        "conclusion": comparison.conclusion,
        "lacking": comparison.missing,
        "settings": [{"setting": path, **values} for path, values in comparison.settings],
        "verdicts": [
            {"test": one.test, "first": one.first, "other": one.other, "verdict": one.text, "better": one.better,
             **one.comparison}
            for one in comparison.verdicts
        ],
        "settings_verdicts": [
            {"sweep": one.sweep, "first": one.first, "other": one.other, "verdict": one.text, **one.comparison}
            for one in comparison.settings_verdicts
        ],
        "metrics": {
            test: [
                {"metric": one.name, "unit": one.unit,
                 "values": {letter: asdict(value) for letter, value in one.values.items()},
                 "differences": {letter: asdict(value) for letter, value in one.differences.items()}}
                for one in group
            ]
            for test, group in comparison.metrics.items()
        },
    }  # fmt: skip
    return finite(content)
