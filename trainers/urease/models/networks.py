"""Networks that read prefixes of a curve: an embedding, and what follows it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from zuko.flows import NSF

from trainers.common.torch_training.task import initialise
from trainers.urease.config import ModelConfig
from trainers.urease.curves.components import VIEWS
from trainers.urease.models.channels import Inputs, laplace_features
from trainers.urease.models.pooling import AveragePooling, WeightedPooling
from trainers.urease.models.temporal_convolution import TemporalConvolution
from trainers.urease.settings import Flow

CHANNELS = {"clock": 6, "source": 3}
PREFIX_INPUTS = {"clock": 2, "source": 0}


class Embedding(nn.Module):
    """The points of each prefix, the known conditions and what is known of the prefix, joined: (B, K, width)."""

    def __init__(self, config: ModelConfig, known: int, laplace: int) -> None:
        super().__init__()
        pooling = config.pooling
        last = config.filters[-1] if config.filters else CHANNELS[config.channels]
        self.convolution = TemporalConvolution(CHANNELS[config.channels], config.filters, config.kernel, config.dropout)
        self.pool: AveragePooling | WeightedPooling = AveragePooling()
        if pooling.name == "weighted":
            self.pool = WeightedPooling(last, pooling.heads, pooling.start_bias)
        self.known = nn.Sequential(*_layers((known, *config.known_hidden)))
        heads = pooling.heads if pooling.name == "weighted" else 1
        prefix = PREFIX_INPUTS[config.channels] + VIEWS * config.components + laplace
        self.width = last * heads + config.known_hidden[-1] + prefix

    def forward(self, inputs: Inputs) -> Tensor:
        """Return the embedding of every prefix."""
        pooled = self.pool(self.convolution(inputs.x), inputs.t, inputs.member)
        known = self.known(inputs.known)[:, None].expand(-1, pooled.shape[1], -1)
        return torch.cat([pooled, known, inputs.prefix], dim=2)

    def attention(self, inputs: Inputs) -> Tensor:
        """Return the weight of every point (B, K, L), the mean over heads."""
        return self.pool.weights(self.convolution(inputs.x), inputs.t, inputs.member).mean(dim=2)


class GaussianNetwork(nn.Module):
    """Mean and log-variance of the standardised unknowns, each by a head: Linear, ReLU, dropout, Linear."""

    def __init__(self, config: ModelConfig, known: int, unknowns: int) -> None:
        super().__init__()
        self.embedding = Embedding(config, known, laplace=0)
        self.mean, self.log_variance = (_Head(self.embedding.width, config, unknowns) for _ in range(2))

    def forward(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance (B, K, P)."""
        joined = self.embedding(inputs)
        return self.mean(joined), self.log_variance(joined)


class _Head(nn.Module):
    def __init__(self, width: int, config: ModelConfig, unknowns: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(width, config.head_hidden), nn.Linear(config.head_hidden, unknowns)
        self.dropout = config.dropout

    def forward(self, x: Tensor) -> Tensor:
        hidden = functional.dropout(functional.relu(self.first(x)), self.dropout, self.training)
        return self.second(hidden)


def spline_flow(flow: Flow, unknowns: int, context: int) -> NSF:
    """Build a conditional neural spline flow over unknowns, whose base is a standard normal.

    zuko's flow: it is pure torch and brings nothing else; sbi would add its own training loop, skorch and tensorboard.
    Source: Durkan et al. 2019, arXiv 1906.04032.
    """
    return NSF(unknowns, context=context, transforms=flow.transforms, hidden_features=flow.hidden, bins=flow.bins)


class PosteriorNetwork(nn.Module):
    """A neural spline flow over the unknowns in normal coordinates, see `bounded.py`, given the embedding.

    Each prefix has layers of its own between embedding and flow: its principal components mean something of their own.
    With `base: laplace` the flow is one of `v = exp(-a) L^-1 (z - m)`, m and L of the normal approximation and a
    learned, at first 0: an untrained flow is close to the normal approximation itself.
    """

    def __init__(self, config: ModelConfig, known: int, unknowns: int, laplace: int) -> None:
        super().__init__()
        self.embedding = Embedding(config, known, laplace)
        widths, prefixes = (self.embedding.width, *config.embedding), len(config.durations)
        self.join = nn.ModuleList(nn.Sequential(*_layers(widths, nn.SiLU)) for _ in range(prefixes))
        width = config.embedding[-1] if config.embedding else self.embedding.width
        self.flow = spline_flow(config.flow, unknowns, width)
        self.scale = nn.Linear(width, unknowns) if laplace else None
        if self.scale is not None:
            nn.init.zeros_(self.scale.weight)
            nn.init.zeros_(self.scale.bias)

    def context(self, inputs: Inputs) -> Tensor:
        """Return what the flow is given (B, K, width)."""
        parts = zip(self.join, self.embedding(inputs).unbind(dim=1), strict=True)
        return torch.stack([join(part) for join, part in parts], dim=1)

    def forward(self, inputs: Inputs, z: Tensor) -> Tensor:
        """Return the log density (B, K) of normal coordinates z (B, P)."""
        context = self.context(inputs)
        at = z[:, None].expand(-1, context.shape[1], -1)
        if self.scale is None:
            return self.flow(context).log_prob(at)
        v = torch.linalg.solve_triangular(inputs.root, (at - inputs.centre)[..., None], upper=False)[..., 0]
        a = self.scale(context)
        change = torch.log(inputs.root.diagonal(dim1=2, dim2=3)) + a
        return self.flow(context).log_prob(v * torch.exp(-a)) - change.sum(dim=2)

    def samples(self, inputs: Inputs, prefix: int, draws: Tensor) -> Tensor:
        """Map draws (S, B, P) of a standard normal to samples of normal coordinates at one prefix."""
        context = self.context(inputs)[:, prefix]
        z = self.flow(context).transform.inv(draws)
        if self.scale is None:
            return z
        v = torch.exp(self.scale(context)) * z
        return inputs.centre[:, prefix] + torch.einsum("bpq,sbq->sbp", inputs.root[:, prefix], v)


Network = GaussianNetwork | PosteriorNetwork


def blank_network(config: ModelConfig, known: int, unknowns: int, nuisances: int) -> Network:
    """Build the network of a configuration, with arbitrary weights; nuisances: those of the normal approximation."""
    if config.kind == "gaussian":
        return GaussianNetwork(config, known, unknowns)
    laplace = laplace_features(unknowns, nuisances) if config.base == "laplace" else 0
    return PosteriorNetwork(config, known, unknowns, laplace)


def start_network(config: ModelConfig, known: int, unknowns: int, nuisances: int) -> Network:
    """Build the network of a configuration with weights drawn from its seed."""
    network = initialise(lambda: blank_network(config, known, unknowns, nuisances), config.seed)
    assert isinstance(network, GaussianNetwork | PosteriorNetwork)
    return network


def _layers(widths: Sequence[int], activation: type[nn.Module] = nn.ReLU) -> list[nn.Module]:
    """Return linear layers, each followed by its activation."""
    return [layer for before, after in pairwise(widths) for layer in (nn.Linear(before, after), activation())]
