"""Whether published numbers come out again: each beside ours with an interval, and a verdict.

A published number is one run. It is compared with where one more run of ours would lie, not with our mean: on the
logarithms x of n runs, `mean(x) +- t(n-1) sqrt(s^2 (1 + 1/n) + 2 q^2)` with the spread s over seeds and the relative
standard error q of the mean over test trajectories, counted twice since both sides drew theirs. (Hahn & Meeker 1991,
Statistical Intervals, section 4.8, for the prediction interval of one more value.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.identity.text import shown
from assets.statistics.experiment import Experiment, Setting
from assets.statistics.intervals import LEVEL, RESAMPLES, Sample, interval, scores
from assets.sweeps.published import Line, lines

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("row", "test", "metric", "published", "ours", "low", "high", "run_low", "run_high", "verdict", "doubt")

FEWEST_SEEDS = 3
WIDEST = 10.0
"""An interval of which the ends lie further apart than this factor agrees with nearly anything, and tells nothing."""

SURE = 0.975
"""Share of resamples in which one reading has to be the closest to count as the one that agrees."""

Array = np.ndarray


def agreement(experiment: Experiment) -> pd.DataFrame:
    """Return every published number of a sweep beside ours, see COLUMNS.

    ours is the geometric mean over seeds with its 95 % bootstrap interval (low, high) over seeds and trajectories;
    between run_low and run_high one more run is expected.
    """
    import pandas as pd

    published = experiment.sweep.published
    printed = [] if published is None else lines(published)
    found = [_compared(experiment, line) for line in printed if line.test in experiment.sweep.tests]
    return pd.DataFrame(found, columns=list(COLUMNS))


def _compared(experiment: Experiment, line: Line) -> dict[str, Any]:
    told: dict[str, Any] = {"row": line.row, "test": line.test, "metric": line.metric, "published": line.value}
    told |= {"doubt": line.doubt, **dict.fromkeys(("ours", "low", "high", "run_low", "run_high"), math.nan)}
    sample = _sample(experiment, line)
    if sample is None:
        return told | {"verdict": "cannot be told: nothing of ours"}
    low, high = interval([sample], _geometric)
    told |= {"ours": float(_geometric(scores([sample]))), "low": low, "high": high}
    told["run_low"], told["run_high"] = one_more(sample)
    return told | {"verdict": verdict(told, *sample.values.shape)}


def _sample(experiment: Experiment, line: Line) -> Sample | None:
    """Return our runs of a published row on its test set, those that are ok; None where there are none above 0."""
    rows = [row for setting in _settings(experiment, line.row) for row in experiment.usable(setting)]
    if not rows or line.metric not in experiment.table:
        return None
    (sample,) = experiment.samples(rows, [line.test], line.metric)
    reached = scores([sample])
    return sample if np.isfinite(reached).all() and (reached > 0).all() else None


def _settings(experiment: Experiment, row: str) -> list[Setting]:
    published = experiment.sweep.published
    return [one for one in experiment.settings if published and shown(one.axes[published.axis]) == row]


def one_more(sample: Sample) -> tuple[float, float]:
    """Return where one more run on trajectories drawn anew is expected, 95 %; NaN for fewer than two runs."""
    from scipy.stats import t

    reached = np.log(scores([sample]))
    runs = len(reached)
    if runs < 2:
        return math.nan, math.nan
    spread = reached.std(ddof=1) ** 2 * (1 + 1 / runs) + 2 * _trajectory_error(sample) ** 2
    half = float(t.ppf(0.5 + LEVEL / 2, runs - 1)) * math.sqrt(spread)
    center = float(reached.mean())
    return math.exp(center - half), math.exp(min(center + half, 700.0))


def _trajectory_error(sample: Sample) -> float:
    """Return the relative standard error of the mean over trajectories; 0 where there is only one."""
    values = np.nanmean(sample.values, axis=0)
    count = int(np.isfinite(values).sum())
    if count < 2:
        return 0.0
    return float(np.nanstd(values, ddof=1) / np.nanmean(values) / math.sqrt(count))


def verdict(told: Mapping[str, Any], runs: int, trajectories: int) -> str:
    """Say `agrees`, `differs` or `cannot be told`, with the reason for the last."""
    if runs < FEWEST_SEEDS:
        return f"cannot be told: {runs} of at least {FEWEST_SEEDS} seeds"
    inside = told["run_low"] <= told["published"] <= told["run_high"]
    if inside and told["run_high"] / told["run_low"] > WIDEST:
        return "cannot be told: runs spread too far"
    if not inside and trajectories == 1:
        return "cannot be told: one test trajectory, and another one there"
    return "agrees" if inside else "differs"


def level(table: pd.DataFrame) -> tuple[float, float, float]:
    """Return by which factor published numbers lie above ours: geometric mean over rows, 95 % bootstrap interval."""
    from scipy.stats import bootstrap

    known = table[np.isfinite(table["ours"])].assign(log=lambda t: np.log(t["published"] / t["ours"]))
    means = known.groupby("row")["log"].mean().to_numpy()
    if len(means) < 2:
        return (math.exp(means[0]), math.nan, math.nan) if len(means) else (math.nan,) * 3
    found = bootstrap((means,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(0))
    ends = found.confidence_interval
    return math.exp(means.mean()), math.exp(ends.low), math.exp(ends.high)


def readings(experiment: Experiment) -> list[dict[str, Any]]:
    """Compare readings of a published table with ours: reading, distance, low, high, closest, verdict.

    distance: by which factor published and ours typically differ, `exp(rms(log published - log ours - c))`, over the
    rows that any reading moves and all test sets, c being a common level per test set, so that only the pattern
    counts. low and high are its 95 % bootstrap interval over seeds; closest is the share of resamples in which this
    reading has the smallest distance.
    """
    published = experiment.sweep.published
    if published is None or not published.readings:
        return []
    named: dict[str, Mapping[str, str]] = {"as printed": {}, **published.readings}
    moved = sorted({row for moves in named.values() for row in moves})
    first = next(iter(published.values))
    known = {(line.row, line.test): line for line in lines(published) if line.metric == first}
    tests = [test for test in experiment.tests if all((row, test) in known for row in moved)]
    ours = [[_sample(experiment, known[row, test]) for test in tests] for row in moved]
    reached = [[np.log(scores([sample])) for sample in row if sample is not None] for row in ours]
    if not tests or any(len(row) != len(tests) for row in reached):
        return [{"reading": name, **dict.fromkeys(("distance", "low", "high", "closest"), math.nan),
                 "verdict": "cannot be told: nothing of ours"} for name in named]  # fmt: skip
    printed = {
        name: np.log([[known[moves.get(row, row), test].value for test in tests] for row in moved])
        for name, moves in named.items()
    }
    return list(_judged(printed, reached))


def _judged(printed: Mapping[str, Array], reached: Sequence[Sequence[Array]]) -> Iterator[dict[str, Any]]:
    """Yield what holds of each reading, printed (rows, tests) by name, beside the logarithms (seeds,) of ours."""
    seeds = [np.arange(len(row[0])) for row in reached]
    rng = np.random.default_rng(0)
    drawn = [[rng.choice(which, len(which)) for which in seeds] for _ in range(RESAMPLES)]
    again = {name: np.array([_distance(table, reached, which) for which in drawn]) for name, table in printed.items()}
    closest = np.argmin(np.stack(list(again.values())), axis=0)
    for place, (name, table) in enumerate(printed.items()):
        share = float(np.mean(closest == place))
        low, high = np.exp(np.quantile(again[name], [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
        told = {"reading": name, "distance": math.exp(_distance(table, reached, seeds)), "low": low, "high": high}
        sure = "agrees" if share >= SURE else "differs" if share <= 1 - SURE else "cannot be told"
        yield told | {"closest": share, "verdict": sure}


def _distance(printed: Array, reached: Sequence[Sequence[Array]], seeds: Sequence[Array]) -> float:
    """Return the root mean square of log published - log ours (rows, tests), less the mean of each test set."""
    ours = [[one[which].mean() for one in row] for row, which in zip(reached, seeds, strict=True)]
    rest = printed - np.array(ours)
    return float(np.sqrt(np.mean((rest - rest.mean(axis=0)) ** 2)))


def _geometric(values: Array) -> Array:
    return np.exp(np.mean(np.log(values), axis=-1))
