"""Locks on files. The kernel holds a lock for a process and frees it when the process ends, however it ends.

A lock tells the living from the dead on every machine that shares the file system, without process numbers, clocks or
heartbeats. It is always on a regular file: NFS (version 4) passes locks of files on to the server, locks of
directories it keeps to the machine.
"""

from __future__ import annotations

import errno
import fcntl
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import IO
from weakref import WeakSet

from assets.store.errors import StoreError

LOCK = ".lock"
"""The file in a directory whose lock stands for the directory."""

NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)

_own_locks: WeakSet[FileIO] = WeakSet()


def take(path: Path) -> FileIO | None:
    """Open a file, created if need be, and lock it for this process alone; return None if another process holds it.

    The lock lasts until the file is closed or the process ends. Only its holder may remove the file.

    Raises:
        StoreError: the file system has no locks.
    """
    while True:
        file = FileIO(path, "a+", opener=_open_no_link)
        try:
            if not _lock(file):
                file.close()
                return None
            if _is_file_of(path, file):
                _own_locks.add(file)
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # its last holder removed it after it was opened here: this lock is on a file without a name


def is_held(path: Path | str) -> bool:
    """Return whether some process, this one included, holds the lock of a file; False where there is no file."""
    try:
        file = FileIO(path, opener=_open_no_link)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # a link, or a file of another user: better left alone
    with file:
        return not _flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def mark_in_use(file: IO[bytes]) -> None:
    """Lock an open file for as long as this process, or a child that inherits it, has it open."""
    _flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def alone_in(directory: Path | str, among_readers: bool = False) -> Iterator[None]:
    """Lock a directory: alone to rename in it, among readers to look while nothing is renamed.

    Raises:
        StoreError: the file system has no locks.
    """
    path = f"{directory}/{LOCK}"
    try:
        file = FileIO(path, "r" if among_readers else "a+", opener=_open_no_link)
    except FileNotFoundError:
        if not among_readers:
            raise
        yield  # no writer has ever been here, or the place cannot be written: nothing is renamed
        return
    with file:
        _flock(file, fcntl.LOCK_SH if among_readers else fcntl.LOCK_EX)
        yield


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)


def _lock(file: FileIO) -> bool:
    while not _flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
        if not _flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB):
            return False
        _flock(file, fcntl.LOCK_UN)  # the other one shares it, so it only tests whether the file is locked
        time.sleep(random.uniform(0, 0.002))
    return True


def _flock(file: FileIO | IO[bytes], operation: int) -> bool:
    try:
        fcntl.flock(file, operation)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        line = f"the file system of {file.name} has no locks ({os.strerror(error.errno)})"
        raise StoreError(error.errno, f"{line}; set ORRERY_HOME to one that has: a local disk, or NFS 4") from error
    return True


def _is_file_of(path: Path, file: FileIO) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno == errno.ESTALE:  # NFS: removed on another machine
            return False
        raise


def _let_go_in_child() -> None:
    """Close the copies that a fork makes: a child that outlives its parent must not keep the parent's locks."""
    for file in list(_own_locks):
        with suppress(OSError):
            file.close()


os.register_at_fork(after_in_child=_let_go_in_child)
