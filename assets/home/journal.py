"""The journal of what is being made: `<home>/journals/<study>-<layer>-<hash>.jsonl`, one line per event.

Every line is on its way to the file before the work goes on, so that after a kill it says when the work began, how far
it was and what it lost last. A good end removes it, as the store has all of that; after any other end it stays, and a
further attempt goes on in it. That it cannot be written is no condition of the work.
"""

from __future__ import annotations

import json
import math
import os
import platform
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assets.store.manifest import finite
from assets.store.store import home

EVERY_SECONDS = 10.0
"""Least time between two lines of progress within a phase."""

NAME = re.compile(r"(?P<study>[a-z][a-z0-9_]*)-(?P<layer>[a-z]+)-(?P<hash>[0-9a-f]{12})\.jsonl")


@dataclass
class Journal:
    """The journal of one artifact."""

    study: str
    layer: str
    hash: str
    _said: float = -math.inf

    @property
    def path(self) -> Path:
        """Where it lies."""
        return journals() / f"{self.study}-{self.layer}-{self.hash}.jsonl"

    def begin(self, key: str, fingerprint: str) -> None:
        """Say who begins to make what."""
        self.write("begin", key=key, fingerprint=fingerprint[:12], pid=os.getpid(), host=platform.node())

    def progress(self, phase: int, step: int, losses: Any, due: bool) -> None:
        """Say how far it is, now if `due`, else not too often."""
        if due or time.monotonic() - self._said >= EVERY_SECONDS:
            self._said = time.monotonic()
            self.write("progress", phase=phase, step=step, losses=losses)

    def write(self, event: str, **told: Any) -> None:
        """Append a line."""
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **finite(told)}
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def remove(self) -> None:
        """Remove it."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def journals() -> Path:
    """Return the directory of all journals."""
    return home() / "journals"
