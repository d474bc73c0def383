"""Fit series of your own by least squares through the exact simulator, without a trained model.

>>> from trainers.preference_dynamics.fit import fit
>>> found = fit(y, t)                       # y (N, T, 2n): desires, then efforts; t (T,)
>>> found.table()                           # unknowns with 90 % intervals, and whether each series says them

Unknowns lie within ranges, by default those of the prior. Series in other units get into them by two symmetries:
`y / c` has g, mu, v0, m0 divided by c; time in units of s has g and Pi times s^2, Gamma, mu and v0 times s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainers.common.names import check_name
from trainers.preference_dynamics.apply import NORMAL_90
from trainers.preference_dynamics.baselines import random_starts
from trainers.preference_dynamics.config import ModelConfig, Refinement
from trainers.preference_dynamics.propagate import propagate
from trainers.preference_dynamics.refine import Box, refine
from trainers.preference_dynamics.system import PRIORS, Array, kind_of, ranges, unknown_names

if TYPE_CHECKING:
    import pandas as pd

LEAST_POINTS = 8
"""Points that a series must have."""


@dataclass(frozen=True)
class Fit:
    """What N series say of their unknowns."""

    names: tuple[str, ...]
    unknowns: Array
    """(N, Q)"""
    reach: Array
    """(N, Q) half width of the 90 % interval about each, from the curvature."""
    identified: Array
    """(N, Q) whether the series determines each."""
    converged: Array
    """(N,) whether what the fit leaves looks like noise."""
    series: Array
    """(N, T, 2n) that the unknowns lead to."""

    def table(self) -> pd.DataFrame:
        """Return one row per series and unknown: value, low, high, identified, converged."""
        import pandas as pd

        sample, column = np.indices(self.unknowns.shape)
        value, reach = self.unknowns.ravel(), self.reach.ravel()
        return pd.DataFrame(
            {
                "sample": sample.ravel(),
                "unknown": np.array(self.names)[column.ravel()],
                "value": value,
                "low": value - reach,
                "high": value + reach,
                "identified": self.identified.ravel(),
                "converged": self.converged[sample.ravel()],
            }
        )


def fit(
    y: Array,
    t: Array,
    within: Mapping[str, tuple[float, float]] | None = None,
    starts: int = 20,
    steps: int = 50,
    seed: int = 0,
) -> Fit:
    """Fit series y (N, T, 2n) of desires and efforts at times t (T,), which need not be even.

    within: ranges by kind of unknown, as in `system.PRIORS`, where they differ from it; `{"mu": (0, 0)}` holds mu at 0,
    as the published data of one action do. Starts are drawn from the ranges by `seed`, and tried until one fits.
    Good values: starts 20 for one action, 100 for two.

    Raises:
        ValueError: the series are not of that shape, hold NaN, or a time is not later than the one before.
    """
    _check(y, t)
    actions = y.shape[2] // 2
    box = _box(actions, within or {})
    first = np.tile((box.low + box.high) / 2, (len(y), 1))
    spread = np.tile(np.maximum(box.std, np.finfo(float).tiny), (len(y), 1))
    config = ModelConfig(kind="fit", seed=seed, refine=Refinement(steps=steps, starts=starts))
    begun = random_starts(config, box, y, first, spread)
    found = refine(y, t - t[0], begun, first, spread, box, steps)
    series = propagate(found.unknowns, t - t[0], actions)
    reach = NORMAL_90 * found.spread
    return Fit(unknown_names(actions), found.unknowns, reach, found.identified, found.converged, series)


def _check(y: Array, t: Array) -> None:
    if y.ndim != 3 or y.shape[2] % 2 or not y.shape[2] or y.shape[1] != len(t) or len(t) < LEAST_POINTS:
        raise ValueError(
            f"series of shape {y.shape} at {len(t)} times; expected (series, times, 2 x actions), desires first, and "
            f"at least {LEAST_POINTS} times"
        )
    if not np.isfinite(y).all():
        raise ValueError(f"{int((~np.isfinite(y)).sum())} values of the series are not finite; leave those times out")
    if not (np.diff(t) > 0).all():
        raise ValueError("a time is not later than the one before; sort the series by time")


def _box(actions: int, within: Mapping[str, tuple[float, float]]) -> Box:
    low, high = ranges(actions)
    for name, (least, most) in within.items():
        if least > most:
            raise ValueError(f"the range of {name} is ({least}, {most}); expected (smallest, largest)")
        check_name("kind of unknown", name, PRIORS)
        chosen = [kind_of(unknown) == name for unknown in unknown_names(actions)]
        low[chosen], high[chosen] = least, most
    return Box(low, high, (high - low) / 12**0.5)
