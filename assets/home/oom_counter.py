"""Evidence that the kernel killed a process for want of memory.

Such a death looks like any other kill, but the kernel counts it: per control group, in `memory.events` (version 2) or
`memory.oom_control` (version 1, since Linux 4.13), and for the whole machine, in `/proc/vmstat`. The group of the
process itself comes first: the machine's counter also rises for processes that have nothing to do with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
GROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class OomCounter:
    """A counter of such kills, with its value at the time this object was made."""

    file: Path
    own: bool
    """Whether it is of the control group of the process; else it is of the whole machine."""
    before: int

    @property
    def rose(self) -> bool:
        """Whether a process has been killed for want of memory since."""
        return (_kills(self.file) or 0) > self.before

    @property
    def claim(self) -> str:
        """The statement that the counter supports about a process that was killed meanwhile."""
        if self.own:
            return f"the kernel killed the worker for want of memory ({self.file} counts it)"
        return (
            "the worker was killed while the kernel killed a process of this machine for want of memory, so most "
            f"probably for that ({self.file} counts it; the worker has no control group that counts)"
        )


def oom_counter(pid: int) -> OomCounter | None:
    """Return the counter nearest to a running process; None on a system without one."""
    for file, own in (*((file, True) for file in _files_of_group(pid)), (PROC / "vmstat", False)):
        if (count := _kills(file)) is not None:
            return OomCounter(file, own, count)
    return None


def _files_of_group(pid: int) -> Iterator[Path]:
    """Yield where the counter of its control group may be: in a container, the group is the root of what is mounted."""
    with suppress(OSError):
        for line in (PROC / str(pid) / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            mount, name = GROUPS, "memory.events"
            if controllers:
                mount, name = GROUPS / "memory", "memory.oom_control"
            if not controllers or "memory" in controllers.split(","):
                yield mount / path.lstrip("/") / name
                yield mount / name


def _kills(file: Path) -> int | None:
    with suppress(OSError):
        for line in file.read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return None
