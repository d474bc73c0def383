"""Launches: which sweep is being run, by which process, since when: `<home>/launches/<begin>-<process number>.json`.

A launch holds the lock of its record until it ends, and then removes it. A record that nobody holds was left by a
kill; the next launch closes it.
"""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from assets.store import locks
from assets.store.atomic import append_durably
from assets.store.errors import clear_write_errors
from assets.store.store import home

LOG = "ORRERY_LAUNCH_LOG"
"""Set for a detached launch: where its output goes."""

NAME = re.compile(r"(?P<id>\d{8}T\d{6,12}-\d+)\.json")

_own: set[str] = set()
"""Sweeps that this process has launched and not yet ended."""


class Busy(RuntimeError):  # noqa: N818
    """The sweep is being run already; one line with the process and what to do."""


@dataclass(frozen=True)
class LaunchRecord:
    """A launch, as read from its record."""

    id: str
    sweep: str
    pid: int
    host: str
    begun: str
    """UTC, ISO 8601."""
    log: str

    @property
    def path(self) -> Path:
        """Where the record lies."""
        return records() / f"{self.id}.json"

    @property
    def alive(self) -> bool:
        """Whether the launch still runs, on any machine."""
        return locks.is_held(self.path)

    @property
    def here(self) -> bool:
        """Whether it runs on this machine."""
        return self.host == platform.node()


@contextmanager
def launch(sweep: str) -> Iterator[LaunchRecord]:
    """Be the one launch of a sweep until the end of the block.

    Raises:
        Busy: another process runs this sweep.
        StoreError: the home cannot be written, or its file system has no locks.
    """
    with clear_write_errors(records()):
        records().mkdir(parents=True, exist_ok=True)
    with locks.alone_in(records()):
        for other in launches():
            if other.sweep == sweep and other.alive:
                raise Busy(
                    f"busy: {other.sweep} is being run by process {other.pid} on {other.host} since {other.begun[:19]} "
                    f"UTC; `orrery status` shows it, `orrery stop {other.sweep}` ends it"
                )
        start = datetime.now(UTC)
        name = f"{start:%Y%m%dT%H%M%S%f}-{os.getpid()}"
        own = LaunchRecord(name, sweep, os.getpid(), platform.node(), start.isoformat(), os.environ.get(LOG, ""))
        fields = {name: getattr(own, name) for name in ("sweep", "pid", "host", "begun", "log")}
        with clear_write_errors(records()):
            file = locks.take(own.path)
            assert file is not None, f"{own.path} is new, so nobody else can have locked it"
            try:
                append_durably(file, json.dumps(fields).encode())
            except OSError:
                own.path.unlink()
                raise
    _own.add(sweep)
    try:
        yield own
    finally:
        _own.discard(sweep)
        own.path.unlink(missing_ok=True)
        file.close()


def launched_here(sweep: str) -> bool:
    """Return whether this process is the one launch of a sweep."""
    return sweep in _own


def records() -> Path:
    """Return the directory of all records."""
    return home() / "launches"


def launches() -> Iterator[LaunchRecord]:
    """Yield every launch that runs or was killed, the oldest first."""
    for path in sorted(records().glob("*.json")):
        name = NAME.fullmatch(path.name)
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            if name:
                yield LaunchRecord(name["id"], **fields)
        except (OSError, ValueError, TypeError):  # just removed, not written yet, or not a launch record
            continue


def forget(record: LaunchRecord) -> None:
    """Remove the record of a launch that was killed."""
    with locks.alone_in(records()):
        if not record.alive:
            record.path.unlink(missing_ok=True)
