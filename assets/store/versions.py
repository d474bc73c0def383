"""Versions of an artifact: how a new one takes the place of an old one, and which directories were left over.

A version is written to `.tmp-<hash>-<process number>-<random>` beside its place. Its writer holds the lock of its
manifest from the beginning, so that a version whose writer is dead is told from one that is being written.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from assets.store.atomic import clear, sync
from assets.store.errors import unreadable
from assets.store.locks import alone_in, is_held
from assets.store.manifest import MANIFEST

_TEMPORARY = re.compile(r"\.tmp-[0-9a-f]{12}-(?P<pid>\d+)[^-]*-[0-9a-f]{8}")


def take_place(directory: Path, target: Path) -> None:
    """Rename a finished directory to its final name; an older version steps aside first and goes last."""
    sync(directory)
    with alone_in(target.parent):
        if os.path.lexists(target):
            # Two renames, as a directory with files in it cannot be renamed over: a reader that comes between them,
            # or after a kill between them, reads the version aside.
            _vanish(aside(target), target)
            target.rename(aside(target))
        directory.rename(target)
        sync(target.parent)
        _vanish(aside(target), target)


def take_away(target: Path) -> None:
    """Delete a directory and the older version aside: at once for every reader, then file by file."""
    with alone_in(target.parent):
        for directory in (aside(target), target):
            _vanish(directory, target)


def remove_leftover(path: Path) -> bool:
    """Delete a hidden directory if it is of no use, see `is_leftover`; return whether it was."""
    with alone_in(path.parent):  # a writer makes and locks its version under this lock
        leftover = is_leftover(path)
        if leftover and path.name.startswith(".old-"):
            _vanish(path, path.with_name(path.name.removeprefix(".old-")))
        elif leftover:
            clear(path)
    return leftover


def _vanish(directory: Path, target: Path) -> None:
    """Delete a version that readers may have open: it goes as a whole, so none of them sees a part of it."""
    if os.path.lexists(directory):
        clear(directory.rename(temporary(target)))


def aside(target: Path) -> Path:
    """Return where an older version waits while a new one takes its place."""
    return target.with_name(f".old-{target.name}")


def temporary(target: Path) -> Path:
    """Return a new name beside the target: `.tmp-<name>-<process number>-<random>`."""
    return target.with_name(f".tmp-{target.name}-{os.getpid()}-{secrets.token_hex(4)}")


def is_leftover(path: Path) -> bool:
    """Return whether a hidden directory is of no use: its writer is gone, or it has been replaced."""
    if path.name.startswith(".old-"):
        return path.with_name(path.name.removeprefix(".old-")).exists()
    if _TEMPORARY.fullmatch(path.name) is None:
        return False
    return not is_held(path / MANIFEST)


def writer_of(path: Path) -> str:
    """Return the number of the process that began an unfinished version; empty if its name tells none."""
    name = _TEMPORARY.fullmatch(path.name)
    return name["pid"] if name else ""


def inode_of(directory: str) -> int:
    """Return a number that differs between versions of a directory; 0 without a directory."""
    try:
        status = os.lstat(directory)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise unreadable(Path(directory), error) from error
    if stat.S_ISLNK(status.st_mode):
        raise ValueError(f"{directory} is a symbolic link; the store follows none")
    return status.st_ino
