"""How much disk a sweep and the home take, and how much is free."""

from __future__ import annotations

import math
from typing import Any

from assets.home.checkpoints import Checkpoints
from assets.home.disk_space import floor_gb, quota_gb, size_of
from assets.store.atomic import free_bytes
from assets.store.store import Store, home
from assets.sweeps.sweep import Sweep


def bytes_of(sweep: Sweep, store: Store) -> int:
    """Return the bytes of all artifacts and checkpoints of a sweep; what several sweeps share counts for each."""
    items = dict.fromkeys(item for row in sweep.rows for item in row.items())
    manifests = (store.manifest(*item.address) or {} for item in items)
    stored = sum(file["size"] for manifest in manifests for file in manifest.get("files", {}).values())
    kept = (Checkpoints(item.study, item.hash, "").directory for item in items if item.layer == "model")
    return stored + sum(map(size_of, kept))


def disk() -> dict[str, Any]:
    """Return where the home is, what each part of it takes, what is free there, floor and quota [bytes]."""
    place = home()
    parts = {path.name: size_of(path) for path in sorted(place.iterdir())} if place.is_dir() else {}
    limits = {"floor": floor_gb() * 1e9, "quota": quota_gb() * 1e9 if quota_gb() < math.inf else None}
    return {"home": str(place), "free": free_bytes(place), **limits, "used": parts}
