"""The loop over trainings and other tasks of a sweep: what waits, what runs where, and how every task ends."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from assets.engine.failures import death, failed_part
from assets.engine.queue import Dispatch, cohort_of
from assets.engine.task_state import State, TaskState
from assets.engine.worker_process import WorkerProcess
from assets.home.oom_counter import oom_counter
from assets.stages.parts import missing_parts
from assets.stages.tasks import Outcome, Task
from assets.store.store import Store

TICK_SECONDS = 0.5

STARTS = 3
"""Workers in a row that may die before they are ready."""


class EngineError(RuntimeError):
    """The engine itself cannot work; one line with the cause and where the log is."""


class Workers(Protocol):
    """What the loop needs of an engine."""

    cpus: list[int]
    store: Store
    silence: float
    grace: float
    inbox: queue.SimpleQueue[tuple[WorkerProcess, dict[str, Any] | None]]
    workers: list[WorkerProcess]
    interrupted: bool

    def start_worker(self) -> WorkerProcess:
        """Start one more worker."""

    def retire(self, worker: WorkerProcess) -> None:
        """End one worker."""


@dataclass
class TaskLoop:
    """One call of `Engine.run`."""

    engine: Workers
    on_line: Callable[[dict], None]
    deadline: float | None
    """After this time (monotonic seconds) nothing new begins."""
    tasks: dict[Task, TaskState] = field(default_factory=dict)
    assignments: dict[WorkerProcess, list[TaskState]] = field(default_factory=dict)
    """The tasks that each worker was handed and has not finished."""
    stop_by: float | None = None
    """When workers that were asked to stop are killed (monotonic seconds)."""
    false_starts: int = 0

    def __post_init__(self) -> None:
        self.waiting = Dispatch(balanced=self.deadline is not None)

    def add(self, task: Task) -> None:
        """Queue a task; of a large dataset, queue the parts first."""
        whole = self.tasks[task] = TaskState(task)
        parts: list[Task] = []
        with suppress(Exception):  # its simulation raises the same error again, where it becomes a row
            parts = missing_parts(task, self.engine.store)
        whole.parts_left = len(parts)
        for part in parts:
            self.tasks[part] = TaskState(part, whole=whole)
        for one in parts or [task]:
            self.waiting.add(one)

    def outcomes(self) -> Iterator[Outcome]:
        """Yield outcomes until nothing is left to do; raise an interrupt after those of the tasks that it stopped."""
        pending: BaseException | None = None
        while True:
            try:
                self._hand_out()
                if not self.assignments:
                    break
                outcomes = self._listen()
            except Exception:
                raise
            except BaseException as interrupt:
                if pending is not None:
                    raise
                pending, outcomes = interrupt, []
                self.engine.interrupted = True
                self.interrupt()
            yield from outcomes
        for one in self._out_of_memory():  # there was no time for a second try
            if one.oom is not None and (outcome := self._final(one, one.oom)):
                yield outcome
        if pending is not None:
            raise pending

    def interrupt(self) -> None:
        """Begin nothing new and ask what runs to stop."""
        if self.stop_by is None:
            self.stop_by = time.monotonic() + self.engine.grace
            for worker in list(self.assignments):
                worker.ask_to_stop()

    def abandon(self) -> None:
        """Stop what still runs when nobody waits for outcomes any more."""
        self.interrupt()
        while self.assignments:
            self._listen()

    def _out_of_memory(self) -> list[TaskState]:
        return [one for one in self.tasks.values() if one.state is State.OOM_ONCE]

    # -- handing out --------------------------------------------------------------------------------------------------

    def _hand_out(self) -> None:
        while (worker := self._free_worker()) is not None:
            batch = self._next_of(worker)
            worker.cohort = cohort_of(batch[0].task)
            self.assignments[worker] = batch
            for one in batch:
                one.hand_over()
            worker.send([one.task for one in batch])

    def _next_of(self, worker: WorkerProcess) -> list[TaskState]:
        """Return the next tasks for a worker: one, and those that train together with it."""
        if not self.waiting:
            return self._out_of_memory()[:1]
        task = self.waiting.take(worker.cohort)
        batch = [task] if self.tasks[task].forgiven else self.waiting.company(task)
        return [self.tasks[task] for task in batch]

    def _free_worker(self) -> WorkerProcess | None:
        """Return a worker for the next task, the one that has compiled for it if possible; None if none may begin."""
        if self.stop_by is not None or (self.deadline is not None and time.monotonic() >= self.deadline):
            return None
        if not self.waiting:
            return self._lone_worker()
        idle = [worker for worker in self.engine.workers if worker not in self.assignments]
        if idle:
            return max(idle, key=lambda worker: self.waiting.holds(worker.cohort))
        return self.engine.start_worker() if len(self.engine.workers) < len(self.engine.cpus) else None

    def _lone_worker(self) -> WorkerProcess | None:
        """Return a fresh worker, all others gone, for a task that ran out of memory in company."""
        if self.assignments or not self._out_of_memory():
            return None
        for worker in list(self.engine.workers):
            self.engine.retire(worker)
        return self.engine.start_worker()

    # -- listening ----------------------------------------------------------------------------------------------------

    def _listen(self) -> list[Outcome]:
        """Take one line; return the outcomes that it brings."""
        try:
            worker, line = self.engine.inbox.get(timeout=TICK_SECONDS)
        except queue.Empty:
            worker, line = None, None
        self._kill_overdue()
        if worker is None or worker not in self.engine.workers:
            return []
        if line is None:
            return self._bury(worker)
        if line["event"] == "alive":
            worker.pulse.beat(line["cpu"])
            return []
        worker.pulse.hear()
        self.on_line({**line, "worker": worker.number})
        return [outcome for outcome in [self._take_line(worker, line)] if outcome is not None]

    def _take_line(self, worker: WorkerProcess, line: dict[str, Any]) -> Outcome | None:
        event = line["event"]
        if event == "ready":
            worker.ready, self.false_starts = True, 0
        if event == "outdated":
            self._replace(worker)
        one = next((one for one in self.assignments.get(worker, ()) if one.task.item.key == line.get("key")), None)
        if one is None:
            return None
        if event == "start":
            one.move(State.ANNOUNCED)
            one.memory = oom_counter(worker.pid)
        if event == "progress":
            one.phase, one.step = line["phase"], line["step"]
        return self._end(worker, one, line) if event == "done" else None

    def _replace(self, worker: WorkerProcess) -> None:
        """Retire a worker whose code was edited since it began; its tasks wait for one that starts anew."""
        for one in reversed(self.assignments.pop(worker)):
            one.move(State.WAITING)
            self.waiting.put_back(one.task)
        self.engine.retire(worker)

    def _end(self, worker: WorkerProcess, one: TaskState, line: dict[str, Any]) -> Outcome | None:
        self.assignments[worker].remove(one)
        if not self.assignments[worker]:
            del self.assignments[worker]
            if line["status"] == "oom":  # it may still hold memory
                self.engine.retire(worker)
        return self._settle(one, Outcome.from_json(one.task.item, line), State.DONE)

    def _settle(self, one: TaskState, outcome: Outcome, state: State) -> Outcome | None:
        """Let a task that ran out of memory wait for its second try; every other outcome is final."""
        if outcome.status != "oom" or one.oom is not None or self.stop_by is not None:
            one.move(state)
            return self._final(one, outcome)
        one.move(State.OOM_ONCE)
        one.oom = outcome
        return None

    def _final(self, one: TaskState, outcome: Outcome) -> Outcome | None:
        """Return the outcome of a task; that of a part only where it fails, as the failure of its dataset."""
        whole = one.whole
        if whole is None:
            return outcome
        if whole.state is not State.WAITING:  # another part has failed before
            return None
        whole.parts_left -= 1
        if outcome.status != "ok":
            whole.move(State.LOST)
            self.waiting.remove([part.task for part in self.tasks.values() if part.whole is whole])
            return failed_part(whole.task, one.task, outcome, self.engine.store)
        if not whole.parts_left:
            self.waiting.put_back(whole.task)
        return None

    # -- deaths -------------------------------------------------------------------------------------------------------

    def _bury(self, worker: WorkerProcess) -> list[Outcome]:
        """Account for a worker that is gone."""
        cause = worker.cause_of_death()
        self.engine.workers.remove(worker)
        batch = self.assignments.pop(worker, [])
        if not worker.ready and self.stop_by is None:
            self._count_false_start(worker, cause)
        unforgiven = [one for one in batch if not self._forgive(one, worker, alone=len(batch) == 1)]
        outcomes = [self._settle(one, self._record_death(worker, one, cause), State.LOST) for one in unforgiven]
        return [outcome for outcome in outcomes if outcome is not None]

    def _record_death(self, worker: WorkerProcess, one: TaskState, cause: str) -> Outcome:
        """Store the failure of a task whose worker died, and report the death."""
        item, stopping = one.task.item, self.stop_by is not None
        outcome = death(worker, one, cause, stopping, self.engine.store)
        self.on_line({"event": "death", "key": item.key, "layer": item.layer, "worker": worker.number, "cause": cause})
        return outcome

    def _forgive(self, one: TaskState, worker: WorkerProcess, alone: bool) -> bool:
        """Queue a task again that did not, or may not, have killed its worker; after a stop it is left unmade."""
        innocent = one.state is State.HANDED
        if self.stop_by is not None:
            return innocent
        if (not innocent and alone) or (worker.ready and one.forgiven):
            return False
        one.forgiven = one.forgiven or worker.ready
        one.move(State.WAITING)
        self.waiting.put_back(one.task)
        return True

    def _count_false_start(self, worker: WorkerProcess, cause: str) -> None:
        self.false_starts += 1
        if self.false_starts >= STARTS:
            words = worker.last_words().strip().splitlines() or ["it said nothing"]
            raise EngineError(f"workers do not start ({cause}): {words[-1]}; see {worker.log}")

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for worker in list(self.assignments):
            if self.stop_by is not None and now >= self.stop_by:
                worker.kill()
            elif not worker.silent and worker.pulse.silence > self.engine.silence:
                # A stage that keeps its thread in C says nothing at all; what it computes shows from outside.
                worker.pulse.beat(worker.cpu_seconds)
                if (silence := worker.pulse.silence) > self.engine.silence:
                    worker.silent = silence
                    worker.kill()
