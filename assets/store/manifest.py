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
from typing import Any, Final, Literal, TypedDict, cast

from assets.identity.provenance import provenance
from trainers.study import Status

MANIFEST = "manifest.json"

DAMAGE = "damaged.txt"
"""Beside the manifest of an artifact whose damage was found at reading: why it counts as missing."""

_SEAL_LENGTH = len('{"seal": "') + 64 + len('",\n')


MISSING: Final = "missing"
"""The status of a manifest that stands for an artifact that is not there."""


class StoredFile(TypedDict):
    """A file of an artifact."""

    size: int
    sha256: str


class Parts(TypedDict):
    """What a fingerprint is made of."""

    config: str
    code: str
    inputs: Mapping[str, str]
    """Fingerprints of the inputs by `<layer>/<hash>`."""


class StoredFailure(TypedDict):
    """Where and why the making of an artifact ended."""

    stage: str
    phase: int
    step: int
    detail: str


class ManifestFields(TypedDict, total=False):
    """The fields that a writer fills; the others are added when the artifact is sealed."""

    study: str
    layer: str
    hash: str
    key: str
    label: str
    status: Status | Literal["missing"]
    config: Mapping[str, Any]
    fingerprint: str
    parts: Parts
    cohort: str
    numbers: Mapping[str, float | None]
    """Numbers that Dagster plots over partitions; null in the place of NaN and infinity."""
    rows: int
    timings: Mapping[str, float]
    """Seconds by part of the work."""
    device: str
    peak_memory: int
    """Bytes."""
    cpus: float
    """CPUs that were granted; NaN where that was not recorded."""
    seed: int | None
    counts: Any
    """Of segments a list, one mapping per phase; of a model the steps of its solver by name."""
    total_steps: int
    data: str
    """Checksum of the training data."""
    step: int
    """Of a state: the step at which it was stored."""
    failure: StoredFailure | None
    resumed: dict[str, Any]
    continued: dict[str, str]
    spikes: dict[str, Any]
    answer: str
    neighbours: list[dict[str, Any]]


class Manifest(ManifestFields):
    """A manifest as it is read: every field is there, see `complete` for what older ones lack."""

    files: dict[str, StoredFile]
    versions: dict[str, str]
    commit: str | None
    dirty: bool | None
    environment: dict[str, str]
    created: str
    """UTC, ISO 8601."""


class Damaged(ValueError):  # noqa: N818
    """The files of a stored artifact differ from its manifest."""


def manifest_bytes(fields: ManifestFields, files: Mapping[str, StoredFile]) -> bytes:
    """Return the content of a manifest: the given fields, the files, the origin of everything, the date; sealed."""
    full = {**fields, "files": files, **provenance(), "created": datetime.now(UTC).isoformat()}
    body = json.dumps(finite(full), indent=1, allow_nan=False)[1:].lstrip().encode()
    return _seal(body) + body


def complete(fields: Mapping[str, Any]) -> Manifest:
    """Return a manifest with all fields that readers use: what it lacks is empty, as in one of an older version."""
    defaults = {
        "key": "",
        "label": "",
        "status": MISSING,
        "config": {},
        "fingerprint": "",
        "parts": {"config": "", "code": "", "inputs": {}},
        "cohort": "",
        "numbers": {},
        "rows": 0,
        "timings": {},
        "device": "",
        "peak_memory": 0,
        "cpus": math.nan,
        "counts": [],
        "total_steps": 0,
        "data": "",
        "failure": None,
        "files": {},
        "versions": {},
        "commit": None,
        "dirty": None,
        "environment": {},
        "created": "",
    }
    return cast("Manifest", defaults | dict(fields))


def read_manifest(directory: str) -> Manifest:
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
    if data[:_SEAL_LENGTH] != _seal(data[_SEAL_LENGTH:]):
        raise Damaged(f"{MANIFEST} is torn or edited")
    manifest = complete(json.loads(data))
    for name, expected in manifest["files"].items():
        _compare_size(f"{directory}/{name}", name, expected["size"])
    if os.path.lexists(note := f"{directory}/{DAMAGE}"):
        raise Damaged(Path(note).read_text(encoding="utf-8", errors="replace"))
    return manifest


def note_damage(directory: Path, reason: str) -> None:
    """Record damage for later readers; where nothing can be written, each of them reads the files again."""
    with suppress(OSError):
        (directory / DAMAGE).write_text(reason, encoding="utf-8")


def forget_damage(directory: Path) -> None:
    """Delete the record of damage, so that the next reading checks the files again."""
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
        status = os.lstat(path)
    except FileNotFoundError:
        raise Damaged(f"{name} is missing") from None
    if not stat.S_ISREG(status.st_mode):
        raise Damaged(f"{name} is no regular file")
    if status.st_size != size:
        raise Damaged(f"{name} has {status.st_size} bytes instead of {size}")
