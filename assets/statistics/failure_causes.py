"""Why rows of a sweep are not ok: its failures grouped by cause, with the settings that each group has in common."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assets.home.journal import Journal
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
    """What was measured last: `last_loss`, and what else the study reports."""
    detail: str
    traceback: str
    """File; empty if no exception ended it."""
    journal: str
    """File with what it did, line by line; empty if it is not there any more."""
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Cause:
    """Failures that read alike but for their numbers."""

    status: str
    stage: str
    detail: str
    failures: tuple[Failure, ...]
    common: Mapping[str, Any]
    """Settings that vary in the sweep and have one value here."""


def standing(row: Row, planner: Planner) -> tuple[str, Item | None]:
    """Return `ok`, or the status or state of the first item that is not, and that item."""
    for item in row.items():
        verdict = planner.verdict(item)
        if verdict.state in WITH_STATUS:
            return (planner.store.manifest(*item.address) or {}).get("status", "missing"), item
        if verdict.state != "fresh":
            return verdict.state, item
    return "ok", None


def causes(sweep: Sweep, store: Store) -> list[Cause]:
    """Return the failures of a sweep grouped by cause, the most frequent first."""
    settings = {row.configuration.key: _flat(row) for row in sweep.rows}
    groups: dict[tuple[str, str, str], list[Failure]] = {}
    for failure in _failures(sweep, store, settings):
        alike = (failure.status, failure.stage, NUMBER.sub("#", failure.detail))
        groups.setdefault(alike, []).append(failure)
    varied = _varied(list(settings.values()))
    found = [Cause(*alike, tuple(group), _common(group, varied)) for alike, group in groups.items()]
    return sorted(found, key=lambda cause: -len(cause.failures))


def _failures(sweep: Sweep, store: Store, settings: Mapping[str, Mapping[str, Any]]) -> Iterator[Failure]:
    planner = Planner(store)
    for row in sweep.rows:
        _, item = standing(row, planner)
        manifest = (store.manifest(*item.address) if item else None) or {}
        if item and "failure" in manifest and planner.verdict(item).state in WITH_STATUS:
            key = row.configuration.key
            yield _failure(key, item, manifest, store, settings[key])


def _failure(key: str, item: Item, manifest: Mapping[str, Any], store: Store, settings: Mapping[str, Any]) -> Failure:
    file = "traceback.txt"
    where = str(store.path(*item.address) / file) if file in manifest["files"] else ""
    last = {name: value for name, value in manifest.get("numbers", {}).items() if value is not None}
    path = Journal(*item.address).path
    journal = str(path) if path.exists() else ""
    told = {**manifest["failure"], "last": last, "traceback": where, "journal": journal, "settings": settings}
    return Failure(key, manifest["status"], item.layer, **told)


def _flat(row: Row) -> dict[str, Any]:
    return {dotted(place): value for place, value in flatten(row.configuration.settings())}


def _varied(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    paths = dict.fromkeys(path for row in rows for path in row)
    return [path for path in paths if len({repr(row.get(path)) for row in rows}) > 1]


def _common(group: Sequence[Failure], varied: Sequence[str]) -> dict[str, Any]:
    first = group[0].settings
    return {
        path: first[path]
        for path in varied
        if path in first and all(failure.settings.get(path) == first[path] for failure in group)
    }
