"""Durable writes: a file is on the disk before the writer continues; an older file is replaced in one step."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a name beside a file to write to; on a clean exit that reaches the disk, then takes the file's place."""
    draft = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        yield draft
        sync(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync(path.parent)


def replace_bytes(path: Path, data: bytes) -> None:
    """Put a file in its place at once, after it has reached the disk; its directory is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft:
        draft.write_bytes(data)


def replace_text(path: Path, text: str) -> None:
    """Put a UTF-8 file in its place at once, after it has reached the disk."""
    replace_bytes(path, text.encode())


def clear(directory: Path) -> None:
    """Delete a directory of Orrery; files that cannot be deleted now are left for the clean-up."""
    shutil.rmtree(directory, ignore_errors=True)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a directory, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
