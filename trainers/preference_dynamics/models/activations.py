"""Activations of the convolution blocks by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from trainers.common.lazy import LazyModule

if TYPE_CHECKING:
    from torch import Tensor

functional = LazyModule("torch.nn.functional")

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": lambda x: functional.relu(x),
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.01),
    "elu": lambda x: functional.elu(x),
    "gelu": lambda x: functional.gelu(x),
    "silu": lambda x: functional.silu(x),
    "tanh": lambda x: functional.tanh(x),
}
"""Elementwise functions; leaky_relu with slope 0.01."""
