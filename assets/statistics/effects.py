"""Which setting of an axis is better: paired comparisons, everything else held equal, and what each axis is worth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.identity.canonical import compact
from assets.statistics.experiment import Experiment, Setting, is_seed
from assets.statistics.intervals import Sample, interval, scores

if TYPE_CHECKING:
    import pandas as pd

    from assets.sweeps.sweep import Row

SIGNIFICANT = 0.05

SCALES = {"ratio": "b/a", "difference": "b-a"}
"""How a comparison of `b` with `a` is written, by the scale of the effect."""

DRAWN = 10_000_000
"""Numbers that a permutation test draws at a time."""

COLUMNS = ("axis", "a", "b", "pairs", "better_b", "scale", "effect", "low", "high", "p", "p_holm", "verdict")

Array = np.ndarray


def effects(experiment: Experiment) -> pd.DataFrame:
    """Compare every two values of every axis, all other axes and the seed held equal; see COLUMNS.

    effect: `exp(mean log(b/a))` of the scores where all are positive (scale `ratio`: below 1, b is better), else
    `mean(b - a)` (scale `difference`: below 0). low and high are a 95 % bootstrap interval over pairs and
    trajectories, p is of the permutation test of paired samples (exact up to 13 pairs, `scipy.stats`), p_holm is
    corrected for the number of comparisons in this table (Holm 1979).
    """
    import pandas as pd

    found = [comparison for axis in experiment.sweep.axes if not is_seed(axis) for comparison in _of(experiment, axis)]
    table = pd.DataFrame(found, columns=[name for name in COLUMNS if name not in ("p_holm", "verdict")])
    table["p_holm"] = holm(table["p"].to_numpy(float), experiment.looks)
    compared = int(table["p"].notna().sum()) * experiment.looks
    table["verdict"] = [verdict(row, compared) for row in table.to_dict("records")]
    return table[list(COLUMNS)]


def _of(experiment: Experiment, axis: str) -> Iterator[dict[str, Any]]:
    for a, b in combinations(_values(experiment, axis), 2):
        yield {"axis": axis, "a": a, "b": b, **paired(experiment, pairs_of(experiment, axis, a, b))}


def pairs_of(experiment: Experiment, axis: str, a: Any, b: Any) -> list[tuple[Row, Row]]:
    """Return the rows at two values of an axis that are equal in all else, seed included, and ok."""
    return [
        pair
        for first in _with(experiment, axis, a)
        for second in _with(experiment, axis, b)
        if _equal_but(first, second, axis)
        for pair in experiment.pairs(first, second, axis)
    ]


def _values(experiment: Experiment, axis: str) -> list[Any]:
    """Return the values of an axis in the order of the sweep."""
    return list({compact(setting.axes[axis]): setting.axes[axis] for setting in experiment.settings}.values())


def _with(experiment: Experiment, axis: str, value: Any) -> list[Setting]:
    return [setting for setting in experiment.settings if compact(setting.axes[axis]) == compact(value)]


def _equal_but(first: Setting, second: Setting, axis: str) -> bool:
    return all(compact(value) == compact(second.axes[name]) for name, value in first.axes.items() if name != axis)


def paired(experiment: Experiment, pairs: Sequence[tuple[Row, Row]], metric: str = "") -> dict[str, Any]:
    """Compare the second rows of pairs with the first ones on the test sets that rank."""
    if not pairs or not experiment.tests:
        return compare_samples([], [])
    first, second = zip(*pairs, strict=True)
    return compare_samples(*(experiment.samples(side, metric=metric) for side in (first, second)))


def compare_samples(first: Sequence[Sample], second: Sequence[Sample]) -> dict[str, Any]:
    """Compare paired runs: run k of one side goes with run k of the other, on the same trajectories."""
    told: dict[str, Any] = {"pairs": 0, "better_b": 0, "scale": "ratio"}
    told |= dict.fromkeys(("effect", "low", "high", "p"), math.nan)
    if not first:
        return told
    a, b = scores(first), scores(second)
    known = np.isfinite(a) & np.isfinite(b)
    if not known.any():
        return told
    ratio = bool((a[known] > 0).all() and (b[known] > 0).all())
    first, second = ([Sample(s.values[known], s.weights[known]) for s in side] for side in (first, second))
    low, high = interval(_beside(first, second), lambda values: _effect(values, ratio))
    told |= {"pairs": int(known.sum()), "better_b": int((b[known] < a[known]).sum())}
    told |= {"scale": "ratio" if ratio else "difference", "low": low, "high": high}
    return told | {"effect": float(_effect(np.concatenate([a[known], b[known]]), ratio)), "p": _p(a, b, known, ratio)}


def _beside(first: Sequence[Sample], second: Sequence[Sample]) -> list[Sample]:
    """Put the trajectories of both sides into one sample, so that a run and a trajectory are drawn for both."""
    return [PairedSample(a.values, a.weights, b.values, b.weights) for a, b in zip(first, second, strict=True)]


class PairedSample(Sample):
    """Two samples whose runs and trajectories are drawn together; a score is that of the first, then of the second."""

    def __init__(self, values: Array, weights: Array, other_values: Array, other_weights: Array) -> None:
        super().__init__(values, weights)
        object.__setattr__(self, "other", Sample(other_values, other_weights))

    def take(self, runs: Array, trajectories: Array) -> Array:
        """Return the scores of both sides (..., 2 R')."""
        both = super().take(runs, trajectories), self.other.take(runs, trajectories)  # type: ignore[attr-defined]
        return np.concatenate(both, axis=-1)


def _effect(values: Array, ratio: bool) -> Array:
    """Return the mean over pairs of the ratio (geometric) or of the difference, from scores (..., 2 R)."""
    a, b = np.split(values, 2, axis=-1)
    return np.exp(np.mean(np.log(b / a), axis=-1)) if ratio else np.mean(b - a, axis=-1)


def _p(a: Array, b: Array, known: Array, ratio: bool) -> float:
    """Return the two-sided p of the permutation test of paired samples; NaN for fewer than two pairs."""
    from scipy.stats import permutation_test

    sides = (np.log(a[known]), np.log(b[known])) if ratio else (a[known], b[known])
    if len(sides[0]) < 2:
        return math.nan

    def difference(x: Array, y: Array, axis: int = -1) -> Array:
        return np.mean(x - y, axis=axis)

    options = {"permutation_type": "samples", "vectorized": True, "batch": max(1, DRAWN // (2 * len(sides[0])))}
    return float(permutation_test(sides, difference, rng=np.random.default_rng(0), **options).pvalue)


def holm(p: Array, looks: int = 1) -> Array:
    """Correct p values for their number m: `max over smaller ones of looks (m - rank) p` (Holm 1979); NaN stays NaN.

    `looks`: how often data that grew were looked at before they were taken to be enough (Bonferroni).
    """
    corrected = np.full(len(p), np.nan)
    order = [place for place in np.argsort(p) if math.isfinite(p[place])]
    scaled = [looks * p[place] * (len(order) - rank) for rank, place in enumerate(order)]
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0) if order else []
    return corrected


def verdict(row: Mapping[Any, Any], compared: int, noun: str = "pair") -> str:
    """Say which side is better, or that it cannot be told and how many pairs, or what they are, it takes at least."""
    if not row["pairs"]:
        return "no pair of rows that are ok"
    neutral = 1.0 if row["scale"] == "ratio" else 0.0
    better = row["b"] if row["effect"] < neutral else row["a"]
    if row["p_holm"] < SIGNIFICANT:
        return f"{better if isinstance(better, str) else compact(better)} is better"
    needed = pairs_needed(compared)
    return f"cannot be told: needs {needed} {noun}s or more" if row["pairs"] < needed else "cannot be told"


def pairs_needed(comparisons: int) -> int:
    """Return the pairs that all have to agree for `2 m / 2^n` to fall below the level of significance."""
    return math.floor(math.log2(2 * max(comparisons, 1) / SIGNIFICANT)) + 1


def axis_values(experiment: Experiment) -> pd.DataFrame:
    """Return what every value of every axis reached: best, median and mean score with its interval, over all rows.

    Columns: axis, value, runs, best, median, mean, low, high, and importance, the share of the variance of the scores
    (of their logarithms where all are positive) that lies between the values of the axis.
    """
    import pandas as pd

    rows = [row for setting in experiment.settings for row in experiment.usable(setting)]
    rows = [row for row in rows if math.isfinite(experiment.score(row))]
    records = []
    for axis in experiment.sweep.axes if experiment.tests else ():
        if is_seed(axis):
            continue
        share = _importance(experiment, rows, axis)
        for value in _values(experiment, axis):
            chosen = [row for row in rows if compact(row.axes[axis]) == compact(value)]
            records.append({"axis": axis, "value": value, **_reached(experiment, chosen), "importance": share})
    return pd.DataFrame(
        records, columns=["axis", "value", "runs", "best", "median", "mean", "low", "high", "importance"]
    )


def _reached(experiment: Experiment, rows: Sequence[Row]) -> dict[str, Any]:
    if not rows:
        return {"runs": 0, **dict.fromkeys(("best", "median", "mean", "low", "high"), math.nan)}
    samples = experiment.samples(rows)
    values, (low, high) = scores(samples), interval(samples)
    center = {"best": float(values.min()), "median": float(np.median(values)), "mean": float(values.mean())}
    return {"runs": len(rows), **center, "low": low, "high": high}


def _importance(experiment: Experiment, rows: Sequence[Row], axis: str) -> float:
    import pandas as pd

    reached = np.array([experiment.score(row) for row in rows], dtype=float)
    score = pd.Series(np.log(reached) if (reached > 0).all() else reached)
    total = float(((score - score.mean()) ** 2).sum())
    between = score.groupby([compact(row.axes[axis]) for row in rows]).transform("mean")
    return float(((between - score.mean()) ** 2).sum()) / total if total > 0 else math.nan
