"""Make one artifact: read its inputs from the store, call the study's stage, write what comes back.

Every end of a stage is a status: an exception becomes a stored row with its traceback, never a lost configuration.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, get_type_hints

from assets.home.checkpoints import Checkpoints
from assets.home.hardware import device_used, peak_memory, usable_cpus
from assets.home.journal import Journal
from assets.home.leases import Lease, read
from assets.identity.canonical import Fingerprint, Item
from assets.stages.exception_status import one_line, status_of
from assets.stages.freshness import STAGES, made_of
from assets.stages.inputs import read_inputs
from assets.stages.joint_training import Answer, Asked, Steps, answered
from assets.stages.key_numbers import last_numbers, numbers_of, rows_of
from assets.stages.loss_spikes import spikes
from assets.stages.pruning import Judge
from assets.stages.tasks import Outcome, Task
from assets.stages.warm_start import Lineage
from assets.stages.watch import Watch
from assets.store import contract_files
from assets.store.store import Draft, Store
from assets.sweeps.file_dataset import FileDataset, is_file, read_file
from trainers import STUDIES
from trainers.study import (
    SETTLED,
    Arrays,
    Failed,
    Job,
    ModelConfigBase,
    Place,
    Progress,
    Repeatable,
    Report,
    Segments,
    Study,
    Trained,
)

WRITERS: dict[str, Callable[[Draft, Any], None]] = {
    "dataset": contract_files.write_trajectories,
    "segments": contract_files.write_segments,
    "model": contract_files.write_trained,
    "evaluation": contract_files.write_evaluation,
}

log = logging.getLogger("orrery.training")

WAIT_SECONDS = 0.5
"""Time between two looks at a lease that another process holds."""


def run(item: Item, fingerprint: Fingerprint, store: Store, report: Report = lambda progress: False) -> Outcome:
    """Make one artifact and store it, or store why it could not be made."""
    (outcome,) = run_together([Task(item, fingerprint)], store, report)
    return outcome


def run_together(tasks: Sequence[Task], store: Store, report: Report = lambda progress: False) -> Iterator[Outcome]:
    """Make artifacts, or store why they could not be made; models are handed to their study in one call."""
    waiting: dict[Steps, Asked] = {}
    for task in sorted(tasks, key=lambda task: task.item.hash):  # two processes take leases in the same order
        making = Making(task.item, task.fingerprint, store, report, _lease(task.item))
        making.watch.judge = Judge(task.pruning) if task.pruning else None
        steps = _made(making)
        try:
            waiting[steps] = next(steps)
        except StopIteration as end:
            yield end.value
    yield from answered(waiting)


def _lease(item: Item) -> Lease:
    return Lease(*item.address, told={"key": item.key, "begun": datetime.now(UTC).isoformat()})


def _made(making: Making) -> Generator[Asked, Answer, Outcome]:
    item, started, trace, failed = making.item, time.monotonic(), "", None
    try:
        if elsewhere := _made_elsewhere(making):
            return elsewhere
        failed = yield from making.steps()
    except BaseException as error:  # whatever ends a stage is its outcome
        failed, trace = making.failure(status_of(error), one_line(error)), traceback.format_exc()
    detail = making.store_failure(failed, trace) if failed else ""
    making.give_back()
    seconds = time.monotonic() - started - making.elsewhere
    if failed is None:
        return Outcome(item, "ok", making.place, detail, seconds)
    return Outcome(item, failed.status, failed.place, detail, seconds)


def _made_elsewhere(making: Making) -> Outcome | None:
    """Take the lease, waiting while another process holds it; return an outcome if that leaves nothing to do."""
    started, waited, item, lease = time.monotonic(), False, making.item, making.lease
    assert lease is not None
    while holder := lease.take():
        waited = True
        if making.report(Progress(item.key, 0, 0, 0, {}, dict)):
            detail = f"stopped while waiting for process {holder.holder.pid}, which makes it; run again to go on"
            return Outcome(item, "interrupted", making.place, detail, time.monotonic() - started)
        time.sleep(WAIT_SECONDS)
    if not waited or not making.stored:
        return None
    lease.give_back()
    return Outcome(item, "ok", making.place, "", time.monotonic() - started)


def store_failure(item: Item, fingerprint: Fingerprint, store: Store, failed: Failed, trace: str) -> str:
    """Store a failure on behalf of a worker that no longer can; return its detail."""
    lease = Lease(*item.address)
    if (found := read(lease.path)) and not found.alive:
        lease.remove()
    return Making(item, fingerprint, store).store_failure(failed, trace)


@dataclass
class Making:
    """One artifact while it is made."""

    item: Item
    fingerprint: Fingerprint
    store: Store
    report: Report = lambda progress: False
    lease: Lease | None = None
    timings: dict[str, float] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    """What the manifest says beyond the fields that every artifact has."""
    on_stored: Callable[[], None] = lambda: None
    elsewhere: float = 0.0
    """Seconds of its training that are charged to others."""

    def __post_init__(self) -> None:
        self.checkpoints = Checkpoints(self.item.study, self.item.hash, self.fingerprint.value)
        self.journal = Journal(*self.item.address)
        self.watch = Watch(self.report, self.checkpoints, self.journal, self.lease)

    @property
    def study(self) -> Study:
        """The study of the item."""
        if self.item.study not in STUDIES:
            raise ValueError(f"unknown study {self.item.study!r}; expected one of {', '.join(STUDIES)}")
        return STUDIES[self.item.study]

    def make(self) -> Failed | None:
        """Make and store the artifact; return the failure that the study itself reports, if it does."""
        steps = self.steps()
        try:
            (failed,) = answered({steps: next(steps)})
        except StopIteration as end:
            return end.value
        return failed

    def steps(self) -> Generator[Asked, Answer, Failed | None]:
        """Make and store the artifact, waiting for its training if it is a model."""
        self.journal.begin(self.item.key, self.fingerprint.value)
        with self._timed("inputs"):
            inputs = read_inputs(self.item, self.fingerprint, self.store)
        cpu = time.process_time()
        with self._timed(STAGES[self.item.layer]):
            made = CALLS[self.item.layer](self, *inputs)
            if isinstance(made, Generator):
                made = yield from made
        self.timings["cpu"] = max(0.0, time.process_time() - cpu - self.elsewhere)
        if isinstance(made, Failed):
            return made
        with self._draft() as draft:
            WRITERS[self.item.layer](draft, made)
            draft.manifest |= {"numbers": numbers_of(self.study, made), "rows": rows_of(made)}
            if "spikes" in self.notes:
                draft.manifest["numbers"] |= {"loss_spikes": float(self.notes["spikes"]["count"])}
        self.on_stored()
        self.checkpoints.clear()
        self.journal.remove()
        return None

    def give_back(self) -> None:
        """Let others make it."""
        if self.lease is not None:
            self.lease.give_back()

    @property
    def stored(self) -> bool:
        """Whether a good artifact of this fingerprint is there."""
        present = self.store.manifest(*self.item.address)
        return bool(present and present["status"] == "ok" and present["fingerprint"] == self.fingerprint.value)

    @property
    def place(self) -> Place:
        """The place that was reached last."""
        return Place(STAGES[self.item.layer], self.watch.phase, self.watch.step)

    def failure(self, status: Repeatable, detail: str, partial: Trained | None = None) -> Failed:
        """Describe a failure at the place that was reached last."""
        return Failed(self.item.key, status, self.place, detail, partial)

    def store_failure(self, failed: Failed, trace: str = "") -> str:
        """Write a failure as the artifact, unless a good one of the same fingerprint is there; return its detail."""
        described = {"status": failed.status, **asdict(failed.place), "detail": failed.detail}
        self.journal.write("end", **described, traceback=trace)
        if self.stored:
            return failed.detail
        try:
            with self._draft() as draft:
                contract_files.write_failed(draft, failed, trace)
                draft.manifest["numbers"] = last_numbers(failed, self.watch.last_losses)
        except OSError as error:
            return f"{failed.detail}; this row could not be stored ({error})"
        if failed.status in SETTLED:
            self.checkpoints.clear()
        return failed.detail

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self.timings[name] = time.monotonic() - started - self.elsewhere

    @contextmanager
    def _draft(self) -> Iterator[Draft]:
        """Open a draft whose manifest says what the artifact is and what it was made of."""
        with self.store.writing(*self.item.address) as draft:
            draft.manifest |= made_of(self.item, self.fingerprint) | {"cohort": self.item.cohort}
            draft.manifest |= {"timings": self.timings, "device": device_used(), "peak_memory": peak_memory()}
            draft.manifest |= {"cpus": len(usable_cpus())}
            draft.manifest |= self.notes
            yield draft


def _simulate(making: Making) -> Any:
    if is_file(making.item.config):
        return read_file(FileDataset.model_validate(making.item.config))
    config = making.study.dataset.model_validate(making.item.config)
    making.notes["seed"] = getattr(config, "seed", None)
    return making.study.simulate(config)


def _segment(making: Making, trajectories: Any) -> Segments:
    projection = get_type_hints(making.study.model.segmentation)["return"]
    segments = making.study.segment(projection.model_validate(making.item.config), trajectories)
    making.notes["counts"] = [dict(row) for row in segments.counts]
    return segments


def _train(making: Making, segments: Segments) -> Generator[Asked, Answer, Trained | Failed]:
    config = _model_config(making, making.item)
    if not segments.usable:
        return _without_segments(making, segments)
    lineage = Lineage(making.item, making.fingerprint, making.store, config, segments)
    making.watch.on_phase_end = lineage.keep
    job = Job(making.item.key, config, segments, _start(making, lineage))
    trained, making.elsewhere = yield Asked(making.study, job, making.watch)
    if isinstance(trained, Failed):
        return trained
    making.notes["total_steps"] = making.watch.total_steps
    if trained.stopped:
        return _stopped(making, trained)
    making.timings |= {name: float(seconds) for name, seconds in trained.timings.items() if name != "train"}
    making.notes["counts"] = {name: int(count) for name, count in trained.counts.items()}
    making.notes["data"] = lineage.data(len(segments.phases))
    making.notes["spikes"] = spikes(trained.history)
    making.on_stored = lineage.mark
    return trained


def _stopped(making: Making, trained: Trained) -> Failed:
    """Say at whose wish a training stopped; either way its checkpoint stays."""
    step, total = making.watch.step, making.watch.total_steps
    if making.watch.pruned:
        return making.failure("pruned", f"pruned at step {step} of {total}; a sweep goes on from there", trained)
    return making.failure("interrupted", f"stopped at step {step}; run again to go on", trained)


def _start(making: Making, lineage: Lineage) -> Arrays | None:
    """Return the state to go on from: that of a training that was broken off, or a stored end on its way."""
    found = making.checkpoints.newest()
    if found.state is not None or found.refused:
        making.notes["resumed"] = {"step": found.step, "refused": list(found.refused)}
        making.journal.write("resumed", **making.notes["resumed"])
    if found.refused:
        how = "none is left, it starts over" if found.state is None else f"it goes on from step {found.step}"
        log.warning("%s: checkpoint refused: %s; %s", making.item.key, "; ".join(found.refused), how)
    if found.state is not None:
        if found.judged and making.watch.judge:
            making.watch.judge.remember(found.judged)
        return found.state
    station = lineage.farthest()
    if station is None:
        return None
    making.notes["continued"] = {"layer": station.layer, "hash": station.hash, "key": station.key}
    making.journal.write("continued", **making.notes["continued"])
    return station.state


def _evaluate(making: Making, trained: Trained, test: Any) -> Any:
    config = _model_config(making, making.item.model)
    return making.study.evaluate(config, trained, test)


def _model_config(making: Making, item: Item) -> ModelConfigBase:
    config = making.study.model.model_validate(item.config)
    making.notes["seed"] = config.seed
    return config


def _without_segments(making: Making, segments: Segments) -> Failed:
    phase = next(number for number, row in enumerate(segments.counts) if row["train_segments"] == 0)
    row = ", ".join(f"{name} {value}" for name, value in segments.counts[phase].items())
    detail = f"phase {phase} has no training segment ({row}); shorten segment_length or widen window"
    return Failed(making.item.key, "skipped:zero_segments", Place("segments", phase), detail)


CALLS: dict[str, Callable[..., Any]] = {
    "dataset": _simulate,
    "segments": _segment,
    "model": _train,
    "evaluation": _evaluate,
}
