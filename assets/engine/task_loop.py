"""One run of an engine: what waits, what runs where, and what becomes of every task."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from assets.engine.queue import Cohort, Dispatch, cohort_of
from assets.engine.worker_process import WorkerProcess
from assets.home.oom_counter import OomCounter, oom_counter
from assets.stages.tasks import Outcome, Task

if TYPE_CHECKING:
    from assets.engine.engine import Engine

TICK_SECONDS = 0.5
STARTS = 3
"""Workers in a row that may die before they are ready."""


class EngineError(RuntimeError):
    """The engine itself cannot work; one line with the cause and where the log is."""


@dataclass
class Running:
    """A task in the hands of a worker."""

    task: Task
    started: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    announced: bool = False
    phase: int = 0
    step: int = 0
    silent: float = 0.0
    """Seconds of silence for which the worker was killed."""
    memory: OomCounter | None = None
    """Kills for want of memory, counted since it was announced."""

    @property
    def starved(self) -> bool:
        """Whether the kernel has killed for want of memory since."""
        return self.memory is not None and self.memory.rose


class EngineRun:
    """The state of one call of `Engine.run`."""

    def __init__(
        self, engine: Engine, tasks: Sequence[Task], on_line: Callable[[dict], None], deadline: float | None
    ) -> None:
        self.engine = engine
        self.on_line = on_line
        self.deadline = deadline
        self.waiting = Dispatch(tasks, balanced=deadline is not None)
        self.again: dict[Task, Outcome] = {}
        """Tasks that ran out of memory, to be tried once more alone."""
        self.retried: set[Task] = set()
        self.dropped: set[Task] = set()
        """Tasks whose worker died before it began with them, which is forgiven once."""
        self.busy: dict[WorkerProcess, list[Running]] = {}
        """What each worker has not done yet of what it was handed."""
        self.last: dict[WorkerProcess, Cohort] = {}
        self.stop_by: float | None = None
        """When what has been asked to stop is killed."""
        self.false_starts = 0

    def outcomes(self) -> Iterator[Outcome]:
        """Yield outcomes until nothing is left to do; raise an interrupt after the outcomes that it brings about."""
        pending: BaseException | None = None
        while True:
            try:
                self._hand_out()
                if not self.busy:
                    break
                outcomes = self._listen()
            except Exception:
                raise
            except BaseException as interrupt:
                if pending is not None:
                    raise
                pending, outcomes = interrupt, []
                self.engine.interrupt()
            yield from outcomes
        yield from self.again.values()
        if pending is not None:
            raise pending

    def interrupt(self) -> None:
        """Begin nothing new and ask what runs to stop."""
        if self.stop_by is None:
            self.stop_by = time.monotonic() + self.engine.grace
            for worker in list(self.busy):
                worker.ask_to_stop()

    def abandon(self) -> None:
        """Stop what still runs when nobody waits for outcomes any more."""
        self.interrupt()
        while self.busy:
            self._listen()

    def _hand_out(self) -> None:
        while (worker := self._free_worker()) is not None:
            tasks = self._next_of(worker)
            self.last[worker] = cohort_of(tasks[0])
            self.busy[worker] = [Running(task) for task in tasks]
            worker.send(tasks)

    def _next_of(self, worker: WorkerProcess) -> list[Task]:
        """Return what a worker is handed next: a task, and those that train together with it."""
        if not self.waiting:
            return [self._second_try()]
        task = self.waiting.take(self.last.get(worker))
        return [task] if task in self.dropped else self.waiting.company(task)

    def _free_worker(self) -> WorkerProcess | None:
        """Return a worker for the next task, the one that has compiled for it if possible; None if none may begin."""
        if self.stop_by is not None or (self.deadline is not None and time.monotonic() >= self.deadline):
            return None
        if not self.waiting:
            return self._lone_worker()
        idle = [worker for worker in self.engine.workers if worker not in self.busy]
        if idle:
            return max(idle, key=lambda worker: self.waiting.holds(self.last.get(worker)))
        return self.engine.start_worker() if len(self.engine.workers) < len(self.engine.cpus) else None

    def _lone_worker(self) -> WorkerProcess | None:
        """Return a fresh worker, all others gone, for a task that ran out of memory in company."""
        if self.busy or not self.again:
            return None
        for worker in list(self.engine.workers):
            self.engine.retire(worker)
        return self.engine.start_worker()

    def _second_try(self) -> Task:
        task = next(iter(self.again))
        del self.again[task]
        self.retried.add(task)
        return task

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
            return self._buried(worker)
        return [outcome for outcome in [self._heard(worker, line)] if outcome is not None]

    def _heard(self, worker: WorkerProcess, line: dict[str, Any]) -> Outcome | None:
        self.on_line({**line, "worker": worker.number})
        if line["event"] == "ready":
            worker.ready, self.false_starts = True, 0
        for handed in self.busy.get(worker, ()):
            handed.heard = time.monotonic()
        if line["event"] == "outdated":
            self._replace(worker)
        running = next((one for one in self.busy.get(worker, ()) if one.task.item.key == line.get("key")), None)
        if running is None:
            return None
        if line["event"] == "start":
            running.announced, running.memory = True, oom_counter(worker.pid)
        if line["event"] == "progress":
            running.phase, running.step = line["phase"], line["step"]
        return self._done(worker, running, line) if line["event"] == "done" else None

    def _replace(self, worker: WorkerProcess) -> None:
        """Let a worker go whose code was edited since it began; its task waits for one that starts anew."""
        for running in reversed(self.busy.pop(worker)):
            self.waiting.put_back(running.task)
        self.engine.retire(worker)

    def _done(self, worker: WorkerProcess, running: Running, line: dict[str, Any]) -> Outcome | None:
        task = running.task
        self.busy[worker].remove(running)
        if not self.busy[worker]:
            del self.busy[worker]
            if line["status"] == "oom":
                self.engine.retire(worker)
        return self._settle(task, Outcome.from_json(task.item, line))

    def _buried(self, worker: WorkerProcess) -> list[Outcome]:
        """Account for a worker that is gone."""
        cause = worker.cause_of_death()
        self.engine.workers.remove(worker)
        lost = self.busy.pop(worker, [])
        if not worker.ready and self.stop_by is None:
            self._count_false_start(worker, cause)
        told = [running for running in lost if not self._spared(running, worker.ready, alone=len(lost) == 1)]
        settled = [self._settle(running.task, self._record_death(worker, running, cause)) for running in told]
        return [outcome for outcome in settled if outcome is not None]

    def _spared(self, running: Running, ready: bool, alone: bool) -> bool:
        """Return whether a task may begin anew: it had not begun, or others that it trained with may be the cause."""
        may = not running.announced or not (alone or self.stop_by is not None)
        return may and self._forgiven(running.task, ready)

    def _forgiven(self, task: Task, ready: bool) -> bool:
        """Let a task wait again that had not begun; on a stop it has simply not begun."""
        if self.stop_by is not None:
            return True
        if ready and task in self.dropped:
            return False
        if ready:
            self.dropped.add(task)
        self.waiting.put_back(task)
        return True

    def _count_false_start(self, worker: WorkerProcess, cause: str) -> None:
        self.false_starts += 1
        if self.false_starts >= STARTS:
            words = worker.last_words().strip().splitlines() or ["it said nothing"]
            raise EngineError(f"workers do not start ({cause}): {words[-1]}; see {worker.log}")

    def _record_death(self, worker: WorkerProcess, running: Running, cause: str) -> Outcome:
        from assets.stages.layers import LAYERS
        from assets.stages.make import store_failure
        from trainers.study import Failed, Place

        item, status = running.task.item, self._status(running, cause)
        detail = _detail(status, running, cause)
        failed = Failed(item.key, status, Place(LAYERS[item.layer].stage, running.phase, running.step), detail)
        detail = store_failure(item, running.task.fingerprint, self.engine.store, failed, worker.last_words())
        seconds = time.monotonic() - running.started
        self.on_line({"event": "death", "key": item.key, "layer": item.layer, "worker": worker.number, "cause": cause})
        return Outcome(item, status, failed.place, detail, seconds)

    def _status(self, running: Running, cause: str) -> Literal["interrupted", "oom", "killed"]:
        if self.stop_by is not None:
            return "interrupted"
        if cause == "SIGKILL" and not running.silent and running.starved:
            return "oom"
        return "killed"

    def _settle(self, task: Task, outcome: Outcome) -> Outcome | None:
        """Let a task that ran out of memory wait for its second try; every other outcome is final."""
        if outcome.status != "oom" or task in self.retried or self.stop_by is not None:
            return outcome
        self.again[task] = outcome
        return None

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for worker, handed in list(self.busy.items()):
            if self.stop_by is not None and now >= self.stop_by:
                worker.kill()
            elif not handed[0].silent and now - handed[0].heard > self.engine.silence:
                for running in handed:
                    running.silent = now - running.heard
                worker.kill()


def _detail(status: str, running: Running, cause: str) -> str:
    if running.silent:
        return f"no sign of life for {running.silent:.0f} s; the worker was killed, its stack is in traceback.txt"
    if status == "oom" and running.memory is not None:
        return running.memory.claim
    if status == "interrupted":
        return f"stopped at step {running.step}; run again to resume"
    return f"the worker died of {cause}"
