"""The posterior of thresholds that a series never reaches.

While the desire v stays above its threshold mu, mu has no influence on the series: all that the series says is that mu
lies below its smallest desire. The posterior is then the prior below that value, times the rule by which draws are
accepted (`system/stability.py`): it refuses some thresholds for the other unknowns at hand. Two thresholds that are
both out of reach are drawn together, since the rule couples them.

The prior is taken as uniform. The mean has the least expected squared error; no estimate has a smaller one.
"""

from __future__ import annotations

import numpy as np

from trainers.common.calibration import NORMAL_90
from trainers.preference_dynamics.refinement.bounds import Box, bounds
from trainers.preference_dynamics.refinement.least_squares import Refined
from trainers.preference_dynamics.system.equations import Array, unpack
from trainers.preference_dynamics.system.solution import solve
from trainers.preference_dynamics.system.stability import accepted

DRAWS = 128
"""Draws per series; the mean has an error of 1/11 of the posterior's std."""

FINE = 8
"""Points per time step in the search for the smallest desire."""

BLOCK = 256
"""Series solved at a time: bounds the memory."""

FEWEST = 8
"""Accepted draws below which all draws count: the rule then says that the other unknowns are wrong."""


def with_unreached_thresholds(refined: Refined, series: Array, t: Array, box: Box, rule: str, seed: int) -> Refined:
    """Return refined unknowns with mean and spread of `posterior_of_thresholds` for thresholds not identified.

    series (N, L, 2n) at times t (L,). Between two of these the desire of the fit may be lower than at any of them.
    """
    columns = slice(series.shape[2] // 2, series.shape[2])
    unreached = ~refined.identified[:, columns] & (box.std[columns] > 0)
    if not unreached.any():
        return refined
    low, high = (edge[:, columns] for edge in bounds(series, box))
    index = np.flatnonzero(unreached.any(axis=1))
    lowest = np.fmin(smallest_desire(refined.unknowns[index], t, series.shape[2] // 2), high[index])
    high[index] = np.maximum(lowest, low[index])
    mean, spread, _ = posterior_of_thresholds(refined.unknowns, unreached, low, high, rule, seed)
    unknowns, spreads = refined.unknowns.copy(), refined.spread.copy()
    unknowns[:, columns] = mean
    spreads[:, columns] = np.where(unreached, spread, spreads[:, columns])
    return refined._replace(unknowns=unknowns, spread=spreads)


def smallest_desire(unknowns: Array, t: Array, actions: int) -> Array:
    """Return the smallest desire (N, n) of unknowns (N, Q), at times t (T,) and between them; NaN if one diverges."""
    fine = np.interp(np.arange(FINE * (len(t) - 1) + 1) / FINE, np.arange(len(t)), t)
    blocks = np.array_split(unknowns, len(unknowns) // BLOCK + 1)
    return np.concatenate([solve(block, fine, actions)[..., :actions].min(axis=1) for block in blocks])


def posterior_of_thresholds(
    unknowns: Array, unreached: Array, low: Array, high: Array, rule: str, seed: int, draws: int = DRAWS
) -> tuple[Array, Array, Array]:
    """Return mean, spread and std (N, n) of the thresholds mu of series with unknowns (N, Q), given all others.

    unreached (N, n): which thresholds are drawn, between low and high (N, n); the others keep their value, spread 0.
    The spread is such that 1.645 of it on both sides of the mean hold 90 % of the draws. rule: as `stability.accepted`.
    Good values of `draws`: 100 or more.
    """
    count, actions = unreached.shape
    random = np.random.default_rng([seed, 3])
    given = unknowns[:, actions : 2 * actions]
    # one uniform number per draw and threshold, the same for every series: no series depends on the others beside it
    share = random.uniform(size=(draws, 1, actions))
    mu = np.where(unreached, low + share * (high - low), given)
    systems = np.broadcast_to(unknowns, (draws, *unknowns.shape)).copy()
    systems[..., actions : 2 * actions] = mu
    valid = accepted(unpack(systems.reshape(-1, unknowns.shape[1]), actions), rule).reshape(draws, count)
    valid |= valid.sum(axis=0) < FEWEST
    mean = (mu * valid[..., None]).sum(axis=0) / valid.sum(axis=0)[:, None]
    mean = np.where(unreached, mean, given)  # the mean of equal numbers is another by rounding
    distance = np.where(valid[..., None], np.abs(mu - mean), np.nan)
    return mean, np.nanquantile(distance, 0.9, axis=0) / NORMAL_90, np.sqrt(np.nanmean(distance**2, axis=0))
