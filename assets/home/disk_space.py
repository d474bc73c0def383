"""Whether a launch may begin where the home is: room on the disk, a quota, and places that are not for data.

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

from assets.store.atomic import StoreError, free_bytes

FLOOR, FLOOR_GB = "ORRERY_FREE_GB", 1.0
QUOTA = "ORRERY_QUOTA_GB"
NEVER_UNDER = "ORRERY_NEVER_UNDER"

REMEDY = "make room (`orrery gc` lists what can go)"


def require_room(where: Path) -> None:
    """Refuse to begin where the home is not allowed, too little is free, or the home holds too much.

    Raises:
        StoreError: with the numbers and what to do.
    """
    for place in filter(None, os.environ.get(NEVER_UNDER, "").split(os.pathsep)):
        if where.resolve().is_relative_to(Path(place).resolve()):
            line = f"{where} lies under {place}, which {NEVER_UNDER} rules out"
            raise StoreError(errno.EPERM, f"{line}; set ORRERY_HOME to a directory elsewhere")
    free, floor = free_bytes(where) / 1e9, floor_gb()
    if free < floor:
        line = f"{free:.2f} GB are free at {where}, below the floor of {floor:g} GB"
        raise StoreError(errno.ENOSPC, f"{line}: {REMEDY}, or set {FLOOR} lower")
    quota = quota_gb()
    if quota < math.inf and (held := size_of(where) / 1e9) > quota:
        line = f"{where} holds {held:.2f} GB, above the quota of {quota:g} GB"
        raise StoreError(errno.EDQUOT, f"{line}: {REMEDY}, or set {QUOTA} higher")


def room_line(where: Path) -> str:
    """Say how much is free where the home is, and what a launch has to find there."""
    quota = "" if quota_gb() == math.inf else f", quota {quota_gb():g} GB"
    return f"{free_bytes(where) / 1e9:.1f} GB free at {where} (floor {floor_gb():g} GB{quota})"


def floor_gb() -> float:
    """Return how many GB have to be free."""
    return _number(FLOOR, FLOOR_GB)


def quota_gb() -> float:
    """Return how many GB the home may hold; infinity where no quota is set."""
    return _number(QUOTA, math.inf)


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


def _number(variable: str, usual: float) -> float:
    """Return what is set, or the usual value.

    Raises:
        StoreError: what is set is no number.
    """
    given = os.environ.get(variable, str(usual))
    try:
        return float(given)
    except ValueError:
        raise StoreError(errno.EINVAL, f"{variable} is {given!r}; expected a number of GB, such as 5") from None
