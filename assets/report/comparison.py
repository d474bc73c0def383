"""Stored models side by side: the settings that differ, metrics with intervals, a paired verdict, curves, orbits.

`compare` gathers, `page` shows it as one HTML page that opens offline, `as_json` as plain values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assets.report.compare_pictures import comparison_pictures
from assets.report.compared_models import Side, lacking, sides_of, test_names
from assets.report.comparison_tables import settings_that_differ, tables_of
from assets.report.paired_tests import Measured, Metric, Verdict, conclusion, metrics, verdicts
from assets.report.settings_verdict import SettingsVerdict, holding, settings_verdicts
from assets.report.sweep_report import render
from assets.store.manifest import finite
from assets.store.store import Store

if TYPE_CHECKING:
    from assets.sweeps.sweep import Sweep


@dataclass(frozen=True)
class Comparison:
    """What a comparison found."""

    sides: tuple[Side, ...]
    """The first one is what the others are measured against."""
    metrics: Mapping[str, tuple[Metric, ...]]
    """By test set."""
    verdicts: tuple[Verdict, ...]
    """By the first headline metric."""
    settings_verdicts: tuple[SettingsVerdict, ...]
    lacking: tuple[str, ...]
    """What failed and what was not evaluated, one line each."""
    sweeps: Mapping[str, tuple[str, ...]]
    """Names of the sweeps that hold each side, by its letter."""

    @property
    def metric(self) -> str:
        """The metric that decides."""
        return self.sides[0].study.headline[0]

    @property
    def conclusion(self) -> str:
        """Which side is better, in a sentence."""
        return conclusion(self.verdicts, self.metric)


def compare(names: Sequence[str], store: Store, sweeps: Iterable[Sweep] = ()) -> Comparison:
    """Compare stored models, each `[<study>/]<key, hash, or the beginning of one>`, with the first of them.

    In `sweeps` it is looked up what the seeds of the same settings say.

    Raises:
        Missing: one of them is not stored, is ambiguous or named twice, or they are of different studies.
    """
    sides, sweeps = sides_of(names, store), list(sweeps)
    tests = test_names(sides)
    measured = {name: tuple(metrics(sides, test)) for test, name in tests.items()}
    first, *others = sides
    return Comparison(
        tuple(sides),
        {name: found for name, found in measured.items() if found},
        tuple(verdicts(sides, tests)),
        tuple(found for other in others for found in settings_verdicts(first, other, sweeps, store)),
        tuple(lacking(sides)),
        {side.letter: tuple(sweep.name for sweep, _ in holding(sweeps, side)) for side in sides},
    )


def page(comparison: Comparison, linked: bool = False) -> str:
    """Return one HTML page that opens offline; `linked`: with links to pages of the desk that serves it."""
    pictures = list(comparison_pictures(comparison.sides))
    return render(
        "compare.html",
        {"comparison": comparison, "pictures": pictures, "linked": linked, **tables_of(comparison)},
    )


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON values, null in the place of NaN."""
    told = {
        "models": [
            {"letter": side.letter, "key": side.key, "model": side.name, "status": side.manifest["status"],
             "sweeps": comparison.sweeps[side.letter]}
            for side in comparison.sides
        ],
        "conclusion": comparison.conclusion,
        "lacking": comparison.lacking,
        "settings": [{"setting": path, **values} for path, values in settings_that_differ(comparison.sides)],
        "verdicts": [
            {"test": one.test, "first": one.first, "other": one.other, "verdict": one.text, "better": one.better,
             **one.told}
            for one in comparison.verdicts
        ],
        "settings_verdicts": [
            {"sweep": one.sweep, "first": one.first, "other": one.other, "verdict": one.text, **one.told}
            for one in comparison.settings_verdicts
        ],
        "metrics": {test: [_metric(one) for one in found] for test, found in comparison.metrics.items()},
    }  # fmt: skip
    return finite(told)


def _metric(metric: Metric) -> dict[str, Any]:
    values, differences = (
        {letter: _measured(one) for letter, one in found.items()} for found in (metric.values, metric.differences)
    )
    return {"metric": metric.name, "unit": metric.unit, "values": values, "differences": differences}


def _measured(one: Measured) -> dict[str, float]:
    return {"value": one.value, "low": one.low, "high": one.high}
