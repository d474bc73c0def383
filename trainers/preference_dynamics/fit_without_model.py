"""Fit series of your own by least squares through the exact solution, without a trained model.

>>> from trainers.preference_dynamics.fit_without_model import fit_without_model
>>> result = fit_without_model(y, t)        # y (N, T, 2n): desires, then efforts; t (T,)
>>> result.table()                          # unknowns with 90 % intervals, and whether each series identifies them

Unknowns lie within ranges, by default those of the prior. Two symmetries bring series in other units into them:
`y / c` has g, mu, v0, m0 divided by c; time in units of s has g and Pi times s^2, Gamma, mu and v0 times s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainers.common.names import check_name
from trainers.preference_dynamics.refinement.bounds import Box
from trainers.preference_dynamics.refinement.least_squares import LEAST_ERROR, refine
from trainers.preference_dynamics.refinement.starts import starts_in_prior
from trainers.preference_dynamics.refinement.strata import uncalibrated_factor
from trainers.preference_dynamics.series.inputs import FEWEST_POINTS
from trainers.preference_dynamics.system.equations import PRIORS, Array, kind_of, ranges, unknown_names
from trainers.preference_dynamics.system.solution import solve

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Fit:
    """Estimates of the unknowns of N series."""

    names: tuple[str, ...]
    unknowns: Array
    """(N, Q) in the flat order, see `names`."""
    half_width: Array
    """(N, Q) half width of the 90 % interval about each, from the curvature and what the fit leaves."""
    identified: Array
    """(N, Q) whether the series determines each unknown."""
    converged: Array
    """(N,) whether the residual looks like noise."""
    series: Array
    """(N, T, 2n) the solution for the estimated unknowns."""

    def table(self) -> pd.DataFrame:
        """Return one row per series and unknown: value, low, high, identified, converged."""
        import pandas as pd

        sample, column = np.indices(self.unknowns.shape)
        value, half_width = self.unknowns.ravel(), self.half_width.ravel()
        return pd.DataFrame(
            {
                "sample": sample.ravel(),
                "unknown": np.array(self.names)[column.ravel()],
                "value": value,
                "low": value - half_width,
                "high": value + half_width,
                "identified": self.identified.ravel(),
                "converged": self.converged[sample.ravel()],
            }
        )


def fit_without_model(
    y: Array,
    t: Array,
    within: Mapping[str, tuple[float, float]] | None = None,
    starts: int = 20,
    steps: int = 50,
    seed: int = 0,
    least_error: float = LEAST_ERROR,
) -> Fit:
    """Fit series y (N, T, 2n) of desires and efforts at times t (T,), which need not be even.

    within: ranges by kind of unknown in place of those of `equations.PRIORS`; `{"mu": (0, 0)}` fixes mu at 0, as in the
    published data of one action. `starts` starts are drawn from the ranges by `seed` and tried until one fits; `steps`
    is the largest number of iterations of each. least_error: the accuracy of the solver or the resolution of the
    instrument that the series come from, in units of the std of desires or of efforts; larger errors show in the
    residual of the fit. Good values: starts 20 for one action, 100 for two.

    Raises:
        ValueError: the series have another shape, hold NaN, or a time is not later than the one before.
    """
    _check(y, t)
    actions = y.shape[2] // 2
    box = _box(actions, within or {})
    middle = np.tile((box.low + box.high) / 2, (len(y), 1))
    spread = np.tile(np.maximum(box.std, np.finfo(float).tiny), (len(y), 1))
    refined = refine(y, t - t[0], starts_in_prior(y, box, starts, seed), middle, spread, box, steps, least_error)
    return Fit(
        names=unknown_names(actions),
        unknowns=refined.unknowns,
        half_width=uncalibrated_factor(refined) * refined.spread,
        identified=refined.identified,
        converged=refined.converged,
        series=solve(refined.unknowns, t - t[0], actions),
    )


def _check(y: Array, t: Array) -> None:
    if y.ndim != 3 or y.shape[2] % 2 or not y.shape[2] or y.shape[1] != len(t) or len(t) < FEWEST_POINTS:
        raise ValueError(
            f"series of shape {y.shape} at {len(t)} times; expected (series, times, 2 x actions), desires first, and "
            f"at least {FEWEST_POINTS} times"
        )
    if not np.isfinite(y).all():
        raise ValueError(f"{int((~np.isfinite(y)).sum())} values of the series are not finite; leave those times out")
    if not (np.diff(t) > 0).all():
        raise ValueError("a time is not later than the one before; sort the series by time")


def _box(actions: int, within: Mapping[str, tuple[float, float]]) -> Box:
    """Return the range of every unknown, with the std of a uniform distribution over it."""
    low, high = ranges(actions)
    for name, (smallest, largest) in within.items():
        if smallest > largest:
            raise ValueError(f"the range of {name} is ({smallest}, {largest}); expected (smallest, largest)")
        check_name("kind of unknown", name, PRIORS)
        members = [kind_of(unknown) == name for unknown in unknown_names(actions)]
        low[members], high[members] = smallest, largest
    return Box(low, high, (high - low) / 12**0.5)
