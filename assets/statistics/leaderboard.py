"""The leaderboard of a sweep: settings ranked over their seeds, with intervals and caveats."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assets.identity.canonical import compact
from assets.statistics.adaptive_seeds import ERROR
from assets.statistics.caveats import caveats
from assets.statistics.experiment import Experiment, Setting, UnknownNameError
from assets.statistics.intervals import Sample, estimate
from assets.store.manifest import ManifestFields
from assets.sweeps.sweep import Row, Sweep
from assets.sweeps.sweep_file import TRAIN
from trainers.study import STATUSES

if TYPE_CHECKING:
    import pandas as pd

SPREAD = ("low", "high", "median", "iqr", "worst", "failed")
"""Columns beside the mean of the first headline metric."""

MOST_FAILED = 0.05
"""Share of failed trajectories up to which the others rank a setting."""


COLUMNS = ("rank", "status", "seeds", "score", "score_low", "score_high", "test", "dataset", "test_dataset", "metric",
           "unit", "mean", *SPREAD, "caveats", "keys", "code")  # fmt: skip
"""Columns that every leaderboard has."""


def rank(experiment: Experiment) -> pd.DataFrame:
    """Rank the settings of a sweep by their score, the mean of the first headline metric over test sets and seeds.

    The mean over seeds is the geometric one where all are positive (`intervals.centre`), and so is `mean` below. One
    row per setting and test set. Columns: rank, the axes without seeds, status, seeds (that are ok), score with
    score_low and score_high, test, dataset, test_dataset, metric, unit, mean, low, high (95 %), then of the values per
    seed and trajectory median, iqr, worst and failed (how many are not finite); train and gap where the sweep evaluates
    on `train`; the mean of each other headline metric; caveats; keys (hashes, one per seed) and code (of training and
    evaluation).

    A sweep with `seeds` has the column stopped: the progress of a setting. A setting with a failed seed has no rank and
    comes after those without: failures are counted, never averaged away. Nor does a setting gain by trajectories that
    are too hard for it: one that fails on more than 5 % of them ranks after all that do not. `train` does not rank.

    Where the experiment names a column of these (`iqr`, `worst`, `gap`, ...), its mean over the test sets ranks in the
    place of the score, smallest first, and is the column `ranks_by`.

    Computed once per experiment; take the frame as read-only.

    Raises:
        UnknownNameError: the experiment names a column that is none of numbers; lists those.
    """
    import pandas as pd

    if experiment.leaderboard is None:
        board = pd.DataFrame(list(_records(experiment)))
        # A sweep without test sets has no row; its tables are empty, with their columns.
        experiment.leaderboard = board if len(board) else board.reindex(columns=COLUMNS)
    return experiment.leaderboard


def _records(experiment: Experiment) -> Iterator[dict[str, Any]]:
    summaries = []
    for setting in experiment.settings:
        summary, measures = _over_all_tests(experiment, setting), list(_per_test(experiment, setting))
        by = summary["score"] if summary["score"] is not None else math.nan
        if experiment.column:
            by = _mean_of_column(experiment, measures)
            summary["ranks_by"] = by
        summaries.append((by, summary, setting, measures))
    summaries.sort(key=lambda one: _order(one[0], one[1]))
    place = 0
    for by, summary, setting, measures in summaries:
        ranked = not summary.pop("failed") and math.isfinite(by)
        del summary["too_many_failed"]
        place += ranked
        score = math.nan if summary["score"] is None else summary["score"]
        head = {"rank": str(place) if ranked else "", **setting.axes, **summary, "score": score}
        yield from (head | one for one in measures)


def _mean_of_column(experiment: Experiment, measures: Sequence[Mapping[str, Any]]) -> float:
    """Return the mean of the column that ranks over the test sets that rank."""
    if not measures:
        return math.nan
    numbers = [name for name, value in measures[0].items() if isinstance(value, float)]
    if experiment.column not in numbers:
        raise UnknownNameError(f"given the column {experiment.column!r}; expected one of: {', '.join(numbers)}")
    values = [float(one[experiment.column]) for one in measures if one["test"] in experiment.tests]
    return sum(values) / len(values) if values else math.nan


def _order(by: float, summary: Mapping[str, Any]) -> tuple[bool, bool, bool, float]:
    return not math.isfinite(by), summary["failed"], summary["too_many_failed"], by


def _over_all_tests(experiment: Experiment, setting: Setting) -> dict[str, Any]:
    """Return status, seeds and score of a setting over the test sets that rank, and whether a seed failed."""
    usable, statuses = experiment.usable(setting), experiment.statuses(setting)
    all_ok = set(statuses) == {"ok"}
    summary: dict[str, Any] = {
        "status": "ok" if all_ok else ", ".join(f"{count} {status}" for status, count in statuses.items()),
        "seeds": len(usable),
        "failed": any(status in STATUSES and status != "ok" for status in statuses),
        "too_many_failed": False,
        **{"score": None, "score_low": math.nan, "score_high": math.nan},
    }
    if experiment.progress:
        summary["stopped"] = experiment.stopped(setting)
    if usable and experiment.tests:
        samples = experiment.samples(usable)
        score = estimate(samples)
        summary |= {"score": score.value if math.isfinite(score.value) else None}
        summary |= {"score_low": score.low, "score_high": score.high, "too_many_failed": _too_many_failed(samples)}
    return summary


def _too_many_failed(samples: Sequence[Sample]) -> bool:
    return sum(sample.failed for sample in samples) > MOST_FAILED * sum(sample.values.size for sample in samples)


def _per_test(experiment: Experiment, setting: Setting) -> Iterator[dict[str, Any]]:
    """Yield the measures of a setting on each test set, means over its usable rows."""
    usable = experiment.usable(setting)
    for test in experiment.sweep.tests:
        records = [experiment.record(row, test) for row in usable or setting.rows[:1]]
        yield {
            **{name: _distinct(records, name) for name in ("test", "dataset", "test_dataset")},
            "metric": experiment.metric,
            "unit": _distinct(records, "unit"),
            **_spread(experiment, usable, test),
            **_gap(experiment, usable, test),
            **{name: _mean(experiment, usable, test, name) for name in experiment.study.headline[1:]},
            "caveats": "; ".join(caveats(experiment, usable, test)),
            "keys": setting.keys,
            "code": _distinct(records, "code"),
        }


def _distinct(records: Sequence[Mapping[str, Any]], name: str) -> str:
    return " ".join(dict.fromkeys(str(record.get(name, "")) for record in records))


def _spread(experiment: Experiment, rows: Sequence[Row], test: str) -> dict[str, float]:
    """Return mean, interval, and the spread over seeds and trajectories of the first headline metric."""
    import numpy as np

    if not rows:
        return dict.fromkeys(("mean", *SPREAD), math.nan)
    samples = experiment.samples(rows, [test])
    values = samples[0].values[np.isfinite(samples[0].values)]
    first, median, third = np.percentile(values, (25, 50, 75)) if values.size else (math.nan,) * 3
    mean, worst = estimate(samples), float(values.max()) if values.size else math.nan
    spread = {"median": float(median), "iqr": float(third - first), "worst": worst, "failed": samples[0].failed}
    return {"mean": mean.value, "low": mean.low, "high": mean.high} | spread


def _gap(experiment: Experiment, rows: Sequence[Row], test: str) -> dict[str, float]:
    """Return the metric on the training dataset and its excess on the test set, if the sweep has the test `train`."""
    if TRAIN not in experiment.sweep.tests:
        return {}
    on_train, on_test = (
        estimate(experiment.samples(rows, [name])).value if rows else math.nan for name in (TRAIN, test)
    )
    return {"train": on_train, "gap": on_test - on_train}


def _mean(experiment: Experiment, rows: Sequence[Row], test: str, metric: str) -> float:
    values = [float(experiment.record(row, test)[metric]) for row in rows]
    return sum(values) / len(values) if values else math.nan


def best_of(rows: pd.DataFrame, sweep: Sweep, axis: str, top: int) -> pd.DataFrame:
    """Return the `top` best settings for each value of an axis, given by its name or the last part of it.

    Raises:
        UnknownNameError: no axis has this name, or several have; lists the axes.
    """
    axes = [name for name in sweep.axes if name in rows]
    matches = [name for name in axes if axis in (name, name.rsplit(".", 1)[-1])]
    if len(matches) != 1:
        raise UnknownNameError(
            f"given --group-by {axis}; expected one of: {', '.join(axes) or 'none, as nothing varies'}"
        )
    settings = rows[[*axes]].map(compact).agg("|".join, axis=1)
    first = rows.loc[~settings.duplicated()]
    best = first.groupby(first[matches[0]].map(compact), sort=False).head(top).index
    return rows[settings.isin(settings.loc[best])]


def how_ranked(experiment: Experiment) -> str:
    """Explain the numbers of a leaderboard in words."""
    sweep, headline = experiment.sweep, experiment.study.headline[0]
    tests = ", ".join(experiment.tests)
    if not sweep.tests:
        return "Nothing is evaluated and nothing ranks: the sweep has no test set."
    if not tests:
        return (
            f"Nothing ranks: the only test set is the training set, whose {experiment.metric} is shown; add another "
            "one under `tests`."
        )
    order = "smaller is better" if experiment.metric == headline else "the smallest first, be that good or bad"
    of = f"the {experiment.column} of " if experiment.column else ""
    text = (
        f"Ranked by {of}{experiment.metric}, its mean over {tests} and its geometric mean over the seeds; {order}. "
        "Brackets are 95 % intervals for new seeds and new trajectories, from one seed for new trajectories "
        "only. A setting with a failed seed has no rank; one that fails on more than 5 % of the trajectories ranks "
        "after all others."
    )
    if (seeds := sweep.seeds) is None:
        return text
    return (
        f"{text} Seeds: {seeds.min} of each setting, then one more at a time, up to {seeds.max}, while the paired "
        f"t-test of its scores against a neighbour in rank is inconclusive at {ERROR:g} divided by the number of "
        f"interim analyses ({seeds.analyses}) and of neighbours; p values of comparisons are multiplied by the "
        "number of interim analyses."
    )


def page_manifest(name: str, version: str) -> ManifestFields:
    """Return the fields of the manifest of a page made from a whole sweep or search."""
    return {
        "key": name,
        "label": name,
        "status": "ok",
        "config": {"sweep": name},
        "fingerprint": version,
        "parts": {"config": version, "code": "", "inputs": {}},
    }


def column_value(value: Any) -> Any:
    """Return a value that a column of a Parquet table can hold: lists and mappings as text."""
    return value if isinstance(value, str | int | float | bool) or value is None else compact(value)
