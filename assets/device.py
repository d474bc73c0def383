"""The device that computes: no part of an identity, but recorded with every artifact."""

from __future__ import annotations

import os
import sys
from typing import Literal, get_args

Device = Literal["cpu", "gpu", "auto"]

VARIABLE = "ORRERY_DEVICE"

PLATFORMS: dict[Device, dict[str, str]] = {
    "cpu": {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""},
    "gpu": {"JAX_PLATFORMS": "cuda", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
    "auto": {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
}
"""What each choice sets before JAX and torch are imported."""


def device_asked(given: str | None = None) -> Device:
    """Return the device by argument, by `ORRERY_DEVICE`, or the CPU, whose numbers do not depend on the machine's GPU.

    Raises:
        ValueError: for any other word.
    """
    device = given or os.environ.get(VARIABLE) or "cpu"
    if device not in get_args(Device):
        raise ValueError(f"device {device!r} is unknown; expected one of {', '.join(get_args(Device))}")
    return device  # type: ignore[return-value]


def device_used() -> str:
    """Return what the libraries that this process has imported compute on."""
    if "jax" in sys.modules:
        return str(sys.modules["jax"].default_backend())
    if "torch" in sys.modules and sys.modules["torch"].cuda.is_available():
        return "gpu"
    return "cpu"
