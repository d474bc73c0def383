"""Errors of the store and the home, each in one line: the path, the cause, and what to do."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_PERMISSION = (errno.EROFS, errno.EACCES, errno.EPERM)


class StoreError(OSError):
    """The store cannot be read or written; one line with the path, the cause and what to do."""

    def __str__(self) -> str:
        return str(self.args[-1])


@contextmanager
def clear_write_errors(where: Path, size: int = 0) -> Iterator[None]:
    """Turn an OSError into a StoreError that says where, why, how many bytes were wanted, and what to do."""
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        line = f"cannot write to the store at {where}: {_cause(error)}"
        if error.errno in NO_SPACE:
            line += f"; {size} bytes are needed and {free_bytes(where)} are free; free some space and run again"
        elif error.errno in NO_PERMISSION:
            line += "; make it writable or set ORRERY_HOME to a directory that is"
        else:
            line += "; repair it or set ORRERY_HOME to another directory"
        raise StoreError(error.errno, line) from error


def unreadable(path: Path, error: OSError) -> StoreError:
    """Return the error of a place that cannot be read."""
    action = "make it readable" if error.errno in NO_PERMISSION else "repair it"
    line = f"cannot read the store at {path}: {_cause(error)}; {action} or set ORRERY_HOME to another directory"
    return StoreError(error.errno, line)


def free_bytes(where: Path) -> int:
    """Return the free bytes of the file system on which a path is, or would be."""
    while not where.exists():
        where = where.parent
    return shutil.disk_usage(where).free


def _cause(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)
