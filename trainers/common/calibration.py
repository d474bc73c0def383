"""Calibrated intervals: conformal factors, coverage, and tests of posterior samples.

A model gives an estimate and a spread for each target. `conformal_factor` returns the half width of an interval, in
spreads, that covers new samples of the same distribution, whatever the distribution of the errors.
`stratified_factors` does so in every stratum of a score, such as the noise, that is available for new samples too
(Mondrian conformal prediction); `factors_by_label` in strata of any kind, also of single targets, with coarser strata
where one has too few samples.

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
    `level / (1 - level)` samples (9 for 90 %) there is no such quantile; the largest ratio stands in for it, which
    covers with probability m / (m + 1). A target whose spread is 0 has no finite ratio and gets `otherwise`.
    Shapes: error, spread (m, P). Good values of m: 100 or more.
    """
    count = len(error)
    rank = min(count, int(np.ceil(level * (count + 1)))) - 1
    with np.errstate(all="ignore"):  # 0/0 and x/0 of targets without spread: replaced below
        ratio = np.sort(np.abs(error) / spread, axis=0)[rank]
    return np.where(np.isfinite(ratio), ratio, otherwise)


class StratifiedFactors(NamedTuple):
    """A conformal factor per stratum; strata are ranges of a score."""

    edges: Array
    """(K - 1,) scores at which the next stratum begins, increasing."""
    factors: Array
    """(K, P) half widths of the intervals in each stratum [spreads]."""

    def of(self, score: Array) -> Array:
        """Return the factors (N, P) of samples with scores (N,); a score of NaN gets the widest, to be safe."""
        widest = np.broadcast_to(self.factors.max(axis=0), (len(score), self.factors.shape[1]))
        return np.where(np.isnan(score)[:, None], widest, self.factors[np.searchsorted(self.edges, score, "right")])


def fewest_samples(level: float) -> int:
    """Return the fewest samples of which a conformal quantile exists: `level / (1 - level)`, 9 for 90 %."""
    return int(np.ceil(level / (1 - level) - 1e-9))  # 0.9 / 0.1 is 9.000000000000002 in double precision


