"""Scratch: one directory per launching process, `<home>/scratch/<pid>-<random>/`, where every temporary file goes.

It is removed when the process ends. What a killed process left is told by the owner that its marker names, and swept at
the next start.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from assets.store.atomic import clear
from assets.store.process_identity import Owner, owner, owner_of
from assets.store.store import home

MARKER = ".orrery-scratch.json"

NAME = re.compile(r"\d+-[0-9a-f]{8}")


def claim() -> Path:
    """Send the temporary files of this process, and of those that it starts, to a directory of its own."""
    here = Path(os.environ.get("TMPDIR", ""))
    if here.parent == home() / "scratch" and owner_of_scratch(here) == owner():
        return here
    directory = home() / "scratch" / f"{os.getpid()}-{secrets.token_hex(4)}"
    directory.mkdir(parents=True)
    (directory / MARKER).write_text(json.dumps(owner().json()), encoding="utf-8")
    os.environ["TMPDIR"] = tempfile.tempdir = str(directory)
    atexit.register(clear, directory)
    return directory


def orphans() -> Iterator[Path]:
    """Yield the scratch directories whose process is dead; nothing without our name and marker."""
    parent = home() / "scratch"
    for path in sorted(parent.iterdir()) if parent.is_dir() else ():
        if NAME.fullmatch(path.name) and not path.is_symlink():
            found = owner_of_scratch(path)
            if found is not None and found.alive is False:
                yield path


def sweep() -> int:
    """Remove what dead processes left; return how many directories that were."""
    dead = list(orphans())
    for directory in dead:
        clear(directory)
    return len(dead)


def owner_of_scratch(directory: Path) -> Owner | None:
    """Return the process that a marker names; None where there is no marker of ours."""
    try:
        return owner_of(json.loads((directory / MARKER).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
