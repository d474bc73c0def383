"""Launches: which sweep is being run, by which process, since when: `<home>/launches/<begin>-<pid>.json`.

A record goes when its launch ends; one whose process is dead was left by a kill, and the next launch clears it away.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from assets.store.atomic import alone_in
from assets.store.process_identity import Owner, owner, owner_of
from assets.store.store import home

LOG = "ORRERY_LAUNCH_LOG"
"""Set for a detached launch: where its output goes."""

NAME = re.compile(r"(?P<id>\d{8}T\d{6}-\d+)\.json")


class Busy(RuntimeError):  # noqa: N818
    """The sweep is being run already; one line with the process and what to do."""


@dataclass(frozen=True)
class Launch:
    """A launch as it is found."""

    id: str
    sweep: str
    holder: Owner
    begun: str
    """UTC, ISO 8601."""
    log: str

    @property
    def alive(self) -> bool:
        """Whether its process runs; on another machine it is taken to."""
        return self.holder.alive is not False


@contextmanager
def launch(sweep: str) -> Iterator[Launch]:
    """Be the one launch of a sweep until the end of the block.

    Raises:
        Busy: another process runs this sweep.
    """
    directory = launches()
    directory.mkdir(parents=True, exist_ok=True)
    with alone_in(directory):
        for draft in directory.glob(".*.json"):  # whoever wrote it held the lock, and was killed
            draft.unlink()
        for other in found():
            if other.sweep == sweep and other.alive:
                raise Busy(_busy(other))
        begun = datetime.now(UTC)
        own = Launch(f"{begun:%Y%m%dT%H%M%S}-{os.getpid()}", sweep, owner(), begun.isoformat(), os.environ.get(LOG, ""))
        _write(own)
    try:
        yield own
    finally:
        forget(own)


def launches() -> Path:
    """Return the directory of all records."""
    return home() / "launches"


def found() -> Iterator[Launch]:
    """Yield every record, the oldest first."""
    for path in sorted(launches().glob("*.json")):
        if record := _read(path):
            yield record


def forget(record: Launch) -> None:
    """Remove a record."""
    (launches() / f"{record.id}.json").unlink(missing_ok=True)


def _busy(other: Launch) -> str:
    where = f"process {other.holder.pid} on {other.holder.host}"
    return (
        f"busy: {other.sweep} is being run by {where} since {other.begun[:19]} UTC; "
        f"`orrery status` shows it, `orrery stop {other.sweep}` ends it"
    )


def _write(record: Launch) -> None:
    path = launches() / f"{record.id}.json"
    draft = path.with_name(f".{path.name}")
    value = {"sweep": record.sweep, "holder": record.holder.json(), "begun": record.begun, "log": record.log}
    try:
        draft.write_text(json.dumps(value), encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _read(path: Path) -> Launch | None:
    name = NAME.fullmatch(path.name)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        told = (value["sweep"], owner_of(value["holder"]), value["begun"], value["log"])
        return Launch(name["id"], *told) if name else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
