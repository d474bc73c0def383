"""A worker process: `python -m assets.engine.worker [store]`.

It reads tasks line by line, makes them, and reports what it does.

In: one JSON object per line, `{"tasks": [...]}`, made in one go. The end of the input ends the worker; a training is
asked to stop first. Out: one JSON object per line, `{"event": ...}`:

    ready        it can be handed tasks
    start        a task begins: key, layer, study, hash, and for display label, seed, test, part, parts
    progress     of a training: phase, step, total_steps, losses
    alive        every few seconds, whatever the stage does: cpu, the CPU time of the process [s]
    error        a traceback, before
    done         the outcome of a task and the numbers of its artifact
    outdated     the code was edited since the worker began: it hands its tasks back and leaves

Anything that a library prints goes to standard error, and from there to the worker's log. SIGTERM asks a training to
stop, keep its best and checkpoint; whatever else runs is broken off; a second one breaks off a training, too.
"""

from __future__ import annotations

import faulthandler
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

if TYPE_CHECKING:
    from assets.identity.canonical import Item
    from assets.stages.tasks import Outcome, Task
    from trainers.study import Progress

CPU = "ORRERY_WORKER_CPU"
PARENT = "ORRERY_WORKER_PARENT"

QUIET_SECONDS = 0.25
"""Least time between two lines of progress."""

HEARTBEAT_SECONDS = 5.0
"""Time between two signs of life."""

GRACE_SECONDS = 10.0
"""Time to checkpoint and leave after the engine has gone."""


def main() -> None:
    """Work until the input ends or a signal comes."""
    out = _claim_output()
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    _pin()
    stop = Stop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    inbox: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read_input, args=(inbox, stop), daemon=True).start()
    threading.Thread(target=_watch_parent, args=(stop,), daemon=True).start()
    with suppress(KeyboardInterrupt):
        Worker(out, stop).serve(iter(inbox.get, None))
    sys.stderr.flush()
    os._exit(0)  # libraries take seconds to tear down what the system frees at once


