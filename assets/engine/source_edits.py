"""Edits of the code while a sweep runs: a worker makes nothing with code whose version is unknown.

A process has the code that its files held when it imported them. So a worker records the state of all source files
when it starts, before it imports any. Once one has changed, it hands its tasks back and leaves; its successor imports
the present code and takes the fingerprint that goes with it.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from contextlib import suppress

from assets.identity.code_version import ROOT_PACKAGE, source_folders

Stamp = tuple[int, int]


class Code:
    """The source files of all studies, as they were when this object was made."""

    def __init__(self) -> None:
        self._files = _stamps({ROOT_PACKAGE})
        from trainers import STUDIES

        self._packages = {ROOT_PACKAGE, *(study.package.partition(".")[0] for study in STUDIES.values())}
        self._files = _stamps(self._packages) | self._files

    @property
    def edited(self) -> bool:
        """Whether any of them has changed, appeared or gone since."""
        return _stamps(self._packages) != self._files

    def changed_imports(self, before: Collection[str]) -> list[str]:
        """Return the modules that were imported since `before` and whose files have changed."""
        now = _stamps(self._packages)
        changed = {path for path in now.keys() | self._files.keys() if now.get(path) != self._files.get(path)}
        new = sys.modules.keys() - set(before)
        return sorted(name for name in new if getattr(sys.modules[name], "__file__", None) in changed)


def _stamps(packages: Collection[str]) -> dict[str, Stamp]:
    """Return the time of change and the size of every source file of some packages."""
    folders = {folder for package in packages for folder in source_folders(package)}
    stamps: dict[str, Stamp] = {}
    for path in {path for folder in folders for path in folder.rglob("*.py")}:
        with suppress(FileNotFoundError):
            status = path.stat()
            stamps[str(path)] = status.st_mtime_ns, status.st_size
    return stamps