def stratified_factors(
    error: Array, spread: Array, score: Array, strata: int, level: float = 0.9, otherwise: float = NORMAL_90
) -> StratifiedFactors:
    """Return a conformal factor for each of `strata` equally frequent ranges of a score (m,).

    The coverage then holds in each range, at the price of factors that rest on m / strata samples. There are fewer
    strata where one would hold fewer than `level / (1 - level)` samples, or where scores are tied.
    Shapes: error, spread (m, P). Good values of `strata`: 3 to 5, with at least 100 samples each.
    """
    fewest = fewest_samples(level)
    finite_scores = score[np.isfinite(score)]
    strata = max(1, min(strata, len(finite_scores) // fewest))
    edges = np.unique(np.quantile(finite_scores, np.arange(1, strata) / strata)) if strata > 1 else np.array([])
    stratum = np.searchsorted(edges, score, "right")
    sizes = np.bincount(stratum, minlength=len(edges) + 1)
    if strata > 1 and sizes.min() < fewest:
        # ties have emptied a range: one fewer, down to a single one
        return stratified_factors(error, spread, score, strata - 1, level, otherwise)
    parts = [conformal_factor(error[stratum == k], spread[stratum == k], level, otherwise) for k in range(len(sizes))]
    return StratifiedFactors(edges, np.stack(parts))


def factors_by_label(
    error: Array, spread: Array, labels: Array, count: int, level: float = 0.9, otherwise: float = NORMAL_90
) -> Array:
    """Return a conformal factor (count, P) for each label of each target; NaN where fewer than 9 samples have it.

    Labels (D, m, P) are integers below `count`, from the finest strata to the coarsest, no label in two of them: entry
    (d, k, p) is the stratum of target p of sample k in the d-th of them. `factors_of` takes for each target the finest
    one that has a factor. Labels must not depend on true values, which are not known of new samples.
    Shapes: error, spread (m, P). Good values: 100 samples of a label or more.
    """
    factors = np.full((count, error.shape[1]), np.nan)
    for label in np.unique(labels):
        members = (labels == label).any(axis=0)
        for target in np.flatnonzero(members.sum(axis=0) >= fewest_samples(level)):
            rows = members[:, target]
            factors[label, target] = conformal_factor(
                error[rows, target, None], spread[rows, target, None], level, otherwise
            )[0]
    return factors


def factors_of(factors: Array, labels: Array, otherwise: float | Array = NORMAL_90) -> Array:
    """Return the factors (N, P) of samples with labels (D, N, P), of the finest stratum that has one.

    `otherwise` where none has, which happens with a table of fewer than 9 samples alone.
    """
    result = np.full(labels.shape[1:], np.nan)
    for part in labels:
        result = np.where(np.isnan(result), factors[part, np.arange(part.shape[1])], result)
    return np.where(np.isnan(result), otherwise, result)


def binomial_interval(hits: Array, count: Array) -> tuple[Array, Array]:
    """Return the 95 % interval (low, high) of the share hits / count, both in [0, 1]; hits need not be an integer.

    Source: Clopper & Pearson 1934, Biometrika 26:404.
    """
    from scipy.stats import beta

    tail, hits, count = (1 - CONFIDENCE) / 2, np.asarray(hits, float), np.asarray(count, float)
    # the beta quantile is NaN at 0 hits and at `count` hits, where the interval ends at 0 and at 1
    low = np.where(hits > 0, beta.ppf(tail, np.maximum(hits, 1e-9), count - hits + 1), 0.0)
    high = np.where(hits < count, beta.ppf(1 - tail, hits + 1, np.maximum(count - hits, 1e-9)), 1.0)
    return low, high


def coverage_table(inside: Array, strata: Mapping[str, Array], nominal: float = 90.0) -> pd.DataFrame:
    """Return the coverage of each stratum: stratum, nominal, observed, low, high [%], n.

    inside (N, P): whether each target of each sample lies in its interval. strata: by name, which samples (N,) or which
    entries (N, P) belong to it; one without members has no row. The targets of one sample are not independent, so that
    the 95 % interval counts samples, n, and not entries.
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


def median_widths(width: Array, strata: Mapping[str, Array]) -> dict[str, float]:
    """Return the median width of the intervals (N, P) of each stratum of `coverage_table`: how sharp they are."""
    entries = {
        name: width[np.broadcast_to(members[:, None] if members.ndim == 1 else members, width.shape)]
        for name, members in strata.items()
    }
    return {name: float(np.median(widths)) for name, widths in entries.items() if widths.size}


def simulation_based_calibration(samples: Array, truth: Array, names: tuple[str, ...]) -> pd.DataFrame:
    """Test that true values rank uniformly among posterior samples (S, N, P); truth (N, P).

    The rank of a true value is the number of its S samples below it: uniform on 0 ... S if the posterior is exact and
    true values come from the prior. Ranks are scaled into (0, 1); a sample equal to the true value counts one half.

    Columns: target; mean_rank, above 1/2 where estimates are too low; spread, the std of ranks relative to that of
    uniform ones, above 1 where posteriors are too narrow; p_value of the Kolmogorov-Smirnov test, to be corrected
    where many targets are tested; n. Source: Talts et al. 2018, arXiv 1804.06788.
    """
    from scipy.stats import kstest

    rank = posterior_ranks(samples, truth)
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
    """Test posterior samples (S, N, P) by TARP: coverage of balls about random points; truth (N, P).

    f is the share of the S samples that are nearer than the true value to a random reference point. Over many true
    values f is uniform if the posterior is exact; an observed coverage below the nominal one is over-confidence. Unlike
    the ranks of single targets, this tests their joint distribution. Distances are in units of each target's range
    over the true values. Columns nominal, observed, low, high [%], n. Source: Lemos et al. 2023, arXiv 2302.03026.
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


def posterior_ranks(samples: Array, truth: Array) -> Array:
    """Return the share of posterior samples (S, N, P) below the truth (N, P), in (0, 1); ties count half."""
    below, same = (samples < truth).sum(axis=0), (samples == truth).sum(axis=0)
    return np.asarray((below + same / 2 + 0.5) / (len(samples) + 1))


def rank_quantiles(ranks: Array, levels: int = 200) -> Array:
    """Return (P, levels + 1) quantiles of posterior ranks (N, P): entry k is the `k/levels` quantile, ends 0 and 1.

    An interval between nominal levels a and b covers b - a of new samples of the same kind if it is taken between the
    samples' quantiles at `interp(a)` and `interp(b)`. Good values: N of 500 or more.
    Source: Kuleshov, Fenner & Ermon 2018, arXiv 1807.00263.
    """
    table = np.quantile(ranks, np.arange(levels + 1) / levels, axis=0).T
    table[:, 0], table[:, -1] = 0.0, 1.0
    return np.asarray(table)
