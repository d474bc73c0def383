"""Means over the points of each prefix."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AveragePooling(nn.Module):
    """The mean of the features of all points of a prefix."""

    def weights(self, features: Tensor, t: Tensor, member: Tensor) -> Tensor:
        """Return the weight of each point (B, K, 1, L), summing to 1, for points that belong to prefixes (B, K, L)."""
        share = member.to(features.dtype)
        return (share / share.sum(dim=2, keepdim=True).clamp(min=1))[:, :, None]

    def forward(self, features: Tensor, t: Tensor, member: Tensor) -> Tensor:
        """Map features (B, D, L) at times t (B, L) [s] to (B, K, D)."""
        return torch.einsum("bkhl,bdl->bkhd", self.weights(features, t, member), features).flatten(2)


class WeightedPooling(nn.Module):
    """Means with learned weights: `softmax over the prefix of score(features) - bias t/prefix`.

    score: 1x1 convolution D -> D/2, ReLU, 1x1 -> heads. Its last layer starts at 0 (nearly, with several heads), so
    that at first the start bias alone acts: weights fall exponentially with time, by `exp(-bias)` over the prefix.
    """

    def __init__(self, width: int, heads: int, start_bias: float) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(width, width // 2, 1), nn.Conv1d(width // 2, heads, 1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]
        if heads > 1:  # equal heads would stay equal
            nn.init.normal_(self.second.weight, std=1e-2)
        self.start_bias = start_bias

    def weights(self, features: Tensor, t: Tensor, member: Tensor) -> Tensor:
        """Return the weight of each point (B, K, heads, L), summing to 1 over the points that belong to a prefix."""
        score = self.second(torch.relu(self.first(features)))[:, None]
        last = (t[:, None] * member).amax(dim=2, keepdim=True).clamp(min=1e-9)
        score = score - (self.start_bias * t[:, None] / last)[:, :, None]
        return torch.softmax(score.masked_fill(~member[:, :, None], -1e9), dim=3)

    def forward(self, features: Tensor, t: Tensor, member: Tensor) -> Tensor:
        """Map features (B, D, L) at times t (B, L) [s] to (B, K, heads D)."""
        return torch.einsum("bkhl,bdl->bkhd", self.weights(features, t, member), features).flatten(2)
