"""Leases: who makes an artifact now, and how far it is: `<home>/leases/<study>-<layer>-<hash>.json`.

A worker takes the lease of what it makes, tells its progress in it, and gives it back. Whoever finds one that is held
waits; the lease of a dead process is taken over. Reading one tells the living from the dead, so nothing has to watch.
`<name>.stop` beside it asks the holder to stop.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets.store.atomic import alone_in, said_clearly
from assets.store.process_identity import Owner, owner, owner_of, started
from assets.store.store import home

TELL_SECONDS = 2.0
"""Least time between two notes of progress."""

FORGET_SECONDS = 600.0
"""A lease of another machine counts as dead when it has told nothing for so long."""

NAME = re.compile(r"(?P<study>[a-z][a-z0-9_]*)-(?P<layer>[a-z]+)-(?P<hash>[0-9a-f]{12})\.json")

DRAFT = re.compile(r"\..*\.json-(?P<pid>\d+)")


@dataclass(frozen=True)
class Held:
    """A lease as it is found."""

    study: str
    layer: str
    hash: str
    holder: Owner
    told: Mapping[str, Any]
    """key, begun and, of a training, phase, step, total_steps, losses."""
    age: float
    """Seconds since the holder last told something."""

    @property
    def alive(self) -> bool:
        """Whether the holder still works on it."""
        alive = self.holder.alive
        return self.age < FORGET_SECONDS if alive is None else alive


@dataclass
class Lease:
    """The lease of one artifact."""

    study: str
    layer: str
    hash: str
    told: dict[str, Any] = field(default_factory=dict)
    taken: bool = False
    _last: float = 0.0

    @property
    def path(self) -> Path:
        """Where it lies."""
        return leases() / f"{self.study}-{self.layer}-{self.hash}.json"

    def take(self) -> Held | None:
        """Take it; return who holds it if somebody alive does."""
        with said_clearly(self.path.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with alone_in(self.path.parent):
            present = read(self.path)
            if present and present.alive and present.holder != owner():
                return present
            self.stop_path.unlink(missing_ok=True)
            self._write()
        self.taken = True
        return None

    def tell(self, **told: Any) -> None:
        """Say how far the work is, not too often; to be able to say so is no condition of the work."""
        if self.taken and time.monotonic() - self._last >= TELL_SECONDS:
            self.told |= told
            with suppress(OSError):
                self._write()

    def give_back(self) -> None:
        """Let go of it, if it was taken."""
        if self.taken:
            self.taken = False
            self.remove()

    def remove(self) -> None:
        """Remove it, whoever had it."""
        with suppress(OSError):
            self.stop_path.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)

    @property
    def stop_path(self) -> Path:
        """A file that asks the holder to stop."""
        return self.path.with_suffix(".stop")

    @property
    def asked_to_stop(self) -> bool:
        """Whether somebody asked."""
        return os.path.lexists(self.stop_path)

    def _write(self) -> None:
        self._last = time.monotonic()
        draft = self.path.with_name(f".{self.path.name}-{os.getpid()}")
        text = json.dumps({"holder": owner().json(), "told": self.told})
        try:
            with said_clearly(self.path.parent, len(text)):
                draft.write_text(text, encoding="utf-8")
                draft.replace(self.path)
        finally:
            draft.unlink(missing_ok=True)


def leases() -> Path:
    """Return the directory of all leases."""
    return home() / "leases"


def held() -> Iterator[Held]:
    """Yield every lease that there is, of the living and of the dead."""
    for path in sorted(leases().glob("*.json")):
        if found := read(path):
            yield found


def read(path: Path) -> Held | None:
    """Read a lease; None if there is none, or nothing that is one."""
    name = NAME.fullmatch(path.name)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        age = max(0.0, time.time() - path.stat().st_mtime)
        return Held(**name.groupdict(), holder=owner_of(value["holder"]), told=value["told"], age=age) if name else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def sweep() -> int:
    """Remove the leases of the dead, and what they had begun to write; return how many leases there were."""
    dead = [found for found in held() if not found.alive]
    for found in dead:
        Lease(found.study, found.layer, found.hash).remove()
    for draft in leases().glob(".*"):
        if (name := DRAFT.fullmatch(draft.name)) and not started(int(name["pid"])):
            draft.unlink(missing_ok=True)
    return len(dead)
