"""The manifest of an artifact: what it is, what it was made of, and the size and sum of its files.

Its first line seals the rest, so that a torn or edited manifest shows itself.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assets.identity.provenance import provenance

MANIFEST = "manifest.json"

DAMAGE = "damaged.txt"
"""Beside the manifest of an artifact whose damage was found at reading: why it counts as missing."""

_SEALED = len('{"seal": "') + 64 + len('",\n')


class Damaged(ValueError):  # noqa: N818
    """An artifact is there, but is not what was written."""


def manifest_bytes(fields: Mapping[str, Any], files: Mapping[str, Any]) -> bytes:
    """Return the content of a manifest: the given fields, the files, the origin of everything, the date; sealed."""
    full = {**fields, "files": files, **provenance(), "created": datetime.now(UTC).isoformat()}
    body = json.dumps(finite(full), indent=1, allow_nan=False)[1:].lstrip().encode()
    return _seal(body) + body


def read_manifest(directory: str) -> dict[str, Any]:
    """Read a manifest and compare the sizes of the files with it.

    Raises:
        Damaged: the manifest is missing, torn or edited; a file is missing or has another size, or was found damaged.
    """
    try:
        handle = os.open(f"{directory}/{MANIFEST}", os.O_RDONLY | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        raise Damaged(f"{MANIFEST} is missing") from None
    with open(handle, "rb") as file:  # noqa: PTH123
        data = file.read()
    if data[:_SEALED] != _seal(data[_SEALED:]):
        raise Damaged(f"{MANIFEST} is torn or edited")
    manifest = json.loads(data)
    for name, expected in manifest["files"].items():
        _compare_size(f"{directory}/{name}", name, expected["size"])
    if os.path.lexists(note := f"{directory}/{DAMAGE}"):
        raise Damaged(Path(note).read_text(encoding="utf-8", errors="replace"))
    return manifest


def note_damage(directory: Path, reason: str) -> None:
    """Let every later look know what reading has found; a place that cannot be written to is read anew each time."""
    with suppress(OSError):
        (directory / DAMAGE).write_text(reason, encoding="utf-8")


def forget_damage(directory: Path) -> None:
    """Take the note away, so that the next reading judges anew."""
    with suppress(OSError):
        (directory / DAMAGE).unlink()


def finite(value: Any) -> Any:
    """Return JSON values: NumPy scalars and arrays as plain ones, null in the place of NaN and infinity."""
    if isinstance(value, Mapping):
        return {str(key): finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return finite(value.tolist()) if hasattr(value, "tolist") else value


def _seal(body: bytes) -> bytes:
    """Return the first line of a manifest: a bracket and the sum of what follows."""
    return f'{{"seal": "{hashlib.sha256(body).hexdigest()}",\n'.encode()


def _compare_size(path: str, name: str, size: int) -> None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        raise Damaged(f"{name} is missing") from None
    if not stat.S_ISREG(found.st_mode):
        raise Damaged(f"{name} is no regular file")
    if found.st_size != size:
        raise Damaged(f"{name} has {found.st_size} bytes instead of {size}")
