"""Disk space: what the home takes, what is free, and the checks before a launch.

ORRERY_FREE_GB       least free space before a launch [GB], 1 unless set
ORRERY_QUOTA_GB      most that the home may hold before a launch [GB], no limit unless set
ORRERY_NEVER_UNDER   directories that may not hold the home, such as /home on a cluster, separated by colons
"""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from assets.home.checkpoints import Checkpoints
from assets.store.errors import StoreError, free_bytes
from assets.store.store import Store, home
from assets.sweeps.sweep import Sweep

FLOOR, FLOOR_GB = "ORRERY_FREE_GB", 1.0
QUOTA = "ORRERY_QUOTA_GB"
NEVER_UNDER = "ORRERY_NEVER_UNDER"

REMEDY = "free some space (`orrery gc` lists what can go)"


def require_space(where: Path) -> None:
    """Refuse a launch where the home is not allowed, too little space is free, or the home holds too much.

    Raises:
        StoreError: with the numbers and what to do.
    """
    refuse_ruled_out(where, "set ORRERY_HOME to a directory elsewhere")
    free, floor = free_bytes(where) / 1e9, floor_gb()
    if free < floor:
        line = f"{free:.2f} GB are free at {where}, below the floor of {floor:g} GB"
        raise StoreError(errno.ENOSPC, f"{line}: {REMEDY}, or set {FLOOR} lower")
    quota = quota_gb()
    if quota < math.inf and (used := size_of(where) / 1e9) > quota:
        line = f"{where} holds {used:.2f} GB, above the quota of {quota:g} GB"
        raise StoreError(errno.EDQUOT, f"{line}: {REMEDY}, or set {QUOTA} higher")


def refuse_ruled_out(where: Path, advice: str) -> None:
    """Refuse a place that is not for data.

    Raises:
        StoreError: it lies under a directory that ORRERY_NEVER_UNDER names; with what to do.
    """
    for place in filter(None, os.environ.get(NEVER_UNDER, "").split(os.pathsep)):
        if where.resolve().is_relative_to(Path(place).resolve()):
            raise StoreError(errno.EPERM, f"{where} lies under {place}, which {NEVER_UNDER} rules out; {advice}")


def free_space_line(where: Path) -> str:
    """Say in one line how much space is free at the home, and how much a launch requires."""
    quota = "" if quota_gb() == math.inf else f", quota {quota_gb():g} GB"
    return f"{free_bytes(where) / 1e9:.1f} GB free at {where} (floor {floor_gb():g} GB{quota})"


def floor_gb() -> float:
    """Return the least free space of a launch [GB]."""
    return _gigabytes(FLOOR, FLOOR_GB)


def quota_gb() -> float:
    """Return how much the home may hold [GB]; infinity where no quota is set."""
    return _gigabytes(QUOTA, math.inf)


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files below a directory; links are not followed."""
    return sum(_sizes(path))


def size_of_sweep(sweep: Sweep, store: Store) -> int:
    """Return the bytes of all artifacts and checkpoints of a sweep; what several sweeps share counts for each."""
    items = dict.fromkeys(item for row in sweep.rows for item in row.items())
    stored = sum(file["size"] for item in items for file in store.manifest_or_missing(*item.address)["files"].values())
    checkpoints = (Checkpoints(item.study, item.hash, "").directory for item in items if item.layer == "model")
    return stored + sum(map(size_of, checkpoints))


def usage() -> dict[str, Any]:
    """Return where the home is, what each part of it takes, what is free there, floor and quota [bytes]."""
    place = home()
    parts = {path.name: size_of(path) for path in sorted(place.iterdir())} if place.is_dir() else {}
    limits = {"floor": floor_gb() * 1e9, "quota": quota_gb() * 1e9 if quota_gb() < math.inf else None}
    return {"home": str(place), "free": free_bytes(place), **limits, "used": parts}


def _sizes(path: Path) -> Iterator[int]:
    with suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            yield path.lstat().st_size
            return
        for entry in os.scandir(path):
            yield from _sizes(Path(entry.path))


def _gigabytes(variable: str, default: float) -> float:
    """Return the number of an environment variable.

    Raises:
        StoreError: it is set, and not to a number.
    """
    text = os.environ.get(variable, str(default))
    try:
        return float(text)
    except ValueError:
        raise StoreError(errno.EINVAL, f"{variable} is {text!r}; expected a number of GB, such as 5") from None
