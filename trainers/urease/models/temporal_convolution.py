"""A causal temporal convolution: what it says of a point depends on that point and those before it alone.

So one pass over a long curve serves all of its prefixes.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional


class TemporalConvolution(nn.Module):
    """Levels of two dilated causal convolutions with a residual, (B, C, L) -> (B, filters[-1], L).

    Level i: twice [convolution of dilation 2^i, ReLU, dropout], plus the input, through a 1x1 convolution where widths
    differ, then ReLU. No normalisation. Receptive field: `1 + 2 (kernel - 1)(2^levels - 1)` points.
    Source: Bai, Kolter & Koltun 2018, arXiv 1803.01271.
    """

    def __init__(self, channels: int, filters: tuple[int, ...], kernel: int, dropout: float) -> None:
        super().__init__()
        widths = (channels, *filters)
        self.levels = nn.ModuleList(
            _Level(before, after, kernel, 2**i, dropout) for i, (before, after) in enumerate(pairwise(widths))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of each point."""
        for level in self.levels:
            x = level(x)
        return x


class _Level(nn.Module):
    def __init__(self, before: int, after: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.pad, self.dropout = (kernel - 1) * dilation, dropout
        self.first = nn.Conv1d(before, after, kernel, dilation=dilation)
        self.second = nn.Conv1d(after, after, kernel, dilation=dilation)
        self.residual = nn.Conv1d(before, after, 1) if before != after else None

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for convolution in (self.first, self.second):
            y = functional.relu(convolution(functional.pad(y, (self.pad, 0))))
            y = functional.dropout(y, self.dropout, self.training)
        return functional.relu(y + (x if self.residual is None else self.residual(x)))


def receptive_field(levels: int, kernel: int) -> int:
    """Return how many points, itself included, a feature depends on."""
    return 1 + 2 * (kernel - 1) * (2**levels - 1)
