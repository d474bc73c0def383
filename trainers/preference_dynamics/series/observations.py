"""Observe systems in the ways in which a model may meet them: exactly, by a general solver, with noise."""

from __future__ import annotations

import numpy as np

from trainers.preference_dynamics.system.equations import Array
from trainers.preference_dynamics.system.general_solver import solve_generally
from trainers.preference_dynamics.system.solution import solve

WAYS = ("as given", "exact", "solver", "noise", "solver", "noise")
"""In which way series k is observed: the entry at k, over and over."""

RTOL = (1e-10, 1e-2)
"""Range of the tolerance of a general solver, even in its logarithm [1]."""

NOISE = (0.003, 0.15)
"""Range of the noise, even in its logarithm [std of the block]."""


def observe_anew(y: Array, unknowns: Array, t: Array, actions: int, seed: int) -> Array:
    """Return series y (N, T, 2n) of unknowns (N, Q) at times t (T,), each observed in one of the `WAYS`."""
    random = np.random.default_rng([seed, 4])
    size = len(y)
    rtol, level = (low * (high / low) ** random.uniform(size=size) for low, high in (RTOL, NOISE))
    draws = random.standard_normal(y.shape)
    exact = solve(unknowns, t - t[0], actions)
    blocks = [block.std(axis=(1, 2), keepdims=True) for block in np.split(exact, 2, axis=2)]
    std = np.repeat(np.concatenate(blocks, axis=2), actions, axis=2)
    way = np.resize(WAYS, size)
    series = np.where((way == "as given")[:, None, None], y, exact)
    series += np.where(way == "noise", level, 0.0)[:, None, None] * std * draws
    general = np.flatnonzero(way == "solver")
    series[general] = solve_generally(unknowns[general], t - t[0], actions, rtol[general])
    return series
