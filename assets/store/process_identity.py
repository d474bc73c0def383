"""Who a process is: number, start time and boot, so that a dead process is told from another that has its number."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

STAMP = re.compile(r"(?P<pid>\d+)_(?P<started>[\d.]*)_(?P<boot>[0-9a-f]{8})_(?P<host>[0-9a-f]{8})")
"""A process as part of a file name."""


@dataclass(frozen=True)
class Owner:
    """A process on a machine."""

    pid: int
    started: str
    """When it started, in the machine's own count; another process of this number has another."""
    boot: str
    host: str

    @property
    def alive(self) -> bool | None:
        """Whether it still runs; None where that cannot be told, on another machine."""
        if self.host != platform.node():
            return None
        return self.boot == boot() and self.started == started(self.pid) != ""

    def json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @property
    def stamp(self) -> str:
        """What names it in the name of a file: number, start time, digests of boot and machine."""
        return f"{self.pid}_{self.started}_{_digest(self.boot)}_{_digest(self.host)}"


def owner(pid: int | None = None) -> Owner:
    """Return this process, or the one of a number."""
    number = os.getpid() if pid is None else pid
    return Owner(number, started(number), boot(), platform.node())


def owner_of(value: Mapping[str, Any]) -> Owner:
    """Return the process that `Owner.json` described."""
    return Owner(int(value["pid"]), str(value["started"]), str(value["boot"]), str(value["host"]))


def stamped_alive(stamp: str) -> bool | None:
    """Return whether the process of a stamp still runs; None for one of another machine, or no stamp at all."""
    told = STAMP.fullmatch(stamp)
    if told is None or told["host"] != _digest(platform.node()):
        return None
    return told["boot"] == _digest(boot()) and told["started"] == started(int(told["pid"])) != ""


def started(pid: int) -> str:
    """Return when a process started, by a clock that never jumps where there is one; '' if it does not run."""
    import psutil

    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    with suppress(psutil.Error):
        return "" if Path("/proc/self").exists() else f"{psutil.Process(pid).create_time():.2f}"
    return ""


@cache
def boot() -> str:
    """Return what tells one start of the machine from the next."""
    with suppress(OSError):
        return BOOT_ID.read_text().strip()
    import psutil

    return f"{psutil.boot_time():.0f}"


@cache
def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]
