"""Count the segments that a sweep trains on, phase by phase, before anything is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from assets.engine.engine import Engine
from assets.identity.canonical import Item
from assets.stages.freshness import Planner
from assets.stages.key_numbers import fitted_numbers
from assets.stages.tasks import Task
from assets.store.contract_files import read_segments
from assets.store.store import Store
from assets.sweeps.sweep import Sweep


def make_segments(sweep: Sweep, store: Store) -> None:
    """Make the datasets and segments of a sweep that are due, and nothing else; a run then finds them stored."""
    with Engine(store=store) as engine:
        planner = Planner(store)
        for items in (_datasets(sweep), _segments(sweep)):
            due = [item for item in items if planner.verdict(item).due]
            for outcome in engine.run([Task(item, planner.fingerprint(item)) for item in due]):
                planner.forget([outcome.item])


def segment_counts(sweep: Sweep, store: Store, fitted: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the stored counts of each segmentation and phase, and how many configurations train on it.

    A segmentation that is not stored, or not up to date, yields one record with its state alone. `usable` is whether
    every phase has a training segment; without, its configurations end as `skipped:zero_segments`. `fitted` adds what
    was fitted on the training data, such as the ranges of the states.
    """
    planner = Planner(store)
    trained_on = Counter(row.configuration.item.segments.hash for row in sweep.rows)
    for item in _segments(sweep):
        names = {"segments": item.key, "dataset": item.dataset.key, "configurations": trained_on[item.hash]}
        state = planner.verdict(item).state
        if state != "fresh":
            yield names | {"state": state}
            continue
        phases = store.manifest_or_missing(*item.address)["counts"]
        own = {"state": state, "usable": all(row["train_segments"] > 0 for row in phases)}
        if fitted:
            own["fitted"] = fitted_numbers(read_segments(store.open(*item.address)))
        for row in phases:
            yield names | own | row


def _segments(sweep: Sweep) -> tuple[Item, ...]:
    return tuple(dict.fromkeys(row.configuration.item.segments for row in sweep.rows))


def _datasets(sweep: Sweep) -> tuple[Item, ...]:
    """Return the datasets that segments are cut from, for training or validation, not those that only test."""
    return tuple(dict.fromkeys(dataset for item in _segments(sweep) for dataset in item.inputs))
