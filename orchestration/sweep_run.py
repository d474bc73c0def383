"""Run everything missing of one sweep, layer by layer, as named Dagster runs."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg

from assets import partition_page
from assets.catalogue import Catalogue, StudyCatalogue
from assets.engine.engine import Engine, shared_engine
from assets.identity.canonical import LAYER_NAMES, Item, LayerName
from assets.stages.freshness import Planner
from assets.statistics.adaptive_seeds import rounds, sweep_so_far
from assets.store.store import Damaged, Store
from assets.study_assets import asset_key, partition_keys
from assets.sweeps.sweep import Sweep
from orchestration.launch.own_launch import own_launch
from orchestration.launch.report_switch import writes_report

JobByName = Callable[[str], dg.JobDefinition]

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Summary:
    """What a sweep run did."""

    sweep: str
    trained: int
    evaluated: int
    cached: int
    failed: dict[str, str]
    """Status and detail of every row that is not ok, by key."""
    seconds: float
    busy: float = 0.0
    """Part of the time of all CPUs that workers had [1]."""

    @property
    def line(self) -> str:
        """Say it in one line."""
        return (
            f"orrery: sweep {self.sweep}: trained {self.trained}, evaluated {self.evaluated}, "
            f"cached {self.cached}, failed {len(self.failed)}"
        )


def run_sweep(
    sweep: Sweep, catalogue: Catalogue, instance: dg.DagsterInstance, job: JobByName, parent: str = ""
) -> Summary:
    """Make what is missing or stale of a sweep, in order, and write its leaderboard and report; see `writes_report`.

    Every layer is one Dagster run per contiguous stretch of partition keys, so that no run covers a key that it does
    not launch. What is fresh in the store but unknown to Dagster gets its event instead.

    Raises:
        Busy, StoreError, Locked: see `own_launch`.
    """
    with own_launch(sweep.name, instance, parent) as tags:
        return _run_all(sweep, catalogue, instance, job, tags)


def _run_all(
    sweep: Sweep, catalogue: Catalogue, instance: dg.DagsterInstance, job: JobByName, tags: Mapping[str, str]
) -> Summary:
    """Run until nothing is due, or asked for, or somebody asks to stop; write the leaderboard either way."""
    started, engine = time.monotonic(), shared_engine()
    engine.interrupted, before = False, engine.cpu_seconds
    study = catalogue.study(sweep.study)
    standing = _standing(sweep, study)
    for part in rounds(sweep):
        if not engine.interrupted:
            _run_rows(part, study, instance, job, tags)
    for whole in ("leaderboard", "report") if writes_report() else ("leaderboard",):
        _run_layer(job(f"{sweep.study}_{whole}"), [sweep.key], instance, tags)
    seconds = time.monotonic() - started
    busy = (engine.cpu_seconds - before) / (seconds * len(engine.cpus))
    return replace(_summary(sweep_so_far(sweep, Store()), standing, seconds), busy=busy)


def _run_rows(
    sweep: Sweep, study: StudyCatalogue, instance: dg.DagsterInstance, job: JobByName, tags: Mapping[str, str]
) -> None:
    """Run what is due of the rows of a sweep, layer by layer."""
    engine = shared_engine()
    adopt(sweep, study, instance)
    for layer in LAYER_NAMES:
        stretches = list(contiguous(_due_keys(sweep, study, layer), partition_keys(study, layer)))
        while stretches and not engine.interrupted:
            with sharing_time(engine, stretches):
                _run_layer(job(f"{sweep.study}_{layer}"), stretches.pop(0), instance, tags)


def evaluations(study: StudyCatalogue, model: Item) -> tuple[Item, ...]:
    """Return the evaluations of a model over the test sets of all sweeps that hold it."""
    return study.evaluations[model.key]


def contiguous(keys: Iterable[str], ordered: Sequence[str]) -> Iterator[list[str]]:
    """Split keys into stretches that are contiguous in the order of the partition set.

    >>> list(contiguous(["a", "b", "d"], ["a", "b", "c", "d"]))
    [['a', 'b'], ['d']]
    """
    wanted = set(keys)
    stretch: list[str] = []
    for key in ordered:
        if key in wanted:
            stretch.append(key)
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


@contextmanager
def sharing_time(engine: Engine, stretches: Sequence[Sequence[str]]) -> Iterator[None]:
    """Leave the first stretch its share, by its keys, of the time in which trainings may begin."""
    limit, now = engine.train_until, time.monotonic()
    if limit is not None:
        engine.train_until = now + (limit - now) * len(stretches[0]) / sum(map(len, stretches))
    try:
        yield
    finally:
        engine.train_until = limit


def adopt(sweep: Sweep, study: StudyCatalogue, instance: dg.DagsterInstance) -> int:
    """Report what is fresh in the store and unknown to Dagster; return how many artifacts that were."""
    store, planner = Store(), Planner(Store())
    reported = 0
    for layer in LAYER_NAMES:
        key = asset_key(sweep.study, layer)
        known, seen = instance.get_materialized_partitions(key), partition_page.last_event(instance)
        for item in _partition_items(sweep, layer):
            if item.key in known or not _fresh(planner, study, layer, item):
                continue
            with suppress(Damaged):  # found at reading, noted, and made anew by what follows
                instance.report_runless_asset_event(_known_event(key, layer, item, study, store, seen))
                reported += 1
    return reported


def _partition_items(sweep: Sweep, layer: LayerName) -> tuple[Item, ...]:
    """Return the items whose keys are the partitions of a layer: an evaluation has the key of its model."""
    return sweep.items()["model" if layer == "evaluation" else layer]


def _fresh(planner: Planner, study: StudyCatalogue, layer: LayerName, item: Item) -> bool:
    items = evaluations(study, item) if layer == "evaluation" else (item,)
    return all(planner.verdict(one).state == "fresh" for one in items)


def _known_event(
    key: dg.AssetKey, layer: LayerName, item: Item, study: StudyCatalogue, store: Store, seen: int
) -> dg.AssetMaterialization:
    if layer == "evaluation":
        return partition_page.evaluation_materialization(key, item, evaluations(study, item), store, seen=seen)
    return partition_page.materialization(key, item, store, seen=seen)


def _due_keys(sweep: Sweep, study: StudyCatalogue, layer: LayerName) -> list[str]:
    """Return the partition keys of a layer with something to do, and all that it takes in the store."""
    planner = Planner(Store())

    def due(item: Item) -> bool:
        items = evaluations(study, item) if layer == "evaluation" else (item,)
        verdicts = [planner.verdict(one) for one in items]
        return any(v.due and not any(planner.verdict(up).due for up in v.item.inputs) for v in verdicts)

    return [item.key for item in _partition_items(sweep, layer) if due(item)]


def _run_layer(
    job: dg.JobDefinition, stretch: Sequence[str], instance: dg.DagsterInstance, tags: Mapping[str, str]
) -> None:
    """Run the job of one layer over a contiguous stretch of keys; failures are on record, not raised."""
    covered = {
        "dagster/asset_partition_range_start": stretch[0],
        "dagster/asset_partition_range_end": stretch[-1],
    }
    config: dict[str, Any] = QUIET
    job.execute_in_process(instance=instance, tags={**tags, **covered}, run_config=config, raise_on_error=False)


def _standing(sweep: Sweep, study: StudyCatalogue) -> dict[LayerName, set[str]]:
    """Return the keys of models and evaluations that are fresh."""
    planner = Planner(Store())
    layers: tuple[LayerName, ...] = ("model", "evaluation")
    return {
        layer: {item.key for item in _partition_items(sweep, layer) if _fresh(planner, study, layer, item)}
        for layer in layers
    }


def _summary(sweep: Sweep, standing: dict[LayerName, set[str]], seconds: float) -> Summary:
    """Count what became of every row; `standing` holds the keys that were fresh before."""
    planner = Planner(Store())
    failed: dict[str, str] = {}
    for row in sweep.rows:
        bad = (v for v in map(planner.verdict, (row.configuration.item, *row.evaluations)) if v.state != "fresh")
        if verdict := next(bad, None):
            failed[row.configuration.key] = verdict.reason
    done = {row.configuration.key for row in sweep.rows} - set(failed)
    return Summary(
        sweep.name,
        trained=len(done - standing["model"]),
        evaluated=len(done - standing["evaluation"]),
        cached=len(done & standing["model"] & standing["evaluation"]),
        failed=failed,
        seconds=seconds,
    )
