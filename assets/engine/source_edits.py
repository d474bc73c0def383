"""Edits of the code while a sweep runs: a worker makes nothing with code that it cannot name.

A process has the code that its files held when it imported them. A worker therefore remembers how all files were when
it began, before it imported any; once one is another, it hands its task back and leaves, and its successor takes the
code of that day and the fingerprint that goes with it.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from contextlib import suppress

from assets.identity.code_version import ROOT_PACKAGE, source_folders

Stamp = tuple[int, int]


class Code:
    """The files of all studies, as they were when this was made."""

    def __init__(self) -> None:
        self._files = _stamps({ROOT_PACKAGE})
        from trainers import STUDIES

        self._packages = {ROOT_PACKAGE, *(study.package.partition(".")[0] for study in STUDIES.values())}
        self._files = _stamps(self._packages) | self._files

    @property
    def edited(self) -> bool:
        """Whether any of them is another now, or new, or gone."""
        return _stamps(self._packages) != self._files

    def loaded_in_vain(self, before: Collection[str]) -> list[str]:
        """Return the modules that were imported since `before` and whose files are not what they were."""
        now = _stamps(self._packages)
        changed = {path for path in now.keys() | self._files.keys() if now.get(path) != self._files.get(path)}
        fresh = sys.modules.keys() - set(before)
        return sorted(name for name in fresh if getattr(sys.modules[name], "__file__", None) in changed)


def _stamps(packages: Collection[str]) -> dict[str, Stamp]:
    """Return the time of change and the size of every source file below some packages."""
    folders = {folder for package in packages for folder in source_folders(package)}
    stamps: dict[str, Stamp] = {}
    for path in {path for folder in folders for path in folder.rglob("*.py")}:
        with suppress(FileNotFoundError):
            found = path.stat()
            stamps[str(path)] = found.st_mtime_ns, found.st_size
    return stamps
