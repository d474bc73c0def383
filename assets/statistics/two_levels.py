"""Two levels of chance: training runs and test trajectories, and what both make of a mean.

Every run meets the same trajectories, so the two are crossed: `x_rn = mu + a_r + b_n + e_rn` for run r on trajectory n.
With R runs, the spread of the runs' means estimates `var a + var e / N`, and the trajectories add `var b / N`.

- Runs: Student's t with R - 1 degrees of freedom.
- Trajectories: t as well, corrected for skewness by Hall's transformation (1992), Journal of the Royal Statistical
  Society B 54, 221, since errors of trajectories are often skewed: a few of them are much worse than the rest.
- Both: the half-widths add as squares, `h^2 = h_runs^2 + h_trajectories^2`, on each side of the mean, at every level
  (Zou & Donner 2008, Statistics in Medicine 27, 1693). Satterthwaite's degrees of freedom cover 90 % instead of 95 from
  two or three runs.

docs/statistics.md says how often the intervals cover, and where they fail.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SMALLEST_P = 1e-12
"""p values are computed down to here."""

Array = np.ndarray


@dataclass(frozen=True)
class TwoLevels:
    """A mean over runs and trajectories with the error that each level gives it."""

    mean: float
    runs: int
    run_error: float
    """Standard error of the mean by the spread between runs; NaN for a single run."""
    trajectory_error: float
    """Further standard error by the spread between trajectories; NaN where no test set has two."""
    freedom: float
    """Degrees of freedom of the trajectories' error."""
    skewness: float
    """Skewness of the mean over trajectories, `sum L^3 / (sum L^2)^1.5` of their contributions L."""
    of_logarithm: bool
    """Whether the mean is that of logarithms of sums over trajectories, so that their error is within the logarithm."""

    def limits(self, level: float) -> tuple[float, float]:
        """Return the ends of the interval at a level, such as 0.95; NaN where neither level has a spread."""
        return self._limit((1 - level) / 2, -1), self._limit((1 - level) / 2, 1)

    def p(self) -> float:
        """Return the two-sided p value of a mean of zero, by inverting the interval; NaN without an interval."""
        from scipy.optimize import brentq

        if self.mean == 0 or not math.isfinite(self._limit(0.025, 1)):
            return math.nan if self.mean else 1.0
        side = -1 if self.mean > 0 else 1

        def beyond_zero(p: float) -> float:
            return -side * self._limit(p / 2, side)

        if beyond_zero(1.0) <= 0:
            return 1.0
        return SMALLEST_P if beyond_zero(SMALLEST_P) > 0 else float(brentq(beyond_zero, SMALLEST_P, 1.0, xtol=1e-12))

    def _limit(self, tail: float, side: int) -> float:
        """Return the upper (side 1) or lower end (-1) beyond which lies a probability `tail`."""
        from scipy.special import stdtrit

        if not (self.run_error >= 0 or self.trajectory_error >= 0):
            return math.nan
        by_runs = by_trajectories = 0.0
        if self.run_error > 0:
            by_runs = -self.run_error * float(stdtrit(self.runs - 1, tail))
        if self.trajectory_error > 0:
            quantile = -side * -float(stdtrit(self.freedom, tail))
            shift = -self.trajectory_error * _inverse_of_hall(self.skewness, quantile)
            by_trajectories = math.log(max(1 + shift, SMALLEST_P)) if self.of_logarithm else shift
        # Hall's transformation can move both ends to one side of the mean: squares keep their sign.
        squares = by_runs**2 + side * by_trajectories * abs(by_trajectories)
        return self.mean + side * math.copysign(math.sqrt(abs(squares)), squares)


def _inverse_of_hall(skewness: float, x: float) -> float:
    """Return t with `t + k t^2/3 + k^2 t^3/27 + k/6 = x`, which is nearly normal where t is studentised, skewness k."""
    if abs(skewness) < 1e-6:
        return x
    return 3 / skewness * (float(np.cbrt(1 + skewness * (x - skewness / 6))) - 1)


def two_levels(means: Array, contributions: Sequence[Array], of_logarithm: bool) -> TwoLevels:
    """Return the mean over runs with its errors.

    `means` (R,): of each run. `contributions`: for each test set (R, N), what each trajectory adds to the mean of each
    run beyond its share, so that every row sums to zero; all zero where a trajectory counts in no run.
    """
    runs = len(means)
    variance, residual, cubes, spread = 0.0, 0.0, 0.0, 0.0
    several = False
    for of_set in contributions:
        count = int((of_set != 0).any(axis=0).sum())
        if count < 2:
            continue
        several = True
        over_runs = of_set.mean(axis=0)
        of_trajectories = count / (count - 1) * float((over_runs**2).sum())
        variance += of_trajectories
        spread += of_trajectories**2 / (count - 1)
        cubes += float((over_runs**3).sum())
        if runs > 1:
            rest = float(((of_set - over_runs) ** 2).sum())
            residual += count / (count - 1) * rest / (runs * (runs - 1))
    return TwoLevels(
        mean=float(means.mean()),
        runs=runs,
        run_error=float(means.std(ddof=1)) / math.sqrt(runs) if runs > 1 else math.nan,
        trajectory_error=math.sqrt(max(variance - residual, 0.0)) if several else math.nan,
        freedom=variance**2 / spread if spread > 0 else math.nan,
        skewness=cubes / variance**1.5 if variance > 0 else 0.0,
        of_logarithm=of_logarithm,
    )
