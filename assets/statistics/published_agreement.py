"""Published numbers beside ours: each with an interval, and whether the two agree.

A published number is one run. It is compared with the range in which one more run of ours would lie, not with our mean:
on the logarithms x of n runs, `mean(x) +- t(n-1) sqrt(s^2 (1 + 1/n) + 2 q^2)` with the spread s over seeds and the
relative standard error q of the mean over test trajectories, counted twice since both sides drew trajectories of their
own. (Hahn & Meeker 1991, Statistical Intervals, section 4.8, for the prediction interval of one more value.) Where a
value of ours or the published one is not positive, such as a skewness, x are the values themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.identity.text import value_text
from assets.statistics.experiment import Experiment
from assets.statistics.intervals import LEVEL, Sample, estimate, is_positive, scores
from assets.statistics.paired_comparison import INCONCLUSIVE
from assets.sweeps.published import Line, lines

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("row", "test", "metric", "published", "ours", "low", "high", "run_low", "run_high", "verdict", "doubt")

RESAMPLES = 2000
"""Of the seeds, to compare readings."""

FEWEST_SEEDS = 3
WIDEST = 10.0
"""An interval whose ends differ by more than this factor contains nearly any value, so it decides nothing."""

WIDEST_DIFFERENCE = 2.0
"""The same for values that may be negative: the distance of its ends in parts of the published value. A wider one
about that value would hold zero and twice the value."""

SURE = 0.975
"""Share of resamples in which a reading has to be the closest to count as the one that agrees."""

NO_RUN = f"{INCONCLUSIVE}: no run of ours"

Array = np.ndarray


def agreement(experiment: Experiment) -> pd.DataFrame:
    """Return every published number of a sweep beside ours; columns: COLUMNS.

    ours is the geometric mean over seeds, or the mean where a value is not positive, with its 95 % interval
    (low, high) over seeds and trajectories; between run_low and run_high one more run is expected.
    """
    import pandas as pd

    published = experiment.sweep.published
    printed = [] if published is None else lines(published)
    rows = [_beside_ours(experiment, line) for line in printed if line.test in experiment.sweep.tests]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _beside_ours(experiment: Experiment, line: Line) -> dict[str, Any]:
    row: dict[str, Any] = {"row": line.row, "test": line.test, "metric": line.metric, "published": line.value}
    row |= {"doubt": line.doubt, **dict.fromkeys(("ours", "low", "high", "run_low", "run_high"), math.nan)}
    sample = _sample(experiment, line)
    if sample is None:
        return row | {"verdict": NO_RUN}
    ours = estimate([replace(sample, signed=not _ratio(sample, line.value))])
    run_low, run_high = one_more(sample, line.value)
    row |= {"ours": ours.value, "low": ours.low, "high": ours.high}
    row |= {"run_low": run_low, "run_high": run_high}
    runs, known = sample.values.shape
    return row | {"verdict": verdict(row, runs, known, _trajectories(experiment, line.test))}


def _ratio(sample: Sample, published: float) -> bool:
    """Whether a published value and all of ours are positive, so that they are compared by their logarithms."""
    return published > 0 and is_positive([sample])


def _trajectories(experiment: Experiment, test: str) -> int:
    """Return the number of trajectories of a test set, as the headline metric has them."""
    rows = [row for setting in experiment.settings for row in experiment.usable(setting)][:1]
    return experiment.samples(rows, [test])[0].values.shape[1]


def _sample(experiment: Experiment, line: Line) -> Sample | None:
    """Return our usable runs of a published row on its test set; None unless there are any and all are finite."""
    published = experiment.sweep.published
    settings = [one for one in experiment.settings if published and value_text(one.axes[published.axis]) == line.row]
    rows = [row for setting in settings for row in experiment.usable(setting)]
    if not rows or line.metric not in experiment.table:
        return None
    (sample,) = experiment.samples(rows, [line.test], line.metric)
    values = scores([sample])
    return sample if np.isfinite(values).all() else None


def one_more(sample: Sample, published: float = 1.0) -> tuple[float, float]:
    """Return where one more run on new trajectories is expected, 95 %; NaN for fewer than two runs."""
    from scipy.stats import t

    ratio = _ratio(sample, published)
    values = np.log(scores([sample])) if ratio else scores([sample])
    runs = len(values)
    if runs < 2:
        return math.nan, math.nan
    spread = values.std(ddof=1) ** 2 * (1 + 1 / runs) + 2 * _trajectory_error(sample, ratio) ** 2
    half = float(t.ppf(0.5 + LEVEL / 2, runs - 1)) * math.sqrt(spread)
    centre = float(values.mean())
    if not ratio:
        return centre - half, centre + half
    return math.exp(centre - half), math.exp(min(centre + half, 700.0))  # exp(710) overflows


def _trajectory_error(sample: Sample, relative: bool) -> float:
    """Return the standard error of the mean over trajectories, or the relative one; 0 where there is only one."""
    values = np.nanmean(sample.values, axis=0)
    count = int(np.isfinite(values).sum())
    if count < 2:
        return 0.0
    error = float(np.nanstd(values, ddof=1) / math.sqrt(count))
    return error / float(np.nanmean(values)) if relative else error


def verdict(row: Mapping[str, Any], runs: int, known: int, trajectories: int) -> str:
    """Return `agrees`, `differs`, or `inconclusive` with the reason.

    known: of how many of the test `trajectories` the metric has a value each; 1 where it is one of the whole set.
    """
    if runs < FEWEST_SEEDS:
        return f"{INCONCLUSIVE}: {runs} of at least {FEWEST_SEEDS} seeds"
    inside = row["run_low"] <= row["published"] <= row["run_high"]
    if inside and _too_wide(row["published"], row["run_low"], row["run_high"]):
        return f"{INCONCLUSIVE}: the runs spread too widely"
    if not inside and trajectories == 1:
        return f"{INCONCLUSIVE}: one test trajectory, and theirs may be another"
    if not inside and known == 1:
        return f"{INCONCLUSIVE}: outside, but the spread over test trajectories is not measured"
    return "agrees" if inside else "differs"


def _too_wide(published: float, low: float, high: float) -> bool:
    return high / low > WIDEST if low > 0 else high - low > WIDEST_DIFFERENCE * abs(published)


def level(table: pd.DataFrame) -> tuple[float, float, float]:
    """Return the factor by which published numbers exceed ours: geometric mean over rows, 95 % interval over rows.

    NaN for a metric with values that are not positive.
    """
    from scipy.stats import sem, t

    ours = table[np.isfinite(table["ours"])]
    if not ((ours["ours"] > 0) & (ours["published"] > 0)).all():
        return (math.nan,) * 3
    finite = ours.assign(log=lambda t: np.log(t["published"] / t["ours"]))
    means = finite.groupby("row")["log"].mean().to_numpy()
    if len(means) < 2:
        return (math.exp(means[0]), math.nan, math.nan) if len(means) else (math.nan,) * 3
    half = float(t.ppf(0.5 + LEVEL / 2, len(means) - 1) * sem(means))
    return math.exp(means.mean()), math.exp(means.mean() - half), math.exp(means.mean() + half)


def readings(experiment: Experiment) -> list[dict[str, Any]]:
    """Compare readings of a published table with ours: reading, distance, low, high, closest, verdict.

    distance: the typical factor between published and ours, `exp(rms(log published - log ours - c))`, over the rows
    that any reading moves and all test sets, with a common level c per test set, so that only the pattern counts. low
    and high hold the middle 95 % of its resamples of seeds, which is too narrow for an interval from few seeds; closest
    is the share of resamples in which this reading has the smallest distance.
    """
    published = experiment.sweep.published
    if published is None or not published.readings:
        return []
    moves_by_name: dict[str, Mapping[str, str]] = {"as printed": {}, **published.readings}
    rows = sorted({row for moves in moves_by_name.values() for row in moves})
    metric = next(iter(published.values))
    printed = {(line.row, line.test): line for line in lines(published) if line.metric == metric}
    tests = [test for test in experiment.tests if all((row, test) in printed for row in rows)]
    samples = [[_sample(experiment, printed[row, test]) for test in tests] for row in rows]
    ours = [
        [np.log(scores([s])) for s in row if s is not None and (scores([s]) > 0).all()]  # a distance of logarithms
        for row in samples
    ]
    if not tests or any(len(row) != len(tests) for row in ours):
        nothing = {**dict.fromkeys(("distance", "low", "high", "closest"), math.nan), "verdict": NO_RUN}
        return [{"reading": name, **nothing} for name in moves_by_name]
    tables = {
        name: np.log([[printed[moves.get(row, row), test].value for test in tests] for row in rows])
        for name, moves in moves_by_name.items()
    }
    return list(_compare_readings(tables, ours))


def _compare_readings(tables: Mapping[str, Array], ours: Sequence[Sequence[Array]]) -> Iterator[dict[str, Any]]:
    """Yield the verdict on each reading: its table (rows, tests) beside the logarithms (seeds,) of ours."""
    seeds = [np.arange(len(row[0])) for row in ours]
    rng = np.random.default_rng(0)
    resamples = [[rng.choice(indices, len(indices)) for indices in seeds] for _ in range(RESAMPLES)]
    distances = {
        name: np.array([_distance(table, ours, resample) for resample in resamples]) for name, table in tables.items()
    }
    closest = np.argmin(np.stack(list(distances.values())), axis=0)
    for place, (name, table) in enumerate(tables.items()):
        share = float(np.mean(closest == place))
        low, high = np.exp(np.quantile(distances[name], [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
        yield {
            "reading": name,
            "distance": math.exp(_distance(table, ours, seeds)),
            "low": low,
            "high": high,
            "closest": share,
            "verdict": "agrees" if share >= SURE else "differs" if share <= 1 - SURE else INCONCLUSIVE,
        }


def _distance(table: Array, ours: Sequence[Sequence[Array]], seeds: Sequence[Array]) -> float:
    """Return the root mean square of log published - log ours (rows, tests), less the mean of each test set."""
    means = [[one[indices].mean() for one in row] for row, indices in zip(ours, seeds, strict=True)]
    rest = table - np.array(means)
    return float(np.sqrt(np.mean((rest - rest.mean(axis=0)) ** 2)))
