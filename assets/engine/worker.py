"""A worker process: `python -m assets.engine.worker [store]`.

It reads tasks line by line, makes them, and reports what it does.

In: one JSON object per line, `{"tasks": [...]}`, made in one go; the end of the input ends the worker. Out: one JSON
object per line, `{"event": "ready" | "start" | "progress" | "error" | "done" | "outdated", ...}`; the last one hands
the tasks back, since the code was edited. Anything that a library prints goes to standard error, and from there to the
worker's log. SIGTERM asks a training to stop, keep its best and checkpoint; whatever else runs is broken off; a second
one breaks off a training, too.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from assets.identity.canonical import Item
    from assets.stages.tasks import Outcome, Task
    from trainers.study import Progress

CPU = "ORRERY_WORKER_CPU"
PARENT = "ORRERY_WORKER_PARENT"

QUIET_SECONDS = 0.25
"""Least time between two lines of progress."""

GRACE_SECONDS = 10.0
"""Time to checkpoint and leave after the parent has gone."""


def main() -> None:
    """Work until the input ends or a signal comes."""
    out = _claim_output()
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    _pin()
    stop = Stop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    threading.Thread(target=_outlive_no_parent, daemon=True).start()
    with suppress(KeyboardInterrupt):
        Worker(out, stop).serve(sys.stdin)
    sys.stderr.flush()
    os._exit(0)  # libraries take seconds to tear down what the system frees at once


class Stop:
    """Remember that a signal asked to stop; break off at once what cannot be stopped by asking."""

    def __init__(self) -> None:
        self.asked = False
        self.patient = False
        """Whether a training runs that will hear of it at its next report."""

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal."""
        at_once = self.asked or not self.patient
        self.asked = True
        if at_once:
            raise KeyboardInterrupt(signal.Signals(number).name)


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
        self._said = 0.0

    def serve(self, lines: TextIO) -> None:
        """Make what each line asks for."""
        from assets.stages.tasks import task_from_json

        self.say("ready", pid=os.getpid())
        for line in lines:
            tasks = [task_from_json(task) for task in json.loads(line)["tasks"]]
            _load(tasks[0].item)
            if self.code.edited:
                self.say("outdated")
                break
            self.work(tasks)
            if self.stop.asked:
                break

    def work(self, tasks: list[Task]) -> None:
        """Announce tasks, make them with the code of this process, and say how each ended."""
        from assets.stages import make
        from assets.stages.layers import LAYERS

        loaded = set(sys.modules)
        for item in (task.item for task in tasks):
            self.say("start", key=item.key, layer=item.layer, study=item.study, hash=item.hash)
        _prepare(tasks[0].item.study)
        self.stop.patient = LAYERS[tasks[0].item.layer].trains
        mine = [replace(task, fingerprint=self.planner.with_code_of(task.item, task.fingerprint)) for task in tasks]
        outcomes = list(make.run_together(mine, self.store, self.report))
        self.stop.patient = False
        edited = self.code.loaded_in_vain(loaded)
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
        manifest = self.store.manifest(*item.address) or {}
        if "traceback.txt" in manifest.get("files", {}):
            self.say("error", key=item.key, traceback=self.store.open(*item.address).text("traceback"))
        where = {"key": item.key, "layer": item.layer, "study": item.study, "hash": item.hash}
        self.say("done", **where, **outcome.to_json(), numbers=manifest.get("numbers", {}))

    def report(self, progress: Progress) -> bool:
        """Pass progress on, not too often; answer whether to stop."""
        if progress.phase_end or time.monotonic() - self._said >= QUIET_SECONDS:
            self._said = time.monotonic()
            place = {"phase": progress.phase, "step": progress.step, "total_steps": progress.total_steps}
            losses = {name: float(loss) for name, loss in progress.losses.items()}
            self.say("progress", key=progress.key, losses=losses, **place)
        return self.stop.asked

    def say(self, event: str, **fields: Any) -> None:
        """Write one line; that nobody reads any more is the watch's concern."""
        with suppress(BrokenPipeError):
            self.out.write(json.dumps({"event": event, **fields}) + "\n")
            self.out.flush()


def _claim_output() -> TextIO:
    """Keep the real standard output for the protocol and send everything else that is printed to standard error."""
    kept = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return os.fdopen(kept, "w", encoding="utf-8")


def _pin() -> None:
    """Stay on the one CPU that the engine chose."""
    cpu = os.environ.get(CPU)
    if cpu and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(cpu)})


def _outlive_no_parent() -> None:
    """Leave, after a checkpoint, when the process that started this one is gone."""
    parent = int(os.environ.get(PARENT, 0)) or os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def _load(item: Item) -> None:
    """Import the stage of an item, so that what an edit changes later does not matter to it."""
    from assets.stages.layers import LAYERS
    from trainers import STUDIES

    with suppress(Exception):  # the stage itself will fail of it, and be a row
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
