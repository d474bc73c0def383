"""The hardware: how many CPUs there are to use and which, the device that computes, memory.

The device is no part of an identity, but it is recorded with every artifact.
"""

from __future__ import annotations

import math
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import get_args

from trainers.study import Device

QUOTA = Path("/sys/fs/cgroup/cpu.max")

VARIABLE = "ORRERY_DEVICE"

PLATFORMS: dict[Device, dict[str, str]] = {
    "cpu": {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""},
    "gpu": {"JAX_PLATFORMS": "cuda", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
    "auto": {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
}
"""What each choice sets before JAX and torch are imported."""


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
    number = len(usable) if count is None else count
    if not 1 <= number <= len(usable):
        raise ValueError(f"{number} CPUs asked for, {len(usable)} usable; ask for 1 to {len(usable)}")
    return usable if number == len(usable) else _idlest(usable)[:number]


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


def choose_device(request: str | None = None) -> Device:
    """Return the device by argument, by `ORRERY_DEVICE`, or the CPU, whose numbers do not depend on the machine's GPU.

    Raises:
        ValueError: for any other word.
    """
    device = request or os.environ.get(VARIABLE) or "cpu"
    if device not in get_args(Device):
        raise ValueError(f"device {device!r} is unknown; expected one of {', '.join(get_args(Device))}")
    return device  # type: ignore[return-value]


def torch_blocks() -> int:
    """Return how many blocks of GPU memory torch has handed out in this process."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return 0
    return int(torch.cuda.memory_stats().get("allocation.all.allocated", 0))


def computing_device(framework: str, blocks: int) -> str:
    """Return the device that a study has computed on since `torch_blocks` returned `blocks`.

    JAX computes on its default backend. Torch computes where it is told to: on the GPU only if it took memory there.
    """
    if framework == "jax" and "jax" in sys.modules:
        return str(sys.modules["jax"].default_backend())
    return "gpu" if framework == "torch" and torch_blocks() > blocks else "cpu"


def peak_memory() -> int:
    """Return the largest resident size that this process has had [bytes]."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
