"""Networks by kind: a normalised series x (B, 2n, L) and features (B, F) -> targets, and their uncertainty.

A block is a convolution that keeps the length, an activation, and a maximum over pairs; no batch norm. After the last
block the time axis is averaged, dropped out, and goes through linear layers. Forecasts are in normalised units.

    cnn             every linear layer is followed by a ReLU (the last one only with `rectified_output`, as published)
    cnn_features    features join after the pool; every linear layer, the last included, is followed by a leaky ReLU
    residual        a level c per channel is a linear function of the last values and the features; the blocks take
                    x - c, and c is the forecast
    posterior       features, standardised, join after the pool; outputs are the mean and the log std of every target,
                    unknowns in units of their spread over the training set, forecasts as a change from the last value
    pinn            as posterior, without the std; a surrogate of the solution ties the unknowns to data and equations
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainers.preference_dynamics.config import ModelConfig
from trainers.preference_dynamics.models.activations import ACTIVATIONS
from trainers.preference_dynamics.models.surrogate import Surrogate, misfit
from trainers.preference_dynamics.series.targets import target_names
from trainers.preference_dynamics.system.equations import unknown_names

SLOPE = 0.01
"""Slope of the leaky ReLU below 0."""

LOG_STD = (-8.0, 3.0)
"""Range of the log of an estimated std."""


class Output(NamedTuple):
    """The output of a network for B series."""

    mean: Tensor
    """(B, P) targets."""
    log_std: Tensor | None = None
    """(B, P) log of the uncertainty of each."""
    residual: Tensor | None = None
    """(B, 2n, L) series less the level of the residual network."""
    penalty: Tensor | None = None
    """Term that the network adds to the loss, a scalar."""


class Network(nn.Module):
    """Blocks, pool and linear layers; kinds differ as `KINDS` says."""

    def __init__(self, config: ModelConfig, channels: int, features: int) -> None:
        super().__init__()
        self.config = config
        self.channels = channels
        widths = (channels, *config.filters)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(a, b, kernel, padding="same")
            for (a, b), kernel in zip(pairwise(widths), config.kernels, strict=True)
        )
        kind = KINDS[config.kind]
        outputs = len(target_names(config, channels // 2))
        input_size = config.filters[-1] * config.bins + (features if kind.joins else 0)
        sizes = (input_size, *config.hidden, kind.outputs(outputs, channels * config.horizon))
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.level = nn.Linear(channels + features, channels) if kind.levels else None
        self.surrogate = kind.surrogate(config, channels) if kind.surrogate else None

    def forward(self, x: Tensor, features: Tensor, mask: Tensor | None = None) -> Output:
        """Return the output; `mask` (B, bins filters[-1]) multiplies the pooled values."""
        return KINDS[self.config.kind].function(self, x, features, mask)

    def pool(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Return the averages (B, bins filters[-1]) after the blocks."""
        activation = ACTIVATIONS[self.config.activation]
        for convolution in self.convolutions:
            x = functional.max_pool1d(activation(convolution(x)), 2)
        x = functional.adaptive_avg_pool1d(x, self.config.bins).flatten(1)
        return x if mask is None else x * mask

    def linear(self, x: Tensor, between: Callable[[Tensor], Tensor], last: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the output of the linear layers, with an activation between them and one after the last."""
        for layer in self.layers[:-1]:
            x = between(layer(x))
        return last(self.layers[-1](x))


def leaky(x: Tensor) -> Tensor:
    """Return the leaky ReLU of x."""
    return functional.leaky_relu(x, SLOPE)


def compress(x: Tensor) -> Tensor:
    """Return `sign(x) log(1 + |x|)`: features in raw units span orders of magnitude."""
    return torch.sign(x) * torch.log1p(x.abs())


def cnn(network: Network, x: Tensor, features: Tensor, mask: Tensor | None) -> Output:
    """Estimate the targets from the series alone."""
    last = functional.relu if network.config.rectified_output else lambda y: y
    return Output(network.linear(network.pool(x, mask), functional.relu, last))


def cnn_features(network: Network, x: Tensor, features: Tensor, mask: Tensor | None) -> Output:
    """Estimate the targets from the series and its features."""
    return Output(network.linear(torch.cat([network.pool(x, mask), features], dim=1), leaky, leaky))


def residual(network: Network, x: Tensor, features: Tensor, mask: Tensor | None) -> Output:
    """Estimate the unknowns from the series less its level; the level is the forecast of the whole horizon."""
    assert network.level is not None
    level = leaky(network.level(torch.cat([x[:, :, -1], features], dim=1)))
    rest = x - level[:, :, None]
    unknowns = network.linear(network.pool(rest, mask), leaky, lambda y: y)
    forecast = level.repeat_interleave(network.config.horizon, dim=1)
    return Output(torch.cat([unknowns, forecast], dim=1), residual=rest)


def posterior(network: Network, x: Tensor, features: Tensor, mask: Tensor | None) -> Output:
    """Estimate mean and log std of every target."""
    out = network.linear(torch.cat([network.pool(x, mask), compress(features)], dim=1), leaky, lambda y: y)
    mean, log_std = out.chunk(2, dim=1)
    forecasts = network.channels * network.config.horizon
    last = x[:, :, -1].repeat_interleave(network.config.horizon, dim=1)
    mean = torch.cat([mean[:, :-forecasts], last + mean[:, -forecasts:]], dim=1)
    return Output(mean, log_std.clamp(*LOG_STD))


def pinn(network: Network, x: Tensor, features: Tensor, mask: Tensor | None) -> Output:
    """Estimate unknowns and forecasts; the penalty is the misfit of the surrogate to data and equations."""
    assert network.surrogate is not None
    out = network.linear(torch.cat([network.pool(x, mask), compress(features)], dim=1), leaky, lambda y: y)
    forecasts = network.channels * network.config.horizon
    unknowns, change = out[:, :-forecasts], out[:, -forecasts:]
    last = x[:, :, -1].repeat_interleave(network.config.horizon, dim=1)
    penalty = misfit(network.surrogate, unknowns, x, features, network.config.physics)
    return Output(torch.cat([unknowns, last + change], dim=1), penalty=penalty)


def _surrogate(config: ModelConfig, channels: int) -> nn.Module:
    return Surrogate(len(unknown_names(channels // 2)), channels, config.physics.width)


class Kind(NamedTuple):
    """The parts of a kind of network."""

    function: Callable[[Network, Tensor, Tensor, Tensor | None], Output]
    outputs: Callable[[int, int], int]
    """(targets, forecasts) -> number of outputs of the linear layers."""
    joins: bool = False
    """Whether features join after the pool."""
    levels: bool = False
    """Whether there is a level, which is the forecast."""
    surrogate: Callable[[ModelConfig, int], nn.Module] | None = None
    """Build the surrogate of the solution from the configuration and the number of channels, if there is one."""


KINDS: dict[str, Kind] = {
    "cnn": Kind(cnn, lambda targets, forecasts: targets),
    "cnn_features": Kind(cnn_features, lambda targets, forecasts: targets, joins=True),
    "residual": Kind(residual, lambda targets, forecasts: targets - forecasts, levels=True),
    "posterior": Kind(posterior, lambda targets, forecasts: 2 * targets, joins=True),
    "pinn": Kind(pinn, lambda targets, forecasts: targets, joins=True, surrogate=_surrogate),
}
"""Networks by kind."""


def blank_network(config: ModelConfig, channels: int, features: int) -> Network:
    """Return a network without values of its weights, to be loaded or drawn; torch's random state is not used."""
    with torch.device("meta"):
        network = Network(config, channels, features)
    return network.to_empty(device="cpu")


def start_network(config: ModelConfig, channels: int, features: int) -> Network:
    """Return a network with weights drawn from the configuration's seed: uniform in `+-1/sqrt(fan_in)`, as in torch."""
    network = blank_network(config, channels, features)
    random = torch.Generator().manual_seed(config.seed)
    for module in network.modules():
        if isinstance(module, nn.Conv1d | nn.Linear):
            bound = module.weight[0].numel() ** -0.5
            for weight in (module.weight, module.bias):
                nn.init.uniform_(weight, -bound, bound, generator=random)  # type: ignore[arg-type]
    return network


def parameter_count(network: nn.Module) -> int:
    """Return the number of parameters."""
    return sum(weight.numel() for weight in network.parameters())
