"""Make one artifact: read its inputs from the store, call the study's stage, write the result.

Every stage ends with a status: an exception is stored as a row with its traceback, and no configuration is lost.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Generator, Iterator, Sequence

from assets.identity.canonical import Fingerprint, Item
from assets.stages.exception_status import one_line, status_of
from assets.stages.inputs import read_inputs
from assets.stages.joint_training import Steps, TrainingRequest, TrainingResult, train_jointly
from assets.stages.key_numbers import numbers_of, rows_of
from assets.stages.layers import LAYERS
from assets.stages.making import Making
from assets.stages.pruning import Judge
from assets.stages.tasks import Outcome, Task
from assets.store.store import Store
from trainers.study import Failed, Progress, Report

WAIT_SECONDS = 0.5
"""Time between two attempts to take a lock that another process holds."""


def run(item: Item, fingerprint: Fingerprint, store: Store, report: Report = lambda progress: False) -> Outcome:
    """Make one artifact and store it, or store why it could not be made."""
    (outcome,) = run_together([Task(item, fingerprint)], store, report)
    return outcome


def run_together(tasks: Sequence[Task], store: Store, report: Report = lambda progress: False) -> Iterator[Outcome]:
    """Make artifacts, or store why they could not be made; models are handed to their study in one call."""
    waiting: dict[Steps, TrainingRequest] = {}
    for task in sorted(tasks, key=lambda task: task.item.hash):  # two processes take locks in the same order
        making = Making(task.item, task.fingerprint, LAYERS[task.item.layer].stage, store, report)
        making.watch.judge = Judge(task.pruning) if task.pruning else None
        steps = _outcome_of(making)
        try:
            waiting[steps] = next(steps)
        except StopIteration as end:
            yield end.value
    yield from train_jointly(waiting)


def make(making: Making) -> Failed | None:
    """Make and store an artifact; return the failure that the study itself reports, if it does."""
    steps = make_in_steps(making)
    try:
        (failed,) = train_jointly({steps: next(steps)})
    except StopIteration as end:
        return end.value
    return failed


def make_in_steps(making: Making) -> Generator[TrainingRequest, TrainingResult, Failed | None]:
    """Make and store an artifact, suspending for its training if it is a model."""
    item, layer = making.item, LAYERS[making.item.layer]
    with making.timed("inputs"):
        inputs = read_inputs(item, making.fingerprint, making.store)
    cpu = time.process_time()
    with making.timed(layer.stage):
        artifact = layer.make(making, *inputs)
        if isinstance(artifact, Generator):
            artifact = yield from artifact
    making.timings["cpu"] = max(0.0, time.process_time() - cpu - making.elsewhere)
    if isinstance(artifact, Failed):
        return artifact
    with making.draft() as draft:
        layer.write(draft, artifact)
        numbers = numbers_of(making.ranking_study, artifact)
        if "spikes" in making.notes:
            numbers |= {"loss_spikes": float(making.notes["spikes"]["count"])}
        draft.manifest |= {"numbers": numbers, "rows": rows_of(artifact)}
    making.on_stored()
    making.checkpoints.clear()
    making.record.finish()
    return None


def store_failure(item: Item, fingerprint: Fingerprint, store: Store, failed: Failed, trace: str) -> str:
    """Store a failure on behalf of a worker that no longer can; return its detail."""
    making = Making(item, fingerprint, LAYERS[item.layer].stage, store)
    making.record.take_over()
    detail = making.store_failure(failed, trace)
    making.record.release()
    return detail


def _outcome_of(making: Making) -> Generator[TrainingRequest, TrainingResult, Outcome]:
    """Make an artifact under its lock, whatever happens; return its outcome."""
    item, started, trace, failed = making.item, time.monotonic(), "", None
    try:
        if outcome := _await_lock(making):
            return outcome
        failed = yield from make_in_steps(making)
    except BaseException as error:  # whatever ends a stage is its outcome
        failed, trace = making.failure(status_of(error), one_line(error)), traceback.format_exc()
    detail = making.store_failure(failed, trace) if failed else ""
    making.record.release()
    seconds = time.monotonic() - started - making.elsewhere
    if failed is None:
        return Outcome(item, "ok", making.place, detail, seconds)
    return Outcome(item, failed.status, failed.place, detail, seconds)


def _await_lock(making: Making) -> Outcome | None:
    """Take the lock, waiting while another process holds it; return an outcome if that leaves nothing to do."""
    started, waited, item, record = time.monotonic(), False, making.item, making.record
    while other := record.take(item.key, making.fingerprint.value):
        waited = True
        if making.report(Progress(item.key, 0, 0, 0, {}, dict)):
            where = f"process {other.pid} on {other.host}"
            detail = f"stopped while waiting for {where}, which makes it; run again to resume"
            return Outcome(item, "interrupted", making.place, detail, time.monotonic() - started)
        time.sleep(WAIT_SECONDS)
    if not waited or not making.stored:
        return None
    record.finish()
    return Outcome(item, "ok", making.place, "", time.monotonic() - started)
