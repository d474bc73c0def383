"""Adaptive seeds: an interim analysis after every seed stops each setting once its place in the ranking is decided.

Settings are ranked by the mean score of their seeds, and two neighbours in rank are compared by the paired t-test of
their scores, both by logarithms where all are positive, on the n seeds that both have, for n = min, ..., max. A setting
whose comparison with a neighbour is inconclusive gets one more seed, up to max.

Testing K times at level a on growing data has an error rate above a (Armitage, McPherson & Rowe 1969, Journal of the
Royal Statistical Society A 132, 235). So the level 0.05 is spent in equal parts on the K = max - min + 1 interim
analyses and the m - 1 pairs of neighbours among m settings: two neighbours differ where `p < 0.05 / (K (m - 1))`.
Bonferroni's inequality bounds the error however the analyses depend on each other; Lan & DeMets (1983), Biometrika
70, 659, call such a rule error spending. The test holds the test trajectories fixed: more seeds say nothing about
other trajectories.

The seeds that a sweep is entitled to depend on stored scores alone, so an interrupted or repeated launch takes the same
ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from assets.identity.canonical import compact
from assets.stages.freshness import Planner
from assets.statistics.intervals import centre
from assets.statistics.sweep_table import sweep_table
from assets.store.store import Store
from assets.sweeps.seeds import SEED, Seeds
from assets.sweeps.sweep import Row, Sweep
from assets.sweeps.sweep_file import TRAIN
from trainers.study import SETTLED

ERROR = 0.05
"""Chance, over all interim analyses, that any two equal neighbours are declared different."""

DECIDED, MOST, ALONE, FAILED = "decided", "the most allowed", "nothing to compare with", "a seed failed"

Scores = Sequence[float | None]
"""The score of each seed of a setting: NaN where the failure is settled, None where it is still to be made."""


@dataclass(frozen=True)
class SeedProgress:
    """The seeds of a setting so far."""

    seeds: int
    """Seeds that the setting is entitled to."""
    stopped: str
    """Why it gets no more; empty while it may."""

    @property
    def text(self) -> str:
        """The progress in words: `stopped after 4 seeds: decided`."""
        return f"stopped after {self.seeds} seeds: {self.stopped}" if self.stopped else f"{self.seeds} seeds requested"


def sweep_so_far(sweep: Sweep, store: Store, progress: Mapping[str, SeedProgress] | None = None) -> Sweep:
    """Return a sweep with the seeds that its settings are entitled to so far; all rows of a sweep without `seeds`."""
    if sweep.seeds is None:
        return sweep
    progress = seed_progress(sweep, store) if progress is None else progress
    return replace(sweep, rows=tuple(row for row in sweep.rows if row.axes[SEED] < progress[setting_key(row)].seeds))


def seed_progress(sweep: Sweep, store: Store, planner: Planner | None = None) -> dict[str, SeedProgress]:
    """Return the progress of every setting by the `setting_key` of its rows; empty for a sweep without `seeds`."""
    if sweep.seeds is None:
        return {}
    return dict(replay(sweep.seeds, _scores(sweep, store, planner)))


def setting_key(row: Row) -> str:
    """Return the canonical text of a row's setting: its axes without the seed."""
    return compact({axis: value for axis, value in row.axes.items() if axis != SEED})


def rounds(sweep: Sweep, store: Store, planner: Planner) -> Iterator[Sweep]:
    """Yield the sweep so far, again after each yield, until no setting gets another seed; once without `seeds`."""
    before: tuple[Row, ...] | None = None
    while (now := sweep_so_far(sweep, store, seed_progress(sweep, store, planner))).rows != before:
        yield now
        before = now.rows


def _scores(sweep: Sweep, store: Store, planner: Planner | None) -> dict[str, list[float | None]]:
    """Return the scores of every setting by its key, in the order of the seeds."""
    tests = [test for test in sweep.tests if test != TRAIN]
    metric = sweep.ranking_study.headline[0]
    records: dict[str, list[dict]] = {}
    for record in sweep_table(sweep, store, planner).to_dict("records"):
        if record["test"] in tests:
            records.setdefault(record["hash"], []).append(record)
    scores: dict[str, list[float | None]] = {}
    for row in sorted(sweep.rows, key=lambda row: row.axes[SEED]):
        score = _score(records.get(row.configuration.item.hash, []), metric)
        scores.setdefault(setting_key(row), []).append(score)
    return scores


def _score(records: Sequence[Mapping], metric: str) -> float | None:
    if any(record["status"] not in ("ok", *SETTLED) for record in records):
        return None
    return float(np.mean([record[metric] for record in records])) if records else math.nan


def replay(seeds: Seeds, scores: Mapping[str, Scores]) -> Iterator[tuple[str, SeedProgress]]:
    """Replay the interim analyses that the stored scores permit; yield the progress of every setting.

    An analysis needs all scores of the seeds so far, so the replay ends at the first one that is still to be made.
    """
    counts = {name: min(seeds.min, len(all_scores)) for name, all_scores in scores.items()}
    while True:
        so_far = {name: scores[name][:count] for name, count in counts.items()}
        waiting = any(score is None for setting in so_far.values() for score in setting)
        # A setting with a failed seed has no rank: it takes part in no comparison and gets no further seed.
        complete = {
            name: np.array(setting, float)
            for name, setting in so_far.items()
            if all(score is not None and math.isfinite(score) for score in setting)
        }
        neighbours = [] if waiting else _inconclusive_neighbours(complete, seeds)
        more: set[str] = set()
        for pair in neighbours:
            fewest = min(counts[name] for name in pair)
            more |= {name for name in pair if counts[name] == fewest < min(seeds.max, len(scores[name]))}
        if not more:
            break
        counts |= {name: counts[name] + 1 for name in more}
    undecided = {name for pair in neighbours for name in pair}
    for name, count in counts.items():
        if waiting:
            reason = ""
        elif name not in complete:
            reason = FAILED
        elif len(complete) == 1:
            reason = ALONE
        else:
            reason = MOST if name in undecided else DECIDED
        yield name, SeedProgress(count, reason)


def _inconclusive_neighbours(scores: Mapping[str, np.ndarray], seeds: Seeds) -> list[tuple[str, str]]:
    """Return the neighbours in rank between which the test does not decide."""
    order = sorted(scores, key=lambda name: centre(scores[name]))
    level = ERROR / (seeds.analyses * max(1, len(order) - 1))
    return [(a, b) for a, b in pairwise(order) if not scores_differ(scores[a], scores[b], level)]


def scores_differ(a: np.ndarray, b: np.ndarray, level: float) -> bool:
    """Return whether the paired t-test of the seeds that both have, (n,) each, falls below a level.

    Scores that differ by the same amount at every seed differ at any level; equal scores never do.
    """
    from scipy.stats import ttest_rel

    n = min(len(a), len(b))
    a, b = a[:n], b[:n]
    if (a > 0).all() and (b > 0).all():
        a, b = np.log(a), np.log(b)
    if np.ptp(a - b) <= 1e-12 * np.abs(a - b).max():
        return bool(a[0] != b[0])
    return bool(ttest_rel(a, b).pvalue < level)
