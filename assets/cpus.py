"""How many CPUs there are to use, and which."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cpus() -> list[int]:
    """Return the CPUs that this process may use: its affinity, cut to the quota of its container."""
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    return cpus[: max(1, _quota(len(cpus)))]


def choose_cpus(count: int | None = None) -> list[int]:
    """Return `count` CPUs, the idlest first; all usable ones if no count is given.

    Raises:
        ValueError: more are asked for than may be used, or fewer than one.
    """
    usable = usable_cpus()
    wanted = len(usable) if count is None else count
    if not 1 <= wanted <= len(usable):
        raise ValueError(f"{wanted} CPUs asked for, {len(usable)} usable; ask for 1 to {len(usable)}")
    return usable if wanted == len(usable) else _idlest(usable)[:wanted]


def _idlest(cpus: list[int]) -> list[int]:
    import psutil

    load = psutil.cpu_percent(interval=0.1, percpu=True)
    return sorted(cpus, key=lambda cpu: load[cpu] if cpu < len(load) else 0.0)


def _quota(otherwise: int) -> int:
    """Return the CPUs that a cgroup grants, rounded up."""
    with suppress(OSError, ValueError):
        granted, period = QUOTA.read_text().split()
        return math.ceil(int(granted) / int(period))
    return otherwise
