"""Causes of failure: the failures of a sweep grouped by cause, with the settings that each group has in common."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assets.home.running import RunningRecord
from assets.identity.canonical import Item
from assets.identity.paths import dotted, flatten
from assets.stages.freshness import Planner
from assets.store.store import Store
from assets.sweeps.sweep import Row, Sweep

NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?([eE][-+]?\d+)?|\binf\b|\bnan\b)")

WITH_STATUS = ("settled", "retry")
"""States of an item whose manifest says how it ended."""


@dataclass(frozen=True)
class Failure:
    """How one row ended."""

    key: str
    status: str
    layer: str
    stage: str
    phase: int
    step: int
    last: Mapping[str, float]
    """The last measurements: `last_loss`, and whatever else the study reports."""
    detail: str
    traceback: str
    """File; empty if no exception ended it."""
    journal: str
    """File with its progress, line by line; empty if it no longer exists."""
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Cause:
    """Failures whose messages are equal except for their numbers."""

    status: str
    stage: str
    detail: str
    """The message; where a number differs between the failures, its range."""
    failures: tuple[Failure, ...]
    common: Mapping[str, Any]
    """Settings that vary in the sweep and have one value here."""
    bounds: Mapping[str, str]
    """Settings with numbers that lie on one side of those of all rows that did not fail so, in words."""


def row_status(row: Row, planner: Planner) -> tuple[str, Item | None]:
    """Return `ok`, or the status or state of the first item of a row that is not, and that item."""
    for item in row.items():
        verdict = planner.verdict(item)
        if verdict.state in WITH_STATUS:
            return planner.store.manifest_or_missing(*item.address)["status"], item
        if verdict.state != "fresh":
            return verdict.state, item
    return "ok", None


def causes(sweep: Sweep, store: Store) -> list[Cause]:
    """Return the failures of a sweep grouped by cause, the most frequent first."""
    rows = [{dotted(place): value for place, value in flatten(row.configuration.settings())} for row in sweep.rows]
    paths = dict.fromkeys(path for settings in rows for path in settings)
    varied = [path for path in paths if len({repr(settings.get(path)) for settings in rows}) > 1]

    groups: dict[tuple[str, str, str], list[Failure]] = {}
    planner = Planner(store)
    for row, settings in zip(sweep.rows, rows, strict=True):
        if failure := _failure(row, settings, planner):
            alike = (failure.status, failure.stage, NUMBER.sub("#", failure.detail))
            groups.setdefault(alike, []).append(failure)
    causes = []
    for (status, stage, _), failures in groups.items():
        first = failures[0]
        common = {
            path: first.settings[path]
            for path in varied
            if path in first.settings and all(one.settings.get(path) == first.settings[path] for one in failures)
        }
        others = [settings for settings in rows if all(settings is not one.settings for one in failures)]
        bounds = {path: text for path in varied if (text := _bound(path, failures, others))}
        causes.append(Cause(status, stage, _with_ranges(failures), tuple(failures), common, bounds))
    return sorted(causes, key=lambda cause: -len(cause.failures))


def _with_ranges(failures: Sequence[Failure]) -> str:
    """Return the message of failures that read alike, with the range of each number that differs: `12 to 60`."""
    columns = zip(*([match[0] for match in NUMBER.finditer(one.detail)] for one in failures), strict=True)
    texts = iter([_range(texts) for texts in columns])
    return NUMBER.sub(lambda match: next(texts), failures[0].detail)


def _range(texts: Sequence[str]) -> str:
    distinct = sorted(set(texts), key=float)
    return distinct[0] if len(distinct) == 1 else f"{distinct[0]} to {distinct[-1]}"


def _bound(path: str, failures: Sequence[Failure], others: Sequence[Mapping[str, Any]]) -> str:
    """Say on which side of all others the numbers of a setting lie; empty where they mix, or are no numbers."""
    here, there = (
        [float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
        for values in ([one.settings.get(path) for one in failures], [settings.get(path) for settings in others])
    )
    if not there or len(here) < len(failures) or len(there) < len(others):
        return ""
    if min(here) > max(there):
        return f"at least {min(here):g}, all others at most {max(there):g}"
    if max(here) < min(there):
        return f"at most {max(here):g}, all others at least {min(there):g}"
    return ""


def _failure(row: Row, settings: Mapping[str, Any], planner: Planner) -> Failure | None:
    """Return the stored failure that keeps a row from being ok, if there is one."""
    _, item = row_status(row, planner)
    manifest = planner.store.manifest(*item.address) if item else None
    if not (item and manifest and manifest["failure"]) or planner.verdict(item).state not in WITH_STATUS:
        return None
    traceback, journal = "traceback.txt", RunningRecord(*item.address).path
    return Failure(
        key=row.configuration.key,
        status=manifest["status"],
        layer=item.layer,
        **manifest["failure"],
        last={name: value for name, value in manifest["numbers"].items() if value is not None},
        traceback=str(planner.store.path(*item.address) / traceback) if traceback in manifest["files"] else "",
        journal=str(journal) if journal.exists() else "",
        settings=settings,
    )
