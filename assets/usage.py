"""How much disk a sweep and the home take, and how much is free."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from assets.causes import items_of
from assets.checkpoints import Checkpoints
from assets.disk import floor_gb, free_bytes
from assets.rows import Sweep
from assets.store import Store, home


def bytes_of(sweep: Sweep, store: Store) -> int:
    """Return the bytes of all artifacts and checkpoints of a sweep; what several sweeps share counts for each."""
    items = dict.fromkeys(item for row in sweep.rows for item in items_of(row))
    manifests = (store.manifest(*item.address) or {} for item in items)
    stored = sum(file["size"] for manifest in manifests for file in manifest.get("files", {}).values())
    kept = (Checkpoints(item.study, item.hash, "").directory for item in items if item.layer == "model")
    return stored + sum(map(size_of, kept))


def disk() -> dict[str, float | int | str | dict[str, int]]:
    """Return where the home is, what each part of it takes, what is free there and the floor [bytes]."""
    place = home()
    parts = {path.name: size_of(path) for path in sorted(place.iterdir())} if place.is_dir() else {}
    return {"home": str(place), "free": free_bytes(place), "floor": floor_gb() * 1e9, "used": parts}


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files below a directory; links are not followed."""
    return sum(_sizes(path))


def _sizes(path: Path) -> Iterator[int]:
    with suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            yield path.lstat().st_size
            return
        for entry in os.scandir(path):
            yield from _sizes(Path(entry.path))
