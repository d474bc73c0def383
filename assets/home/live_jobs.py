"""What runs now, for other processes: `<home>/live/<pid>-<start>/<study>.<hash>.jsonl`, one small file per job.

The process that feeds the workers appends a line per step of the loss curve, thinned to a few hundred, and removes the
file when the job ends; its directory goes with it. A directory whose process is gone says nothing and is cleared by the
next reader that finds it. A request to stop goes to the lease of the job, see `assets.home.leases`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.home.leases import Lease
from assets.store.process_identity import started
from assets.store.store import home

POINTS = 300
"""Lines per job, so that a file stays below about 50 kB however long a training is."""

Listener = Callable[[dict], None]


@dataclass(frozen=True)
class LiveJob:
    """A job that runs now, as another process sees it."""

    study: str
    layer: str
    hash: str
    key: str
    step: int
    total_steps: int
    curve: tuple[tuple[int, dict[str, float]], ...]
    """Step and losses."""
    stopping: bool


@contextmanager
def recorded(listener: Listener) -> Iterator[Listener]:
    """Yield a listener that keeps the lines of the workers where others find them, and passes them on."""
    recorder = Recorder(_directory(os.getpid()))

    def record(line: dict) -> None:
        recorder(line)
        listener(line)

    try:
        yield record
    finally:
        recorder.close()


class Recorder:
    """Write the lines of running jobs; a place that cannot be written costs the picture, never the run."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._files: dict[str, Path] = {}
        self._reached: dict[str, float] = {}

    def __call__(self, line: dict) -> None:
        """Take one line of a worker."""
        event, key = line.get("event"), line.get("key", "")
        with suppress(OSError):
            if event == "start":
                self._start(line, key)
            elif event == "progress" and key in self._files:
                self._progress(line, key)
            elif event in ("done", "death") and key in self._files:
                self._end(key)

    def close(self) -> None:
        """Remove what is left."""
        for key in list(self._files):
            self._end(key)
        with suppress(OSError):
            self.directory.rmdir()

    def _start(self, line: dict, key: str) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._files[key] = self.directory / f"{line['study']}.{line['hash']}.jsonl"
        self._reached[key] = 0.0
        self._files[key].write_text(_line({name: line[name] for name in ("study", "layer", "hash", "key")}))

    def _progress(self, line: dict, key: str) -> None:
        if line["step"] < self._reached[key] and line["step"] < line["total_steps"]:
            return
        self._reached[key] = line["step"] + line["total_steps"] / POINTS
        with self._files[key].open("a", encoding="utf-8") as file:
            file.write(_line({name: line[name] for name in ("step", "total_steps", "losses")}))

    def _end(self, key: str) -> None:
        self._files.pop(key).unlink(missing_ok=True)


def running() -> list[LiveJob]:
    """Return every job that runs now in this home, whichever process started it."""
    return [job for place in _places() for path in sorted(place.glob("*.jsonl")) if (job := _read(path))]


def ask_to_stop(study: str, hash: str) -> bool:
    """Ask a running training to stop and keep its best; return whether there is one."""
    found = any((job.study, job.layer, job.hash) == (study, "model", hash) for job in running())
    if found:
        path = Lease(study, "model", hash).stop_path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return found


def _directory(pid: int) -> Path:
    return home() / "live" / f"{pid}-{started(pid)}"


def _places() -> Iterator[Path]:
    """Yield the directories of living processes; clear those of dead ones."""
    for place in sorted((home() / "live").glob("*-*")):
        pid, _, begun = place.name.partition("-")
        if pid.isdigit() and started(int(pid)) == begun != "":
            yield place
        elif pid.isdigit():
            shutil.rmtree(place, ignore_errors=True)


def _read(path: Path) -> LiveJob | None:
    """Read the file of one job; None where it has just ended, or its first line is not whole yet."""
    try:
        whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
        lines = [json.loads(line) for line in whole.splitlines()]
    except (OSError, ValueError):
        return None
    if not lines:
        return None
    first, *steps = lines
    last: dict[str, Any] = steps[-1] if steps else {"step": 0, "total_steps": 0}
    return LiveJob(
        **first,
        step=last["step"],
        total_steps=last["total_steps"],
        curve=tuple((line["step"], line["losses"]) for line in steps),
        stopping=Lease(first["study"], first["layer"], first["hash"]).asked_to_stop,
    )


def _line(value: dict) -> str:
    return json.dumps(value) + "\n"
