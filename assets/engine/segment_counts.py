"""What the segmentations of a sweep leave to train on, phase by phase, before anything is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from assets.engine.engine import Engine
from assets.identity.canonical import Item, LayerName
from assets.stages.freshness import Planner
from assets.stages.tasks import Task
from assets.store.store import Store
from assets.sweeps.sweep import Sweep

NEEDED: tuple[LayerName, ...] = ("dataset", "segments")


def cut(sweep: Sweep, store: Store) -> None:
    """Make the datasets and segments of a sweep that are due, and nothing else; a run finds them stored."""
    with Engine(store=store) as engine:
        for layer in NEEDED:
            planner = Planner(store)
            due = [item for item in _items(sweep, layer) if planner.verdict(item).due]
            for _ in engine.run([Task(item, planner.fingerprint(item)) for item in due]):
                pass


def counts(sweep: Sweep, store: Store) -> Iterator[dict[str, Any]]:
    """Yield for each segmentation and phase its counts, as stored, and how many configurations train on it.

    A segmentation that is not stored, or not up to date, yields one record with its state alone. `usable` is whether
    every phase has a training segment; without, its configurations end as `skipped:zero_segments`.
    """
    planner = Planner(store)
    trained_on = Counter(row.configuration.item.segments.hash for row in sweep.rows)
    for item in _items(sweep, "segments"):
        told = {"segments": item.key, "dataset": item.dataset.key, "configurations": trained_on[item.hash]}
        state = planner.verdict(item).state
        if state != "fresh":
            yield told | {"state": state}
            continue
        phases = store.manifest_or_missing(*item.address)["counts"]
        usable = all(row["train_segments"] > 0 for row in phases)
        for row in phases:
            yield told | {"state": state, "usable": usable, **row}


def _items(sweep: Sweep, layer: LayerName) -> tuple[Item, ...]:
    """Return the items of a layer that trainings take; of the datasets, not those that only test."""
    items = dict.fromkeys(row.configuration.item.segments for row in sweep.rows)
    return tuple(items) if layer == "segments" else tuple(dict.fromkeys(item.dataset for item in items))
