"""Scratch: one directory per launching process, `<home>/scratch/<pid>-<random>/`, where every temporary file goes.

It is removed when the process ends. Its process holds the lock of the marker in it, so that what a killed process left
is recognised and removed at the next launch.
"""

from __future__ import annotations

import atexit
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from assets.store import locks
from assets.store.atomic import clear
from assets.store.store import home

MARKER = ".orrery-scratch"

NAME = re.compile(r"\d+-[0-9a-f]{8}")

_own: dict[Path, FileIO] = {}
"""The locked markers of this process."""


def claim() -> Path:
    """Send the temporary files of this process, and of those that it starts, to a directory of its own."""
    here = Path(os.environ.get("TMPDIR", ""))
    if here in _own and here.parent == home() / "scratch":
        return here
    directory = home() / "scratch" / f"{os.getpid()}-{secrets.token_hex(4)}"
    directory.mkdir(parents=True)
    marker = locks.take(directory / MARKER)
    assert marker is not None, f"{directory} is new, so nobody else can have locked it"
    _own[directory] = marker
    os.environ["TMPDIR"] = tempfile.tempdir = str(directory)
    atexit.register(clear, directory)
    return directory


def orphans() -> Iterator[Path]:
    """Yield the scratch directories whose process is dead; nothing without our name and marker."""
    parent = home() / "scratch"
    for path in sorted(parent.iterdir()) if parent.is_dir() else ():
        marker = path / MARKER
        if NAME.fullmatch(path.name) and not path.is_symlink() and marker.is_file() and not locks.is_held(marker):
            yield path


def remove_leftovers() -> int:
    """Remove what dead processes left; return how many directories that were."""
    dead = list(orphans())
    for directory in dead:
        clear(directory)
    return len(dead)
