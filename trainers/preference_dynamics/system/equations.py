"""The system of n actions: its unknowns, their names, order, priors and constraints.

    u = max(v, mu)      desire          v' = g - Pi a
    a = max(m, 0)       effort          m' = u - Gamma a

State (v, m) and observation (u, a) have 2n channels each. All quantities are dimensionless. The flat order of unknowns
is g, mu, Pi row by row, Gamma row by row, v0, m0. Source: Krecik 2025, doi 10.1007/s10614-025-10895-3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Array = np.ndarray

PRIORS: dict[str, tuple[float, float]] = {
    "g": (0.0, 3.0),
    "mu": (-10.0, 0.0),
    "Pi_diagonal": (0.1, 3.0),
    "Pi": (-3.0, 0.0),
    "Gamma_diagonal": (0.1, 3.0),
    "Gamma": (-3.0, 3.0),
    "v0": (-5.0, 5.0),
    "m0": (-2.0, 2.0),
}
"""Smallest and largest value of each kind of unknown [1]."""


class System(NamedTuple):
    """Unknowns of N systems, trajectories last: vectors (n, N), matrices (n, n, N)."""

    g: Array
    mu: Array
    pi: Array
    gamma: Array
    v0: Array
    m0: Array


def parameter_names(actions: int) -> tuple[str, ...]:
    """Return the names of the 2n + 2n^2 parameters: g_0, ..., mu_0, ..., Pi_0,0, ..., Gamma_0,0, ..."""
    one = range(actions)
    vectors = [f"{name}_{i}" for name in ("g", "mu") for i in one]
    return (*vectors, *(f"{name}_{i},{j}" for name in ("Pi", "Gamma") for i in one for j in one))


def initial_names(actions: int) -> tuple[str, ...]:
    """Return the names of the 2n initial values: v0_0, ..., m0_0, ..."""
    return tuple(f"{name}_{i}" for name in ("v0", "m0") for i in range(actions))


def unknown_names(actions: int) -> tuple[str, ...]:
    """Return the names of all 4n + 2n^2 unknowns, in the flat order."""
    return parameter_names(actions) + initial_names(actions)


def series_names(actions: int) -> tuple[str, ...]:
    """Return the names of the 2n observed channels: u_0, ..., a_0, ..."""
    return tuple(f"{name}_{i}" for name in ("u", "a") for i in range(actions))


def forecast_names(actions: int, horizon: int = 1) -> tuple[str, ...]:
    """Return the names of the forecasts, channel by channel: u_0_forecast; with a horizon u_0_forecast_1, ..."""
    endings = [""] if horizon == 1 else [f"_{k + 1}" for k in range(horizon)]
    return tuple(f"{name}_forecast{ending}" for name in series_names(actions) for ending in endings)


def actions_of(names: Sequence[str]) -> int:
    """Return the number of actions of a series.

    Raises:
        ValueError: the channels are not u_0, ..., a_0, ...
    """
    actions = len(names) // 2
    if not names or tuple(names) != series_names(actions):
        raise ValueError(f"channels are {tuple(names)}; expected desires and efforts: u_0, ..., a_0, ... in this order")
    return actions


def ranges(actions: int) -> tuple[Array, Array]:
    """Return smallest and largest prior value (Q,) of every unknown, in the flat order."""
    pairs = [PRIORS[kind_of(name)] for name in unknown_names(actions)]
    low, high = np.array(pairs).T
    return low, high


def kind_of(name: str) -> str:
    """Return the kind of an unknown, a name in PRIORS: `Pi_0,0` is Pi_diagonal."""
    kind, _, index = name.partition("_")
    row, _, column = index.partition(",")
    return f"{kind}_diagonal" if column and row == column else kind


def unpack(flat: Array, actions: int) -> System:
    """Return the system of unknowns (N, Q) in the flat order, trajectories last."""
    n, rows = actions, np.ascontiguousarray(flat.T)
    edges = np.cumsum([n, n, n * n, n * n, n])
    g, mu, pi, gamma, v0, m0 = np.split(rows, edges)
    return System(g, mu, pi.reshape(n, n, -1), gamma.reshape(n, n, -1), v0, m0)


def observe(state: Array, mu: Array) -> Array:
    """Return the observation (2n, ...) of states (2n, ...): `u = max(v, mu)`, `a = max(m, 0)`; mu (n, ...)."""
    n = len(mu)
    return np.concatenate([np.maximum(state[:n], mu), np.maximum(state[n:], 0.0)])