class Stop:
    """Remember that a signal asked to stop; break off at once what cannot be stopped by asking."""

    def __init__(self) -> None:
        self.requested = False
        self.patient = False
        """Whether a training runs, which learns of it at its next report."""
        self._signalled = False
        self._lock = threading.Lock()

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal."""
        at_once = self._signalled or not self.patient
        self._signalled = self.requested = True
        if at_once:
            raise KeyboardInterrupt(signal.Signals(number).name)

    def outlive_no_parent(self) -> NoReturn:
        """Ask what runs to stop, as the first signal would, and leave when it has had its time."""
        with self._lock:  # two threads may notice at once; a second signal would break off the storing of the outcome
            first, self.requested = not self.requested, True
        if first and not self.patient:
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os._exit(1)


class Worker:
    """One hand-over after another."""

    def __init__(self, out: TextIO, stop: Stop) -> None:
        from assets.engine.source_edits import Code
        from assets.stages.freshness import Planner
        from assets.store.store import Store

        self.out = out
        self.stop = stop
        self.store = Store(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
        self.code = Code()
        self.planner = Planner(self.store)
        self._last_report = 0.0
        self._lock = threading.Lock()

    def serve(self, lines: Iterable[str]) -> None:
        """Make what each line asks for."""
        from assets.stages.tasks import task_from_json

        self.say("ready", pid=os.getpid())
        threading.Thread(target=self._beat, daemon=True).start()
        for line in lines:
            tasks = [task_from_json(task) for task in json.loads(line)["tasks"]]
            _load(tasks[0].item)
            if self.code.edited:
                self.say("outdated")
                break
            self.work(tasks)
            if self.stop.requested:
                break

    def work(self, tasks: list[Task]) -> None:
        """Announce tasks, make them with the code of this process, and say how each ended."""
        from assets.stages import make
        from assets.stages.layers import LAYERS

        loaded = set(sys.modules)
        for item in (task.item for task in tasks):
            self.say("start", **_names(item), **_description(item))
        _prepare(tasks[0].item.study)
        self.stop.patient = LAYERS[tasks[0].item.layer].trains
        mine = [replace(task, fingerprint=self.planner.with_code_of(task.item, task.fingerprint)) for task in tasks]
        outcomes = list(make.run_together(mine, self.store, self.report))
        self.stop.patient = False
        edited = self.code.changed_imports(loaded)
        for outcome in outcomes:
            self.tell(self.disown(outcome, edited) if edited else outcome)

    def disown(self, outcome: Outcome, edited: list[str]) -> Outcome:
        """Take back what was made with modules that changed while they were being imported."""
        self.store.remove(*outcome.item.address)
        detail = f"{', '.join(edited)} changed while it was imported; run again to use what it says now"
        return replace(outcome, status="interrupted", detail=detail)

    def tell(self, outcome: Outcome) -> None:
        """Say how a task ended, with the numbers and the traceback that were stored."""
        item = outcome.item
        manifest = self.store.manifest_or_missing(*item.address)
        if "traceback.txt" in manifest["files"]:
            self.say("error", key=item.key, traceback=self.store.open(*item.address).text("traceback"))
        self.say("done", **_names(item), **outcome.to_json(), numbers=manifest["numbers"])

    def report(self, progress: Progress) -> bool:
        """Pass progress on, not too often; answer whether to stop."""
        if progress.phase_end or time.monotonic() - self._last_report >= QUIET_SECONDS:
            self._last_report = time.monotonic()
            place = {"phase": progress.phase, "step": progress.step, "total_steps": progress.total_steps}
            losses = {name: float(loss) for name, loss in progress.losses.items()}
            self.say("progress", key=progress.key, losses=losses, **place)
        return self.stop.requested

    def say(self, event: str, **fields: Any) -> None:
        """Write one line; where nobody reads any more, the end of the input says so."""
        with self._lock, suppress(BrokenPipeError):
            self.out.write(json.dumps({"event": event, **fields}) + "\n")
            self.out.flush()

    def _beat(self) -> None:
        """Say every few seconds how much CPU time this process has used, whatever its stage does."""
        while True:
            time.sleep(HEARTBEAT_SECONDS)
            self.say("alive", cpu=round(time.process_time(), 3))


def _names(item: Item) -> dict[str, str]:
    return {"key": item.key, "layer": item.layer, "study": item.study, "hash": item.hash}


def _description(item: Item) -> dict[str, Any]:
    """Return what distinguishes a task on a line of progress: label, seed of a model, test set, part."""
    description: dict[str, Any] = {"label": item.label}
    if item.layer in ("model", "evaluation"):
        model = item if item.layer == "model" else item.model
        description["seed"] = model.config.get("seed", 0)
    if item.layer == "evaluation":
        description["test"] = item.config["test"]
    if item.layer == "part":
        description |= {"label": item.config["label"], "part": item.config["part"] + 1, "parts": item.config["parts"]}
    return description


def _claim_output() -> TextIO:
    """Keep the real standard output for the protocol and send everything else that is printed to standard error."""
    protocol = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a log has every line, even after a crash
    return os.fdopen(protocol, "w", encoding="utf-8")


def _pin() -> None:
    """Stay on the one CPU that the engine chose."""
    cpu = os.environ.get(CPU)
    if cpu and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(cpu)})


def _read_input(inbox: queue.SimpleQueue[str | None], stop: Stop) -> None:
    """Pass the lines of standard input on; its end is the sign that the engine is gone, wherever it runs."""
    for line in sys.stdin:
        inbox.put(line)
    inbox.put(None)
    time.sleep(1.0)  # an engine that ends its workers closes their input and sends a signal: then one request is enough
    stop.outlive_no_parent()


def _watch_parent(stop: Stop) -> None:
    """Notice at once that an engine on this machine was killed; behind a launcher only the end of the input tells."""
    parent = int(os.environ.get(PARENT, 0))
    if os.getppid() != parent:
        return
    while os.getppid() == parent:
        time.sleep(0.5)
    stop.outlive_no_parent()


def _load(item: Item) -> None:
    """Import the stage of an item, so that what an edit changes later does not matter to it."""
    from assets.stages.layers import LAYERS
    from trainers import STUDIES

    with suppress(Exception):  # the stage fails by the same error, which then becomes a row
        import_module(f"{STUDIES[item.study].package}.{LAYERS[item.layer].stage}")


def _prepare(study: str) -> None:
    """Make torch single-threaded and deterministic before a study that uses it."""
    from trainers import STUDIES

    if study in STUDIES and STUDIES[study].framework == "torch":
        import torch

        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True, warn_only=True)


if __name__ == "__main__":
    main()
