"""Statistics of errors: moments, quartiles and measures of asymmetry, over finite values only, always with their n.

Also which rollouts fail, so that no error of theirs enters a mean.
"""

from __future__ import annotations

import numpy as np

REGION = 10.0
"""Largest distance of a rollout that does not fail, as a multiple of the largest of the data [1]."""

Array = np.ndarray


def finite(values: Array) -> Array:
    """Return the finite values of an array of any shape, flattened, in double precision."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    return flat[np.isfinite(flat)]


def skewness(values: Array) -> float:
    """Compute `mean(((x - mean)/std)^3)` with divisor n; NaN without spread (Fisher's g1, biased)."""
    x = finite(values)
    spread = _spread(x)
    return float(np.mean(((x - x.mean()) / spread) ** 3)) if spread > 0 else np.nan


def quartiles(values: Array) -> tuple[float, float, float]:
    """Return Q1, the median and Q3, linearly interpolated between order statistics; NaN without values."""
    x = finite(values)
    if x.size == 0:
        return np.nan, np.nan, np.nan
    first, median, third = np.percentile(x, (25.0, 50.0, 75.0))
    return float(first), float(median), float(third)


def outliers(values: Array) -> float:
    """Return the share of values below Q1 - 1.5 IQR or above Q3 + 1.5 IQR [%]: the outliers of a box plot.

    0.7 % of a normal sample lie there. NaN without values. Source: Tukey (1977), Exploratory Data Analysis, chapter 2.
    """
    x = finite(values)
    first, _, third = quartiles(x)
    reach = 1.5 * (third - first)
    return 100 * float(np.mean((x < first - reach) | (x > third + reach))) if x.size else np.nan


def histogram_mode(values: Array) -> float:
    """Estimate the mode: the centre of the fullest bin of a histogram (the lowest one on a tie).

    Bins have the width of Freedman and Diaconis (1981), `2 IQR n^(-1/3)`, and cover only what lies within the fences
    Q1 - 1.5 IQR and Q3 + 1.5 IQR: the mode is in the bulk, and one far outlier cannot ask for a billion bins.
    Without an interquartile range the median is the mode.
    """
    x = finite(values)
    first, median, third = quartiles(x)
    spread = third - first
    if x.size == 0 or spread <= np.finfo(float).tiny:
        return median
    low, high = max(x.min(), first - 1.5 * spread), min(x.max(), third + 1.5 * spread)
    bins = int(np.ceil((high - low) / (2 * spread * x.size ** (-1 / 3))))
    counts, edges = np.histogram(x, bins=max(bins, 1), range=(low, high))
    fullest = int(np.argmax(counts))
    return float((edges[fullest] + edges[fullest + 1]) / 2)


def pearson_1(values: Array) -> float:
    """Compute Pearson's first skewness coefficient `(mean - mode)/std`, with the mode of `histogram_mode`."""
    x = finite(values)
    spread = _spread(x)
    return float((x.mean() - histogram_mode(x)) / spread) if spread > 0 else np.nan


def pearson_2(values: Array) -> float:
    """Compute Pearson's second skewness coefficient `3 (mean - median)/std`."""
    x = finite(values)
    spread = _spread(x)
    return float(3 * (x.mean() - np.median(x)) / spread) if spread > 0 else np.nan


def bowley(values: Array) -> float:
    """Compute Bowley's quartile skewness `(Q3 + Q1 - 2 Q2)/(Q3 - Q1)`, within [-1, 1]."""
    first, median, third = quartiles(values)
    return (third + first - 2 * median) / (third - first) if third > first else np.nan


def describe(values: Array) -> dict[str, float]:
    """Summarise a sample: mean, median, standard deviation (divisor n), quartiles, four skewness measures, n.

    Every number is over the finite values; without any, it is NaN and n is 0.
    """
    x = finite(values)
    first, median, third = quartiles(x)
    return {
        "mean": float(x.mean()) if x.size else np.nan,
        "median": median,
        "standard_deviation": float(x.std()) if x.size else np.nan,
        "quartile_1": first,
        "quartile_3": third,
        "skewness": skewness(x),
        "pearson_1": pearson_1(x),
        "pearson_2": pearson_2(x),
        "bowley": bowley(x),
        "n": float(x.size),
    }


def _spread(x: Array) -> float:
    """Return the standard deviation, or 0 where it is only rounding of the mean."""
    if x.size == 0:
        return 0.0
    spread = float(x.std())
    return spread if spread > 8 * np.finfo(float).eps * float(np.abs(x).max()) else 0.0


def failed_steps(rollout: Array, distance: Array, size: float, present: Array) -> Array:
    """Return the first step (N,) at which a rollout (N, T, C) fails, -1 for one that does not.

    It fails where it is not finite, or where its distance (N, T) exceeds 10 times `size`, the largest distance of the
    data, in the same unit and from the same origin. Steps that are not `present` (N, T) are padding. Out there relative
    errors grow without bound, so that a mean over them says nothing.
    """
    with np.errstate(all="ignore"):  # a comparison with NaN
        inside = np.isfinite(rollout).all(axis=-1) & (distance <= REGION * size)
    failed = present & ~inside
    return np.where(failed.any(axis=1), failed.argmax(axis=1), -1)


def without_failures(rollout: Array, failed: Array) -> Array:
    """Return rollouts (N, T, C) with NaN at all steps of those that fail, given their `failed_steps`."""
    return np.where((failed >= 0)[:, None, None], np.nan, rollout)
