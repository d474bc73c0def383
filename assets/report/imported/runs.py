"""Imported runs of a sweep: which of their columns are metrics on which test sets, and where they are kept."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from assets.report.imported.wandb_export import ExportedRun
from assets.store.atomic import replace_text
from assets.store.store import home
from assets.sweeps.sweep import Sweep
from trainers import STUDIES
from trainers.common.names import nearest


@dataclass(frozen=True)
class ImportedRun:
    """A run of another programme."""

    id: str
    name: str
    group: str
    created: str
    settings: Mapping[str, Any]
    """What is no metric, by its name in the export."""
    values: Mapping[str, Mapping[str, float]]
    """Test set -> metric -> value."""


@dataclass(frozen=True)
class Column:
    """A metric on a test set and the column of an export that holds it."""

    metric: str
    test: str
    name: str


def place(sweep: Sweep) -> Path:
    """Return where the imported runs of a sweep are kept."""
    return home() / "imported" / f"{sweep.name}.json"


def imported_runs(sweep: Sweep) -> list[ImportedRun]:
    """Return the imported runs of a sweep, in the order in which they were imported.

    Raises:
        ValueError: their file was changed and cannot be read; one line.
    """
    path = place(sweep)
    if not path.is_file():
        return []
    try:
        return [ImportedRun(**run) for run in json.loads(path.read_text(encoding="utf-8"))]
    except (ValueError, TypeError):
        raise ValueError(f"{path} holds no imported runs; remove it, and import them again") from None


def store_runs(sweep: Sweep, runs: Sequence[ImportedRun]) -> int:
    """Keep runs beside those of earlier imports; return how many of them took the place of an earlier one."""
    earlier = {run.id: run for run in imported_runs(sweep)}
    new = {run.id: run for run in runs}
    replace_text(place(sweep), json.dumps([asdict(run) for run in (earlier | new).values()], indent=1))
    return len(earlier.keys() & new.keys())


def columns_of(sweep: Sweep, runs: Sequence[ExportedRun], named: Sequence[str]) -> list[Column]:
    """Return the columns that are metrics: those named as `METRIC@TEST=COLUMN`, or all called `TEST/METRIC`.

    Raises:
        ValueError: a name is unknown, or no column is a metric; one line.
    """
    names = list(dict.fromkeys(name for run in runs for name in run.values))
    metrics = STUDIES[sweep.study].headline
    columns = [_column(sweep, text, names) for text in named] or [
        Column(metric, test, name)
        for name in names
        for test in sweep.tests
        for metric in metrics
        if name in (f"{test}/{metric}", f"{test}.{metric}")
    ]
    if not columns:
        raise ValueError(
            f"no column is a metric on a test set of {sweep.name}; name them with --values METRIC@TEST=COLUMN, such as "
            f"{metrics[0]}@{next(iter(sweep.tests), 'test')}={next(iter(names), 'error')}; columns: "
            f"{', '.join(names[:12])}"
        )
    return columns


def _column(sweep: Sweep, text: str, names: Sequence[str]) -> Column:
    address, equals, name = text.partition("=")
    metric, at, test = address.partition("@")
    if not (equals and at and metric and name):
        raise ValueError(f"given --values {text}; expected METRIC@TEST=COLUMN")
    for word, kind, known in ((test, "test set", list(sweep.tests)), (name, "column", names)):
        if word not in known:
            raise ValueError(f"no {kind} {word!r}; nearest: {', '.join(nearest(word, known))}")
    return Column(metric, test, name)


def imported(run: ExportedRun, columns: Sequence[Column]) -> ImportedRun:
    """Return a run with the values of its metrics; what is missing or not finite is left out.

    Raises:
        ValueError: a metric is no number; one line.
    """
    values: dict[str, dict[str, float]] = {}
    for column in columns:
        number = _number(run, column.name)
        if number is not None:
            values.setdefault(column.test, {})[column.metric] = number
    taken = {column.name for column in columns}
    facts = {name: run.facts.get(name, "") for name in ("name", "group", "created")}
    settings = {name: value for name, value in run.values.items() if name not in taken}
    return ImportedRun(id=run.id, settings=settings, values=values, **facts)


def _number(run: ExportedRun, name: str) -> float | None:
    value = run.values.get(name)
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"run {run.id}: {name} is {str(value)[:40]!r}; expected a number") from None
    return number if math.isfinite(number) else None


def axis_value(run: ImportedRun, axis: str) -> Any:
    """Return what a run has of an axis: the setting of its path, or of the last part of it; None without one."""
    last = axis.rsplit(".", 1)[-1]
    return next((run.settings[name] for name in (axis, last) if name in run.settings), None)


def records(sweep: Sweep) -> Iterator[dict[str, Any]]:
    """Yield a record per imported run and test set, with the columns of the table of the sweep."""
    for run in imported_runs(sweep):
        axes = {axis: axis_value(run, axis) for axis in sweep.axes}
        for test, values in run.values.items():
            yield {**axes, "key": run.id, "status": "imported", "test": test, **values}
