"""Files that are on the disk when the writer goes on: new ones, and such as take the place of an older one at once."""

from __future__ import annotations

import os
import secrets
import shutil
from io import FileIO
from pathlib import Path
from typing import Any

from assets.store.errors import clear_write_errors


def write_durably(path: Path, data: Any) -> None:
    """Write a new file and wait until it is on the disk."""
    with clear_write_errors(path.parent, len(data)), path.open("xb", buffering=0) as file:
        append_durably(file, data)


def append_durably(file: FileIO, data: Any) -> None:
    """Append to an open file and wait until it is on the disk."""
    rest = memoryview(data)
    while rest:  # a disk that is nearly full takes a part, and raises at the next
        rest = rest[file.write(rest) :]
    os.fsync(file.fileno())


def replace_bytes(path: Path, data: bytes) -> None:
    """Put a file in its place at once, after it has reached the disk; its directory is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with draft.open("xb", buffering=0) as file:
            append_durably(file, data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.parent)


def replace_text(path: Path, text: str) -> None:
    """Put a UTF-8 file in its place at once, after it has reached the disk."""
    replace_bytes(path, text.encode())


def clear(directory: Path) -> None:
    """Delete a directory of ours; what cannot be deleted now is left for the clean-up."""
    shutil.rmtree(directory, ignore_errors=True)


def sync_directory(directory: Path) -> None:
    """Wait until the names in a directory are on the disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
