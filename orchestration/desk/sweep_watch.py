"""Watch the sweep files, and reload the definitions behind the Dagster UI when they change."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from assets.catalogue import Catalogue, read_catalogue
from assets.identity.canonical import short_digest
from assets.store.store import project_root

PERIOD_SECONDS = 1.0
"""How often the folder is read; definitions are reloaded once it has not changed for one period."""

log = logging.getLogger("orrery.desk")

Signature = frozenset[tuple[str, int, int]]


def signature(root: Path) -> Signature:
    """Return name, modification time and size of every sweep file."""
    files = set()
    for path in root.glob("*/*.y*ml"):
        with suppress(OSError):
            stat = path.stat()
            files.add((str(path), stat.st_mtime_ns, stat.st_size))
    return frozenset(files)


class SweepWatch:
    """The sweeps of the present files, read once per change; definitions are reloaded after a change."""

    def __init__(self, reload: Callable[[], None], root: Path | None = None) -> None:
        self.root = root or project_root() / "sweeps"
        self.complaint = ""
        """Why the last reload failed; empty after a good one."""
        self._reload = reload
        self._loaded = signature(self.root)
        self._read: tuple[Signature, Catalogue] | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="sweep files")

    def __enter__(self) -> SweepWatch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def catalogue(self) -> Catalogue:
        """Return the sweeps of the present files."""
        now = signature(self.root)
        with self._lock:
            if self._read is None or self._read[0] != now:
                self._read = (now, read_catalogue(self.root))
            return self._read[1]

    @property
    def behind(self) -> bool:
        """Whether the files have changed since the definitions were loaded."""
        return signature(self.root) != self._loaded

    def state(self) -> dict[str, str | bool]:
        """Return the digest of the files, whether the definitions are behind, and the complaint, as JSON values."""
        files = short_digest(sorted(signature(self.root)))
        return {"files": files, "behind": self.behind, "complaint": self.complaint}

    def _watch(self) -> None:
        before = self._loaded
        while not self._ended.wait(PERIOD_SECONDS):
            now = signature(self.root)
            if now == before and now != self._loaded:
                self._follow(now)
            before = now

    def _follow(self, now: Signature) -> None:
        try:
            self._reload()
            self.complaint = ""
        except Exception as error:  # the desk keeps the definitions that it has
            self.complaint = f"{type(error).__name__}: {error}".splitlines()[0]
            log.warning("the definitions could not be reloaded (%s)", self.complaint)
        self._loaded = now
