"""What runs: one record per artifact that a process makes, `<home>/running/<study>-<layer>-<hash>.jsonl`.

The maker locks the record and appends to it: `begin` with who it is, `progress` on the way, `end` with its last words.
The lock ends with the process, so a locked record belongs to a living process, on whatever machine, and a reader needs
neither process numbers nor clocks. A good end removes the record, as the store has all of it. After any other end it
stays as the journal of what happened, and a further attempt continues it. `<name>.stop` beside it asks the maker to
stop.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from assets.store import locks
from assets.store.errors import clear_write_errors
from assets.store.manifest import finite
from assets.store.store import home

POINTS = 300
"""Progress is noted at every 300th part of the steps: a loss curve of that many points, however long a training is."""

INTERVAL = 10.0
"""Seconds after which progress is noted in any case; later on a 300th part of the time so far."""

LIMIT = 2**20
"""A record of more bytes is begun afresh at the next attempt."""

NAME = re.compile(r"(?P<study>[a-z][a-z0-9_]*)-(?P<layer>[a-z]+)-(?P<hash>[0-9a-f]{12})\.jsonl")


@dataclass(frozen=True)
class Attempt:
    """The latest attempt at an artifact, as read from its record."""

    study: str
    layer: str
    hash: str
    alive: bool
    """Whether its process holds the record now."""
    over: bool
    """Whether it has an end; neither alive nor over means that its process was killed."""
    key: str = ""
    pid: int = 0
    host: str = ""
    begun: str = ""
    """UTC, ISO 8601."""
    last: str = ""
    """When it last said something, UTC by the clock of its machine."""
    progress: Mapping[str, Any] | None = None
    """phase, step, total_steps and losses of a training."""
    curve: tuple[tuple[int, dict[str, float]], ...] = ()
    """Step and losses."""

    @property
    def record(self) -> RunningRecord:
        """Its record."""
        return RunningRecord(self.study, self.layer, self.hash)

    @property
    def stopping(self) -> bool:
        """Whether somebody asked it to stop."""
        return os.path.lexists(self.record.stop_path)

    def ask_to_stop(self) -> None:
        """Ask the maker to stop at its next report."""
        self.record.stop_path.touch()


class RunningRecord:
    """The record of one artifact, for the process that makes it."""

    def __init__(self, study: str, layer: str, hash: str) -> None:
        self.path = records() / f"{study}-{layer}-{hash}.jsonl"
        self.stop_path = self.path.with_suffix(".stop")
        self._file: FileIO | None = None
        self._start = self._next_time = self._next_step = 0.0

    def take(self, key: str, fingerprint: str) -> Attempt | None:
        """Lock the record and begin an attempt in it; return the attempt of another process that holds it.

        Raises:
            StoreError: it cannot be written, or the file system has no locks.
        """
        with clear_write_errors(self.path.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            while (file := locks.take(self.path)) is None:
                if attempt := attempt_at(self.path):  # else its holder has just removed it
                    return attempt
        self._file = file
        who = {"key": key, "fingerprint": fingerprint[:12], "pid": os.getpid(), "host": platform.node()}
        self._start = self._next_time = time.monotonic()
        try:
            self.stop_path.unlink(missing_ok=True)
            if os.fstat(self._file.fileno()).st_size > LIMIT:
                self._file.truncate(0)
            with clear_write_errors(self.path.parent, 200):
                self._append("begin", who)
        except BaseException:
            self.release()
            raise
        return None

    def take_over(self) -> bool:
        """Lock the record to add the last words of a process that is dead; return False if a living one holds it."""
        with suppress(OSError):
            self._file = locks.take(self.path)
        return self._file is not None

    def progress(self, phase: int, step: int, total_steps: int, losses: Any, phase_end: bool = False) -> None:
        """Note how far a training is: at the end of a phase, at every 300th part of the steps, and after a while."""
        now = time.monotonic()
        if phase_end or step >= self._next_step or now >= self._next_time:
            self._next_step = step + total_steps / POINTS
            self._next_time = now + max(INTERVAL, (now - self._start) / POINTS)
            self.write("progress", phase=phase, step=step, total_steps=total_steps, losses=losses)

    def write(self, event: str, **fields: Any) -> None:
        """Append a line, if this process holds the record; a failed write does not stop the work."""
        if self._file is not None:
            with suppress(OSError):
                self._append(event, fields)

    def finish(self) -> None:
        """Remove the record and let go of it: the artifact is stored."""
        if self._file is not None:
            with suppress(OSError):
                self.path.unlink()  # before the lock falls, so that nobody locks a file that is about to vanish
            self.release()

    def release(self) -> None:
        """Let go of the record; it stays as a journal."""
        if self._file is not None:
            with suppress(OSError):
                self.stop_path.unlink(missing_ok=True)
            self._file.close()
            self._file = None

    @property
    def asked_to_stop(self) -> bool:
        """Whether somebody asked the maker to stop."""
        return self._file is not None and os.path.lexists(self.stop_path)

    def _append(self, event: str, fields: Mapping[str, Any]) -> None:
        assert self._file is not None
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **finite(fields)}
        size = os.fstat(self._file.fileno()).st_size
        data = ("\n" if size and event == "begin" else "") + json.dumps(line) + "\n"  # after a line that a kill tore
        if self._file.write(data.encode()) < len(data.encode()):
            self._file.truncate(size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def records() -> Path:
    """Return the directory of all records."""
    return home() / "running"


def attempts() -> Iterator[Attempt]:
    """Yield the latest attempt of every record: alive, killed or over."""
    for path in sorted(records().glob("*.jsonl")):
        if attempt := attempt_at(path):
            yield attempt


def running() -> Iterator[Attempt]:
    """Yield the records of everything that runs now in this home, on any machine."""
    for path in sorted(records().glob("*.jsonl")):
        if locks.is_held(path) and (attempt := attempt_at(path)):
            yield attempt


def attempt_at(path: Path) -> Attempt | None:
    """Read the latest attempt from a record; None where there is no record."""
    name = NAME.fullmatch(path.name)
    alive = locks.is_held(path)
    try:
        lines = [line for text in path.read_text(encoding="utf-8").splitlines() if (line := _parse(text))]
    except (OSError, ValueError):
        return None
    if name is None or not (lines or alive):
        return None
    begin = max((number for number, line in enumerate(lines) if line["event"] == "begin"), default=0)
    first, *_ = lines = lines[begin:] or [{"event": "begin"}]
    steps = [line for line in lines if line["event"] == "progress"]
    return Attempt(
        **name.groupdict(),
        alive=alive,
        over=not alive and lines[-1]["event"] == "end",
        key=first.get("key", ""),
        pid=first.get("pid", 0),
        host=first.get("host", ""),
        begun=first.get("time", ""),
        last=lines[-1].get("time", ""),
        progress={name: steps[-1][name] for name in ("phase", "step", "total_steps", "losses")} if steps else None,
        curve=tuple((line["step"], line["losses"]) for line in steps[:: -max(1, len(steps) // POINTS)][::-1]),
    )


def close_killed() -> int:
    """Write the end of attempts whose process was killed before it could; return how many there were."""
    closed = 0
    for attempt in attempts():
        record = attempt.record
        if not (attempt.alive or attempt.over) and record.take_over():
            record.write("end", status="killed", detail=f"process {attempt.pid} on {attempt.host} was killed")
            record.release()
            closed += 1
    for path in records().glob("*.stop"):
        if not locks.is_held(path.with_suffix(".jsonl")):
            path.unlink(missing_ok=True)
    return closed


def remove_record(path: Path) -> None:
    """Remove a record, unless a process holds it."""
    if file := locks.take(path):
        path.unlink(missing_ok=True)
        file.close()


def _parse(text: str) -> dict[str, Any] | None:
    """Parse a line; None for one that is empty, torn, or written only in part so far."""
    with suppress(ValueError):
        line = json.loads(text)
        if isinstance(line, dict) and "event" in line:
            return line
    return None
