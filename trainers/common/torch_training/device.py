"""The device on which torch computes, and settings that give the same bits on one kind of machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch


def torch_device(choice: str) -> torch.device:
    """Return the device of a choice: cpu, gpu, or auto, which is the GPU if torch can use one.

    Raises:
        ValueError: gpu where torch has none, or a choice that is none of the three.
    """
    if choice not in ("cpu", "gpu", "auto"):
        raise ValueError(f"device {choice!r} is unknown; expected cpu, gpu or auto")
    available = torch.cuda.is_available()
    if choice == "gpu" and not available:
        raise ValueError("device gpu: torch sees none; expected a build of torch with CUDA and a visible GPU")
    return torch.device("cuda" if available and choice != "cpu" else "cpu")


@contextmanager
def reproducible(device: torch.device) -> Iterator[None]:
    """Compute so that the same device gives the same bits; restore every setting afterwards.

    One thread, since sums depend on the number of threads. On a GPU cuDNN uses deterministic algorithms, not those that
    are fastest in a trial, and convolutions stay in single precision (no TF32). Operations without a deterministic
    version in torch may still differ there in the last bits.
    """
    threads = torch.get_num_threads()
    with ExitStack() as stack:
        torch.set_num_threads(1)
        stack.callback(torch.set_num_threads, threads)
        if device.type == "cuda":
            flags = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
            stack.enter_context(flags)  # type: ignore[no-untyped-call]
        yield
