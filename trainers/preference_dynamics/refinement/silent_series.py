"""Series in which nothing moves: no desire and no effort leaves its lowest value.

All that such a series says is that its states stayed at or below their thresholds until its end, an inequality. Least
squares satisfy it at its edge, where g, v0 and m0 are 0, which no posterior does. So draws from the first estimate are
tried instead: those whose solution is the series make up its posterior.
"""

from __future__ import annotations

import numpy as np

from trainers.common.calibration import NORMAL_90
from trainers.preference_dynamics.refinement.bounds import SLACK, Box
from trainers.preference_dynamics.refinement.least_squares import Refined
from trainers.preference_dynamics.system.equations import Array
from trainers.preference_dynamics.system.solution import solve

DRAWS = 1000
"""Draws from the first estimate per series."""

FEWEST = 20
"""Draws that must agree with the series; with fewer, the first estimate stands."""


def with_silent_series(
    refined: Refined, series: Array, t: Array, first: Array, spread: Array, box: Box, seed: int
) -> Refined:
    """Return refined unknowns whose silent series have mean and spread of the draws that agree with them.

    series (N, L, 2n) at times t (L,); first, spread (N, Q): the first estimate, normal within the box. The spread is
    such that 1.645 of it on both sides of the mean hold 90 % of the draws. Of a silent series nothing is identified.
    """
    silent = np.flatnonzero((np.ptp(series, axis=1) <= SLACK).all(axis=1))
    if not silent.size:
        return refined
    unknowns, spreads, identified = refined.unknowns.copy(), refined.spread.copy(), refined.identified.copy()
    # the same numbers for every series: no series depends on the others beside it
    normal = np.random.default_rng([seed, 5]).standard_normal((DRAWS, first.shape[1]))
    for k in silent:
        draws = np.where(box.std > 0, first[k] + spread[k] * normal, box.low)
        draws = draws[((draws >= box.low) & (draws <= box.high)).all(axis=1)]
        draws = draws[(np.abs(solve(draws, t, series.shape[2] // 2) - series[k]) <= SLACK).all(axis=(1, 2))]
        enough = len(draws) >= FEWEST
        unknowns[k] = draws.mean(axis=0) if enough else np.clip(first[k], box.low, box.high)
        distance = np.abs(draws - unknowns[k])
        spreads[k] = np.quantile(distance, 0.9, axis=0) / NORMAL_90 if enough else spread[k] * (box.std > 0)
        identified[k] = box.std == 0
    return refined._replace(unknowns=unknowns, spread=spreads, identified=identified)
