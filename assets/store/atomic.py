"""Files that are on the disk when the writer goes on, directories that change places at once, errors in one line."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assets.store.process_identity import STAMP, owner, stamped_alive

FORGET_SECONDS = 3600.0
"""What a process of another machine was writing counts as left when it has not changed for so long."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_PERMISSION = (errno.EROFS, errno.EACCES, errno.EPERM)

_TEMPORARY = re.compile(rf"\.tmp-.+-(?P<owner>{STAMP.pattern})-[0-9a-f]{{8}}")


class StoreError(OSError):
    """The store cannot be read or written; one line with the path, the cause and what to do."""

    def __str__(self) -> str:
        return str(self.args[-1])


def write_durably(path: Path, data: Any) -> None:
    """Write a new file and wait until it is on the disk."""
    with said_clearly(path.parent, len(data)), path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def take_place(directory: Path, target: Path) -> None:
    """Rename a finished directory to its final name; an older version steps aside first and goes last."""
    _sync(directory)
    with alone_in(target.parent):
        if os.path.lexists(target):
            _vanish(aside(target), target)
            target.rename(aside(target))
        directory.rename(target)
        _sync(target.parent)
        _vanish(aside(target), target)


def take_away(target: Path) -> None:
    """Delete a directory and what stepped aside for it: at once for every reader, then file by file."""
    with alone_in(target.parent):
        for directory in (aside(target), target):
            _vanish(directory, target)


def _vanish(directory: Path, target: Path) -> None:
    """Delete a version that readers may have open: it goes as a whole, so none of them sees a part of it."""
    if os.path.lexists(directory):
        clear(directory.rename(temporary(target)))


def aside(target: Path) -> Path:
    """Return where an older version waits while a new one takes its place."""
    return target.with_name(f".old-{target.name}")


def temporary(target: Path) -> Path:
    """Return a new name beside the target that says whose it is: `.tmp-<name>-<owner>-<random>`."""
    return target.with_name(f".tmp-{target.name}-{owner().stamp}-{secrets.token_hex(4)}")


def is_leftover(path: Path) -> bool:
    """Return whether a hidden directory is of no use: its writer is gone, or it has been replaced."""
    if path.name.startswith(".old-"):
        return path.with_name(path.name.removeprefix(".old-")).exists()
    name = _TEMPORARY.fullmatch(path.name)
    if name is None:
        return False
    alive = stamped_alive(name["owner"])
    return time.time() - path.lstat().st_mtime >= FORGET_SECONDS if alive is None else not alive


def writer_of(path: Path) -> str:
    """Return the number of the process that an unfinished version is of; empty if its name tells none."""
    name = _TEMPORARY.fullmatch(path.name)
    return name["pid"] if name else ""


def clear(directory: Path) -> None:
    """Delete a directory of ours; what cannot be deleted now is left for the clean-up."""
    shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def alone_in(directory: Path | str, among_readers: bool = False) -> Iterator[None]:
    """Hold the lock of a directory for the moment of a rename, or of a look that must not meet one.

    The lock falls with the process.
    """
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH if among_readers else fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def said_clearly(where: Path, size: int = 0) -> Iterator[None]:
    """Turn an OSError into one line: what, where, how much room, what to do."""
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(error.errno, _complaint(where, size, error)) from error


def unreadable(path: Path, error: OSError) -> StoreError:
    """Return the error of a place that cannot be read."""
    return StoreError(error.errno, f"cannot read the store at {path}: {_cause(error)}; check what is there")


def inode_of(directory: str) -> int:
    """Return what tells one version of a directory from the next; 0 where there is none."""
    try:
        found = os.lstat(directory)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise unreadable(Path(directory), error) from error
    if stat.S_ISLNK(found.st_mode):
        raise ValueError(f"{directory} is a symbolic link; the store follows none")
    return found.st_ino


def free_bytes(where: Path) -> int:
    """Return the bytes free where a path is, or would be."""
    while not where.exists():
        where = where.parent
    return shutil.disk_usage(where).free


def _complaint(where: Path, size: int, error: OSError) -> str:
    line = f"cannot write to the store at {where}: {_cause(error)}"
    if error.errno in NO_ROOM:
        return f"{line}; {size} bytes are needed and {free_bytes(where)} are free; make room and run again"
    if error.errno in NO_PERMISSION:
        return f"{line}; make it writable or set ORRERY_HOME to a directory that is"
    return f"{line}; repair it or set ORRERY_HOME to another directory"


def _cause(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
