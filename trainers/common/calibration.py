"""Intervals that hold what they promise: conformal factors, coverage, and tests of posterior samples.

A model gives an estimate and a spread for each target. `conformal_factor` says how many spreads an interval must reach
so that new samples of the same kind are covered, whatever the errors look like; `stratified_factors` does so within
every stratum of a score that is known of a new sample (Mondrian conformal prediction), such as its noise.

Sources: Vovk, Gammerman & Shafer 2005, Algorithmic Learning in a Random World; Lei et al. 2018, JASA 113:1094.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

Array = np.ndarray

NORMAL_90 = 1.6448536269514722
"""Half width of the interval that holds 90 % of a normal distribution [std]."""

CONFIDENCE = 0.95
"""Level of the binomial intervals of a coverage."""


def conformal_factor(error: Array, spread: Array, level: float = 0.9, otherwise: float = NORMAL_90) -> Array:
    """Return the split conformal quantile (P,): the `ceil(level (m + 1))`-th smallest |error| / spread of m samples.

    An interval of this many spreads covers a new exchangeable sample with probability `level` or more. With fewer than
    `level / (1 - level)` samples (9 for 90 %) there is no such quantile; the largest ratio is taken, which covers with
    m / (m + 1). A column without spread has nothing to stretch and gets `otherwise`. Shapes: error, spread (m, P).
    """
    count = len(error)
    rank = min(count, int(np.ceil(level * (count + 1)))) - 1
    with np.errstate(all="ignore"):
        ratio = np.sort(np.abs(error) / spread, axis=0)[rank]
    return np.where(np.isfinite(ratio), ratio, otherwise)


class StratifiedFactors(NamedTuple):
    """A conformal factor per stratum; strata are ranges of a score."""

    edges: Array
    """(K - 1,) scores at which the next stratum begins, increasing."""
    factors: Array
    """(K, P)"""

    def of(self, score: Array) -> Array:
        """Return the factors (N, P) of samples with scores (N,); a score that is NaN gets the widest."""
        widest = np.broadcast_to(self.factors.max(axis=0), (len(score), self.factors.shape[1]))
        return np.where(np.isnan(score)[:, None], widest, self.factors[np.searchsorted(self.edges, score, "right")])


def stratified_factors(
    error: Array, spread: Array, score: Array, strata: int, level: float = 0.9, otherwise: float = NORMAL_90
) -> StratifiedFactors:
    """Return a conformal factor for each of `strata` equally frequent ranges of a score (m,).

    Each range covers on its own, at the price of factors that rest on m / strata samples. Ranges that would hold fewer
    than `level / (1 - level)` samples are not made, nor those of tied scores: there are then fewer strata.
    Good values of `strata`: 3 to 5, with at least 100 samples each.
    """
    fewest = int(np.ceil(level / (1 - level) - 1e-9))
    finite_scores = score[np.isfinite(score)]
    strata = max(1, min(strata, len(finite_scores) // fewest))
    edges = np.unique(np.quantile(finite_scores, np.arange(1, strata) / strata)) if strata > 1 else np.array([])
    place = np.searchsorted(edges, score, "right")
    sizes = np.bincount(place, minlength=len(edges) + 1)
    if strata > 1 and sizes.min() < fewest:
        # ties have emptied a range: one fewer, down to a single one
        return stratified_factors(error, spread, score, strata - 1, level, otherwise)
    parts = [conformal_factor(error[place == k], spread[place == k], level, otherwise) for k in range(len(sizes))]
    return StratifiedFactors(edges, np.stack(parts))


def binomial_interval(hits: Array, count: Array) -> tuple[Array, Array]:
    """Return the 95 % interval of a share, after Clopper & Pearson 1934; hits may be a mean count, not an integer."""
    from scipy.stats import beta

    tail, hits, count = (1 - CONFIDENCE) / 2, np.asarray(hits, float), np.asarray(count, float)
    low = np.where(hits > 0, beta.ppf(tail, np.maximum(hits, 1e-9), count - hits + 1), 0.0)
    high = np.where(hits < count, beta.ppf(1 - tail, hits + 1, np.maximum(count - hits, 1e-9)), 1.0)
    return low, high


def coverage_table(inside: Array, strata: Mapping[str, Array], nominal: float = 90.0) -> pd.DataFrame:
    """Return the coverage of each stratum: stratum, nominal, observed, low, high [%], n.

    inside (N, P): whether each target of each sample lies in its interval. strata: by name, which samples (N,) or which
    entries (N, P) belong to it. The targets of one sample succeed and fail together, so that the 95 % interval
    counts samples, n, and not entries.
    """
    rows = []
    for name, members in strata.items():
        entries = np.broadcast_to(members[:, None] if members.ndim == 1 else members, inside.shape)
        count = int(entries.any(axis=1).sum())
        if count:
            share = float(inside[entries].mean())
            low, high = binomial_interval(np.array(share * count), np.array(count))
            rows.append((name, nominal, 100 * share, 100 * float(low), 100 * float(high), count))
    return pd.DataFrame(rows, columns=["stratum", "nominal", "observed", "low", "high", "n"])


def simulation_based_calibration(samples: Array, truth: Array, names: tuple[str, ...]) -> pd.DataFrame:
    """Test that true values rank uniformly among posterior samples (S, N, P); truth (N, P).

    The rank of a truth is the number of its S samples below it: uniform on 0 ... S if the posterior is exact and truths
    come from the prior. p_value: Kolmogorov-Smirnov on the ranks, ties broken at random halves; mean_rank above 1/2 is
    an estimate that is too low; spread is the std of ranks by that of uniform ones, above 1 where posteriors are too
    narrow. Small p-values over many targets need a correction. Source: Talts et al. 2018, arXiv 1804.06788.
    """
    from scipy.stats import kstest

    below, same = (samples < truth).sum(axis=0), (samples == truth).sum(axis=0)
    rank = (below + same / 2 + 0.5) / (len(samples) + 1)
    return pd.DataFrame(
        {
            "target": names,
            "mean_rank": rank.mean(axis=0),
            "spread": rank.std(axis=0) * 12**0.5,
            "p_value": [float(kstest(column, "uniform").pvalue) for column in rank.T],
            "n": len(truth),
        }
    )


def expected_coverage(samples: Array, truth: Array, seed: int, levels: int = 20) -> pd.DataFrame:
    """Return nominal and observed coverage of balls about random points, of posterior samples (S, N, P): TARP.

    For a random reference point of each truth (N, P), f is the share of posterior samples nearer to it than the truth.
    The posterior is right where f is uniform; an observed coverage below the nominal one is over-confidence. It sees
    the joint distribution of all targets, which ranks one by one do not. Targets are taken in units of their range
    over the truths. Columns nominal, observed, low, high [%], n. Source: Lemos et al. 2023, arXiv 2302.03026.
    """
    lowest, width = truth.min(axis=0), np.ptp(truth, axis=0)
    width = np.where(width > 0, width, 1.0)
    scaled, true = (samples - lowest) / width, (truth - lowest) / width
    reference = np.random.default_rng(seed).uniform(size=true.shape)
    nearer = np.linalg.norm(scaled - reference, axis=2) < np.linalg.norm(true - reference, axis=1)
    share, nominal = nearer.mean(axis=0), np.arange(1, levels) / levels
    hits = (share[:, None] < nominal).sum(axis=0)
    low, high = binomial_interval(hits, np.full(len(nominal), len(truth)))
    columns = {"nominal": nominal, "observed": hits / len(truth), "low": low, "high": high}
    return pd.DataFrame({name: 100 * values for name, values in columns.items()} | {"n": len(truth)})
