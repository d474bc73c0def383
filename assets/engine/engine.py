"""The engine: one single-thread worker per CPU, fed one task at a time.

Tasks go in, lines and outcomes come out; nothing else knows where a task ran. A worker's death or silence costs the
task that it had; a fresh worker takes its place. Workers stay alive between two runs, and compiled programs with them.
"""

from __future__ import annotations

import atexit
import queue
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

from assets.engine.task_loop import EngineError, TaskLoop
from assets.engine.worker_process import WorkerProcess
from assets.home.hardware import choose_cpus, choose_device
from assets.stages.tasks import Outcome, Task
from assets.store.store import Store

__all__ = ["Engine", "EngineError", "Outcome", "Task", "shared_engine"]

SILENCE_SECONDS = 1800.0
"""How long a worker may neither say anything nor compute."""

GRACE_SECONDS = 10.0
"""How long a worker may take to checkpoint and leave."""


class Engine:
    """Workers on this machine."""

    def __init__(
        self,
        cpus: int | None = None,
        store: Store | None = None,
        *,
        device: str | None = None,
        silence: float = SILENCE_SECONDS,
        grace: float = GRACE_SECONDS,
    ) -> None:
        """Prepare an engine; workers start when there is work.

        Raises:
            ValueError: more CPUs than may be used, or an unknown device.
        """
        self.cpus = choose_cpus(cpus)
        self.store = store or Store()
        self.device = choose_device(device)
        self.silence = silence
        self.grace = grace
        self.train_until: float | None = None
        """After this time (monotonic seconds) no training begins; all other tasks are short and still do."""
        self.inbox: queue.SimpleQueue[tuple[WorkerProcess, dict[str, Any] | None]] = queue.SimpleQueue()
        self.workers: list[WorkerProcess] = []
        self.interrupted = False
        """Whether somebody asked to stop; a new launch clears it."""
        self._started = 0
        self._spent = 0.0
        self._run: TaskLoop | None = None

    def run(
        self,
        tasks: Sequence[Task],
        on_line: Callable[[dict], None] | None = None,
        deadline: float | None = None,
    ) -> Generator[Outcome]:
        """Make the artifacts of all tasks; yield each outcome as it comes.

        `on_line` receives every line of every worker. After `deadline` (monotonic seconds) nothing new begins, and
        tasks that have not begun yield no outcome. An interrupt stops the running trainings; it is raised again after
        their outcomes.

        Raises:
            EngineError: workers do not start, or the engine is running already.
        """
        if self._run is not None:
            raise EngineError("this engine is running already; give each thread its own")
        self._run = TaskLoop(self, on_line or (lambda line: None), deadline)
        for task in tasks:
            self._run.add(task)
        try:
            yield from self._run.outcomes()
        finally:
            self._run.abandon()
            self._run = None

    def add(self, task: Task) -> None:
        """Queue one more task in the present run; call it between two outcomes.

        Raises:
            EngineError: nothing runs.
        """
        if self._run is None:
            raise EngineError("this engine does not run; give the task to its next run")
        self._run.add(task)

    def interrupt(self) -> None:
        """Ask the running tasks to stop, keep their best and checkpoint; begin nothing new."""
        self.interrupted = True
        if self._run is not None:
            self._run.interrupt()

    def abandon(self) -> None:
        """Ask the running tasks to stop, since nobody waits for them any more; another run may follow."""
        if (run := self._run) is not None:
            run.interrupt()

    def start_worker(self) -> WorkerProcess:
        """Start one more worker on a CPU that has none."""
        cpus_in_use = {worker.cpu for worker in self.workers}
        cpu = next(cpu for cpu in self.cpus if cpu not in cpus_in_use)
        self._started += 1
        worker = WorkerProcess(self._started, cpu, self.device, self.store, self.inbox)
        self.workers.append(worker)
        return worker

    def retire(self, worker: WorkerProcess) -> None:
        """End one worker; its place is free."""
        self.workers.remove(worker)
        self._spent += worker.cpu_seconds
        worker.end(self.grace)

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all workers that did not die, since the engine began [s]."""
        return self._spent + sum(worker.cpu_seconds for worker in self.workers)

    def kill(self) -> None:
        """End all workers at once."""
        for worker in list(self.workers):
            worker.kill()

    def close(self) -> None:
        """End all workers: their input first, then a request, then a kill."""
        limit = time.monotonic() + self.grace
        for worker in self.workers:
            worker.ask_to_stop()
        while self.workers:
            self.workers.pop().end(max(0.0, limit - time.monotonic()))

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


_shared: dict[str, Engine] = {}


def shared_engine(cpus: int | None = None) -> Engine:
    """Return the engine of this process; asking for another number of CPUs replaces it."""
    present = _shared.get("engine")
    if present is None:
        atexit.register(lambda: _shared["engine"].close())
    if present is None or (cpus is not None and cpus != len(present.cpus)):
        if present is not None:
            present.close()
        _shared["engine"] = Engine(cpus)
    return _shared["engine"]
