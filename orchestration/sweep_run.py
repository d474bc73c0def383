"""Run everything missing of one sweep, layer by layer, as named Dagster runs."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg

from assets import partition_page
from assets.catalogue import Catalogue, StudyCatalogue
from assets.engine.engine import Engine, shared_engine
from assets.identity.canonical import LAYER_NAMES, Item, LayerName
from assets.launch import Launch, launching
from assets.stages.layers import LAYERS
from assets.statistics.adaptive_seeds import rounds, sweep_so_far
from assets.store.store import Damaged
from assets.study_assets import asset_key
from assets.sweeps.sweep import Row, Sweep
from orchestration.launch.launch import own_launch
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
    not launch. What is up to date in the store but unknown to Dagster gets its event instead.

    Raises:
        Busy, StoreError, Locked: see `own_launch`.
    """
    with own_launch(sweep.name, instance, parent) as tags, launching() as launch:
        launch.refresh()
        return SweepRun(sweep, catalogue.study(sweep.study), instance, job, tags, launch).run()


@dataclass(frozen=True)
class SweepRun:
    """One run of a sweep."""

    sweep: Sweep
    study: StudyCatalogue
    instance: dg.DagsterInstance
    job: JobByName
    tags: Mapping[str, str]
    launch: Launch

    def run(self) -> Summary:
        """Run until nothing is due or somebody asks to stop; write leaderboard and report either way."""
        started, engine = time.monotonic(), shared_engine()
        engine.interrupted, before = False, engine.cpu_seconds
        models = self._fresh_keys(lambda row: (row.configuration.item,))
        evaluations = self._fresh_keys(lambda row: row.evaluations)
        for part in rounds(self.sweep, self.launch.store, self.launch.planner):
            if not engine.interrupted:
                self._run_rows(part)
        for whole in ("leaderboard", "report") if writes_report() else ("leaderboard",):
            self._run_layer(whole, [self.sweep.key])
        seconds = time.monotonic() - started
        busy = (engine.cpu_seconds - before) / (seconds * len(engine.cpus))
        return self._summary(models, evaluations, seconds, busy)

    def _run_rows(self, part: Sweep) -> None:
        """Run what is due of some rows of the sweep, layer by layer."""
        engine = shared_engine()
        adopt(part, self.study, self.instance, self.launch)
        for layer in LAYER_NAMES:
            stretches = list(contiguous(self._due_keys(part, layer), list(self.study.partitions(layer))))
            while stretches and not engine.interrupted:
                with sharing_time(engine, stretches):
                    self._run_layer(layer, stretches.pop(0))

    def _run_layer(self, layer: str, stretch: Sequence[str]) -> None:
        """Run the job of one layer over a contiguous stretch of keys; failures are on record, not raised."""
        tags = {
            **self.tags,
            "dagster/asset_partition_range_start": stretch[0],
            "dagster/asset_partition_range_end": stretch[-1],
        }
        self.job(f"{self.sweep.study}_{layer}").execute_in_process(
            instance=self.instance, tags=tags, run_config=QUIET, raise_on_error=False
        )
        self.launch.reread_code()

    def _due_keys(self, part: Sweep, layer: LayerName) -> list[str]:
        """Return the partition keys of a layer with something to do, and all that it takes in the store."""
        verdict = self.launch.planner.verdict

        def due(key: str) -> bool:
            verdicts = map(verdict, self.study.partitions(layer)[key])
            return any(one.due and not any(verdict(up).due for up in one.item.inputs) for one in verdicts)

        return [item.key for item in part.items()[LAYERS[layer].partitioned_by] if due(item.key)]

    def _fresh_keys(self, items: Callable[[Row], Iterable[Item]]) -> set[str]:
        """Return the keys of the rows of which some items are all up to date.

        A partition holds the evaluations of other sweeps as well; only those of this one count.
        """
        return {row.configuration.key for row in self.sweep.rows if is_fresh(self.launch, items(row))}

    def _summary(self, models: set[str], evaluations: set[str], seconds: float, busy: float) -> Summary:
        """Count what became of every row, given the keys that were up to date before."""
        failed: dict[str, str] = {}
        rows = sweep_so_far(self.sweep, self.launch.store).rows
        for row in rows:
            verdicts = map(self.launch.planner.verdict, (row.configuration.item, *row.evaluations))
            if verdict := next((one for one in verdicts if one.state != "fresh"), None):
                failed[row.configuration.key] = verdict.reason
        done = {row.configuration.key for row in rows} - set(failed)
        return Summary(
            self.sweep.name,
            trained=len(done - models),
            evaluated=len(done - evaluations),
            cached=len(done & models & evaluations),
            failed=failed,
            seconds=seconds,
            busy=busy,
        )


def is_fresh(launch: Launch, items: Iterable[Item]) -> bool:
    """Tell whether all artifacts of a partition are up to date."""
    return all(launch.planner.verdict(item).state == "fresh" for item in items)


def contiguous(keys: Iterable[str], ordered: Sequence[str]) -> Iterator[list[str]]:
    """Split keys into stretches that are contiguous in the order of the partition set.

    >>> list(contiguous(["a", "b", "d"], ["a", "b", "c", "d"]))
    [['a', 'b'], ['d']]
    """
    members = set(keys)
    stretch: list[str] = []
    for key in ordered:
        if key in members:
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


def adopt(sweep: Sweep, study: StudyCatalogue, instance: dg.DagsterInstance, launch: Launch) -> int:
    """Report to Dagster the partitions that are up to date only in the store; return their number."""
    reported = 0
    for layer in LAYER_NAMES:
        key = asset_key(sweep.study, layer)
        materialized, last_event = instance.get_materialized_partitions(key), partition_page.last_event(instance)
        for item in sweep.items()[LAYERS[layer].partitioned_by]:
            items = study.partitions(layer)[item.key]
            # A model without test sets has no evaluations to report.
            if not items or item.key in materialized or not is_fresh(launch, items):
                continue
            try:
                event = partition_page.partition_event(key, item, items, launch.store, pointer=last_event)
            except Damaged:  # the store has recorded the damage: a later step makes the artifact again
                launch.forget(items)
                continue
            instance.report_runless_asset_event(event)
            reported += 1
    return reported
