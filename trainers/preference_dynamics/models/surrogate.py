"""The physics-informed part of a network: a surrogate of the solution, and its misfit to data and equations.

The surrogate S maps the network's estimate theta of the unknowns and a time to a state (v, m) that starts at (v0, m0):

    S(t) = (v0, m0) + (1 - e^-t) net(theta, t)

Added to the loss on the unknowns are, over the first points t_k of a series and in units c of its blocks,

    data     mean(((observe(S(t_k)) - y(t_k)) / c)^2)
    physics  mean(((S'(t_k) - f(S(t_k), theta)) / c)^2)

with f the right-hand side of the system and S' exact. `temperature` smooths the maxima of f and of the observation:
`max(x, 0) ~ T log(1 + e^(x/T))`. Source: Raissi, Perdikaris & Karniadakis 2019.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainers.preference_dynamics.config import Physics

LEAST_SCALE = 0.1
"""Added to the std of a block, so that a nearly constant series does not dominate the loss [1]."""


class Surrogate(nn.Module):
    """The solution as a network of two hidden layers of tanh, of the unknowns (B, Q) and times (K,)."""

    def __init__(self, unknowns: int, channels: int, width: int) -> None:
        super().__init__()
        self.unknowns = nn.Linear(unknowns, width)
        self.time = nn.Linear(1, width)
        self.middle = nn.Linear(width, width)
        self.last = nn.Linear(width, channels)

    def forward(self, unknowns: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return states (B, K, 2n) at times t (B, K), and their derivatives by time."""
        first = torch.tanh(self.unknowns(unknowns)[:, None] + self.time(t[..., None]))
        first_rate = (1 - first**2) * self.time.weight[:, 0]
        second = torch.tanh(self.middle(first))
        second_rate = (1 - second**2) * functional.linear(first_rate, self.middle.weight)
        net, net_rate = self.last(second), functional.linear(second_rate, self.last.weight)
        decay = torch.exp(-t)[..., None]
        start = unknowns[:, None, -net.shape[2] :]
        return start + (1 - decay) * net, decay * net + (1 - decay) * net_rate


def misfit(surrogate: nn.Module, unknowns: Tensor, x: Tensor, features: Tensor, settings: Physics) -> Tensor:
    """Return the weighted sum of both terms, for unknowns (B, Q), series (B, 2n, L) and features (B, F).

    The features begin with the time step and the log of the blocks' std; the series are in units of these.
    """
    actions, count = x.shape[1] // 2, min(settings.points, x.shape[2])
    spread = torch.exp(features[:, 1:3]).repeat_interleave(actions, dim=1)[:, None]
    observed = x[:, :, :count].transpose(1, 2) * spread
    t = features[:, :1] * torch.arange(count, device=x.device)
    state, rate = surrogate(unknowns, t)
    g, mu, pi, gamma = _parameters(unknowns, actions)
    desire = mu[:, None] + _positive_part(state[..., :actions] - mu[:, None], settings.temperature)
    effort = _positive_part(state[..., actions:], settings.temperature)
    right = torch.cat([g[:, None] - effort @ pi.transpose(1, 2), desire - effort @ gamma.transpose(1, 2)], dim=2)
    scale = spread + LEAST_SCALE
    data = (((torch.cat([desire, effort], dim=2) - observed) / scale) ** 2).mean()
    physics = (((rate - right) / scale) ** 2).mean()
    return settings.data * data + settings.equations * physics


def _parameters(unknowns: Tensor, actions: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    n = actions
    g, mu, pi, gamma, _ = unknowns.split([n, n, n * n, n * n, 2 * n], dim=1)
    return g, mu, pi.reshape(-1, n, n), gamma.reshape(-1, n, n)


def _positive_part(x: Tensor, temperature: float) -> Tensor:
    """Return max(x, 0), smoothed if there is a temperature."""
    return functional.softplus(x, beta=1 / temperature) if temperature > 0 else functional.relu(x)
