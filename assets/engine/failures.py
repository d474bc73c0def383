"""Failures that no worker can store: tasks whose worker died, and datasets of which a part failed."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Literal

from assets.engine.task_state import TaskState
from assets.engine.worker_process import WorkerProcess
from assets.stages.layers import LAYERS
from assets.stages.make import store_failure
from assets.stages.tasks import Outcome, Task
from assets.store.store import Damaged, Missing, Store
from trainers.study import Failed, Place


def death(worker: WorkerProcess, one: TaskState, cause: str, stopping: bool, store: Store) -> Outcome:
    """Store the failure of a task whose worker died; `stopping` where it was asked to stop."""
    item, status = one.task.item, _status(worker, one, cause, stopping)
    failed = Failed(
        item.key, status, Place(LAYERS[item.layer].stage, one.phase, one.step), _detail(status, worker, one, cause)
    )
    detail = store_failure(item, one.task.fingerprint, store, failed, worker.last_words())
    return Outcome(item, status, failed.place, detail, time.monotonic() - one.started)


def _status(
    worker: WorkerProcess, one: TaskState, cause: str, stopping: bool
) -> Literal["interrupted", "oom", "killed"]:
    if stopping:
        return "interrupted"
    starved = one.memory is not None and one.memory.rose
    if cause == "SIGKILL" and not worker.silent and starved:
        return "oom"
    return "killed"


def _detail(status: str, worker: WorkerProcess, one: TaskState, cause: str) -> str:
    if worker.silent:
        return f"no sign of life for {worker.silent:.0f} s; the worker was killed, its stack is in traceback.txt"
    if status == "oom" and one.memory is not None:
        return one.memory.claim
    if status == "interrupted":
        return f"stopped at step {one.step}; run again to resume"
    return f"the worker died of {cause}"


def failed_part(whole: Task, part: Task, outcome: Outcome, store: Store) -> Outcome:
    """Store the failure of a part of a dataset as that of the dataset, and remove what is stored of the part."""
    assert outcome.status != "ok"
    number, count = part.item.config["part"], part.item.config["parts"]
    detail, trace = f"part {number + 1} of {count}: {outcome.detail}", ""
    with suppress(Damaged, Missing):
        trace = store.open(*part.item.address).text("traceback")
    store.remove(*part.item.address)
    failed = Failed(whole.item.key, outcome.status, outcome.place, detail)
    detail = store_failure(whole.item, whole.fingerprint, store, failed, trace)
    return Outcome(whole.item, outcome.status, outcome.place, detail, outcome.seconds)
