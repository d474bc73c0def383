"""More seeds only where a rank is open: look after every seed, stop each setting as soon as its place is told.

Settings are ranked by the mean score of their seeds. Two neighbours in rank are told apart by the paired t-test of
their scores (of the logarithms where all are positive) on the n seeds that both have, taken anew at n = min, ..., max.
A setting that cannot be told from a neighbour gets one more seed, up to max.

Looking K times at data that grow, each time at level a, errs more often than a (Armitage, McPherson & Rowe 1969,
Journal of the Royal Statistical Society A 132, 235). So the level 0.05 is spent in equal parts on the K = max - min + 1
looks and the m - 1 pairs of neighbours among m settings: a pair is told apart where `p < 0.05 / (K (m - 1))`. By
Bonferroni's inequality the sum bounds the error however the looks depend on each other; Lan & DeMets (1983), Biometrika
70, 659, call such a rule a spending of the error. The test holds the test trajectories fixed: more seeds say nothing of
other trajectories.

What is asked for depends on stored scores alone, so that a run that was broken off, or begins again, asks the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from assets.identity.canonical import compact
from assets.statistics.sweep_table import sweep_table
from assets.store.store import Store
from assets.sweeps.seeds import SEED, Seeds
from assets.sweeps.sweep import Row, Sweep
from assets.sweeps.sweep_file import TRAIN
from trainers import STUDIES
from trainers.study import SETTLED

ERROR = 0.05
"""Chance that any two neighbours are told apart that are not, over all looks."""

DECIDED, MOST, ALONE, FAILED = "decided", "the most allowed", "nothing to compare with", "a seed failed"


@dataclass(frozen=True)
class Progress:
    """How far a setting is."""

    asked: int
    """Seeds asked for."""
    stopped: str
    """Why it stopped; empty while it goes on."""

    @property
    def text(self) -> str:
        """Say it: `stopped after 4 seeds: decided`, or what is asked for."""
        return f"stopped after {self.asked} seeds: {self.stopped}" if self.stopped else f"asked for {self.asked} seeds"


def asked(sweep: Sweep, store: Store, known: Mapping[str, Progress] | None = None) -> Sweep:
    """Return a sweep with those of its rows that are asked for as things stand; all of them without `seeds`."""
    if sweep.seeds is None:
        return sweep
    known = progress(sweep, store) if known is None else known
    return replace(sweep, rows=tuple(row for row in sweep.rows if row.axes[SEED] < known[setting_of(row)].asked))


def progress(sweep: Sweep, store: Store) -> dict[str, Progress]:
    """Return how far every setting is, by `setting_of` its rows; nothing without `seeds`."""
    if sweep.seeds is None:
        return {}
    return dict(_replay(sweep.seeds, _scores(sweep, store)))


def setting_of(row: Row) -> str:
    """Return what names the setting of a row: its axes without the seed."""
    return compact({axis: value for axis, value in row.axes.items() if axis != SEED})


def rounds(sweep: Sweep) -> Iterator[Sweep]:
    """Yield what is asked for, again after each yield, until nothing more is; once without `seeds`."""
    before: tuple[Row, ...] | None = None
    while (now := asked(sweep, Store())).rows != before:
        yield now
        before = now.rows


def _scores(sweep: Sweep, store: Store) -> dict[str, list[float | None]]:
    """Return the score of each seed of each setting: NaN where it failed for good, None where it is to be made."""
    tests = [test for test in sweep.tests if test != TRAIN]
    metric = STUDIES[sweep.study].headline[0]
    found: dict[str, list] = {}
    for hash, records in sweep_table(sweep, store).groupby("hash", sort=False):
        found[str(hash)] = records[records["test"].isin(tests)].to_dict("records")
    scores: dict[str, list[float | None]] = {}
    for row in sorted(sweep.rows, key=lambda row: row.axes[SEED]):
        scores.setdefault(setting_of(row), []).append(_score(found.get(row.configuration.item.hash, []), metric))
    return scores


def _score(records: Sequence[Mapping], metric: str) -> float | None:
    if any(record["status"] not in ("ok", *SETTLED) for record in records):
        return None
    return float(np.mean([record[metric] for record in records])) if records else math.nan


def _replay(seeds: Seeds, scores: Mapping[str, Sequence[float | None]]) -> Iterator[tuple[str, Progress]]:
    """Go through all looks that the scores allow; yield the setting and how far it is."""
    counts = {name: min(seeds.min, len(known)) for name, known in scores.items()}
    while True:
        seen = {name: scores[name][: counts[name]] for name in scores}
        waiting = any(score is None for known in seen.values() for score in known)
        whole = {name: np.array(known, float) for name, known in seen.items() if _is_whole(known)}
        behind = set() if waiting else _open(whole, seeds, {name: len(known) for name, known in scores.items()})
        if not behind:
            break
        counts |= {name: counts[name] + 1 for name in behind}
    for name, count in counts.items():
        yield name, Progress(count, "" if waiting else _reason(name, whole, count, seeds))


def _is_whole(known: Sequence[float | None]) -> bool:
    return all(score is not None and math.isfinite(score) for score in known)


def _open(whole: Mapping[str, np.ndarray], seeds: Seeds, most: Mapping[str, int]) -> set[str]:
    """Return the settings that need one more seed: of two neighbours that are not told apart, those that have fewer."""
    found: set[str] = set()
    for pair in _untold(whole, seeds):
        fewest = min(len(whole[name]) for name in pair)
        found |= {name for name in pair if len(whole[name]) == fewest < min(seeds.max, most[name])}
    return found


def _untold(whole: Mapping[str, np.ndarray], seeds: Seeds) -> list[tuple[str, str]]:
    """Return the neighbours in rank that are not told apart."""
    order = sorted(whole, key=lambda name: float(whole[name].mean()))
    level = ERROR / (seeds.looks * max(1, len(order) - 1))
    return [(a, b) for a, b in pairwise(order) if not told_apart(whole[a], whole[b], level)]


def told_apart(a: np.ndarray, b: np.ndarray, level: float) -> bool:
    """Return whether the paired t-test of the seeds that both have, (n,) each, falls below a level.

    Scores that differ by the same amount at every seed are told apart; equal ones never are.
    """
    from scipy.stats import ttest_rel

    n = min(len(a), len(b))
    a, b = a[:n], b[:n]
    if (a > 0).all() and (b > 0).all():
        a, b = np.log(a), np.log(b)
    if np.ptp(a - b) <= 1e-12 * np.abs(a - b).max():
        return bool(a[0] != b[0])
    return bool(ttest_rel(a, b).pvalue < level)


def _reason(name: str, whole: Mapping[str, np.ndarray], count: int, seeds: Seeds) -> str:
    if name not in whole:
        return FAILED
    if len(whole) == 1:
        return ALONE
    undecided = any(name in pair for pair in _untold(whole, seeds))
    return MOST if undecided else DECIDED
