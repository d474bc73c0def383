"""The leaderboard of a sweep: settings ranked over their seeds, with intervals and with what casts doubt on a rank."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.identity.canonical import compact, short_digest
from assets.identity.text import markdown_table
from assets.statistics.adaptive_seeds import ERROR
from assets.statistics.caveats import marks
from assets.statistics.experiment import Experiment, Setting, short
from assets.statistics.intervals import interval, scores
from assets.sweeps.seeds import Seeds
from assets.sweeps.sweep import Sweep
from assets.sweeps.sweep_file import TRAIN
from trainers.study import STATUSES, Study

if TYPE_CHECKING:
    import pandas as pd

SPREAD = ("low", "high", "median", "iqr", "worst")
"""Columns beside the mean of the first headline metric; of the score too with `score_` in front (low and high)."""


@dataclass(frozen=True)
class Leaderboard:
    """A written leaderboard."""

    path: Path
    rows: pd.DataFrame
    markdown: str
    failed: int
    version: str


def rank(experiment: Experiment) -> pd.DataFrame:
    """Rank the settings of a sweep by their score, the mean of the first headline metric over seeds and test sets.

    One row per setting and test set. Columns: rank, the axes without seeds, status, seeds (that are ok), score with
    score_low and score_high, test, dataset, test_dataset, metric, unit, mean, low, high (95 %), then of the values per
    seed and trajectory median, iqr and worst; train and gap where the sweep evaluates on `train`; the mean of each
    other headline metric; marks; keys (hashes, one per seed) and code (of training and evaluation).

    A sweep with `seeds` has the column stopped: how far a setting is. A setting of which a seed failed has no rank and
    comes after those that are whole: what failed is counted, never averaged away. `train` ranks nothing.
    """
    import pandas as pd

    tests = list(experiment.sweep.tests)
    standing = [(_standing(experiment, setting), setting) for setting in experiment.settings]
    ordered = sorted(standing, key=lambda pair: (pair[0]["score"] is None, not pair[0]["whole"], pair[0]["score"] or 0))
    records, place = [], 0
    for told, setting in ordered:
        ranked = told.pop("whole") and told["score"] is not None
        place += ranked
        score = math.nan if told["score"] is None else told["score"]
        head = {"rank": str(place) if ranked else "", **setting.axes, **told, "score": score}
        records += [head | measured for measured in _per_test(experiment, setting, tests)]
    return pd.DataFrame(records)


def _standing(experiment: Experiment, setting: Setting) -> dict[str, Any]:
    """Return what holds of a setting over all test sets."""
    usable, counted = experiment.usable(setting), experiment.counted(setting)
    failed = any(status in STATUSES and status != "ok" for status in counted)
    told: dict[str, Any] = {"status": _status(counted), "seeds": len(usable), "whole": not failed, "score": None}
    told |= {"score_low": math.nan, "score_high": math.nan}
    told |= {"stopped": experiment.stopped(setting)} if experiment.progress else {}
    if usable and experiment.tests:
        samples = experiment.samples(usable)
        mean = float(scores(samples).mean())
        low, high = interval(samples)
        told |= {"score": mean if math.isfinite(mean) else None, "score_low": low, "score_high": high}
    return told


def _status(counted: Any) -> str:
    """Say `ok` where all rows are, else how many are what: `2 ok, 1 diverged`."""
    return "ok" if set(counted) == {"ok"} else ", ".join(f"{count} {name}" for name, count in counted.items())


def _per_test(experiment: Experiment, setting: Setting, tests: Sequence[str]) -> Iterator[dict[str, Any]]:
    usable = experiment.usable(setting)
    for test in tests:
        rows = usable or setting.rows[:1]
        records = [experiment.record(row, test) for row in rows]
        told: dict[str, Any] = {name: _unique(records, name) for name in ("test", "dataset", "test_dataset")}
        told |= {"metric": experiment.metric, "unit": _unique(records, "unit")}
        told |= _spread(experiment, usable, test) | _gap(experiment, usable, test)
        for name in experiment.study.headline[1:]:
            told[name] = _mean([float(record[name]) for record in records]) if usable else math.nan
        told["marks"] = "; ".join(marks(experiment, usable, test))
        told["keys"] = setting.keys
        told["code"] = _unique(records, "code")
        yield told


def _spread(experiment: Experiment, rows: Sequence[Any], test: str) -> dict[str, float]:
    """Return mean, interval, and the spread over seeds and trajectories of the first headline metric."""
    import numpy as np

    if not rows:
        return dict.fromkeys(("mean", *SPREAD), math.nan)
    samples = experiment.samples(rows, [test])
    values = samples[0].values[np.isfinite(samples[0].values)]
    first, median, third = np.percentile(values, (25, 50, 75)) if values.size else (math.nan,) * 3
    low, high = interval(samples)
    worst = float(values.max()) if values.size else math.nan
    spread = {"median": float(median), "iqr": float(third - first), "worst": worst}
    return {"mean": float(scores(samples).mean()), "low": low, "high": high} | spread


def _gap(experiment: Experiment, rows: Sequence[Any], test: str) -> dict[str, float]:
    """Return the metric on the training dataset and how far the test set is above it, if the sweep asks for it."""
    if TRAIN not in experiment.sweep.tests:
        return {}
    if not rows:
        return {"train": math.nan, "gap": math.nan}
    on_train, on_test = (
        _mean([float(experiment.record(row, name)[experiment.metric]) for row in rows]) for name in (TRAIN, test)
    )
    return {"train": on_train, "gap": on_test - on_train}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _unique(records: Sequence[dict[str, Any]], name: str) -> str:
    return " ".join(dict.fromkeys(str(record.get(name, "")) for record in records))


def best_of(rows: pd.DataFrame, sweep: Sweep, axis: str, top: int) -> pd.DataFrame:
    """Keep the `top` best settings for each value of an axis, given by its name or the last part of it.

    Raises:
        LookupError: with the axes that there are.
    """
    axes = [name for name in sweep.axes if name in rows]
    chosen = [name for name in axes if axis in (name, name.rsplit(".", 1)[-1])]
    if len(chosen) != 1:
        raise LookupError(f"given --group-by {axis}; expected one of: {', '.join(axes) or 'none, as nothing varies'}")
    settings = rows[[*axes]].map(compact).agg("|".join, axis=1)
    first = rows.loc[~settings.duplicated()]
    kept = first.groupby(first[chosen[0]].map(compact), sort=False).head(top).index
    return rows[settings.isin(settings.loc[kept])]


def write(experiment: Experiment) -> Leaderboard:
    """Rank a sweep and store the result as Parquet, Markdown and CSV."""
    sweep, rows = experiment.sweep, rank(experiment)
    text = markdown(rows, sweep, experiment.study)
    version = short_digest(rows.to_csv(index=False))
    address = (sweep.study, "leaderboard", short_digest("leaderboard", sweep.name))
    with experiment.store.writing(*address) as draft:
        draft.table("leaderboard", rows.assign(**{a: rows[a].map(_column) for a in sweep.axes if a in rows}))
        draft.page("leaderboard.md", text)
        draft.page("leaderboard.csv", rows.to_csv(index=False))
        draft.manifest |= page_manifest(sweep.name, version)
    failed = sum(experiment.status(row) != "ok" for row in sweep.rows)
    return Leaderboard(experiment.store.path(*address), rows, text, failed, version)


def page_manifest(name: str, version: str) -> dict[str, Any]:
    """Return what the manifest says of something that is made of a whole sweep or search."""
    return {
        "key": name,
        "label": name,
        "status": "ok",
        "config": {"sweep": name},
        "fingerprint": version,
        "parts": {"config": version, "code": "", "inputs": {}},
    }


def _column(value: Any) -> Any:
    """Return a value that a column of a table can hold."""
    return value if isinstance(value, str | int | float | bool) or value is None else compact(value)


def markdown(rows: pd.DataFrame, sweep: Sweep, study: Study) -> str:
    """Render a leaderboard as Markdown: one table per test set and how it is ranked."""
    lines = [f"# {sweep.name}: {sweep.description}", "", how_ranked(sweep, study), ""]
    for test, table in rows.groupby("test", sort=False):
        lines += [f"## Test set {test}", "", *markdown_table(table.drop(columns="test")), ""]
    return "\n".join(lines)


def how_ranked(sweep: Sweep, study: Study) -> str:
    """Say in words what the numbers of a leaderboard are."""
    tests = ", ".join(test for test in sweep.tests if test != TRAIN)
    text = (
        f"Ranked by the mean of {study.headline[0]} over the seeds and over {tests}; smaller is better. Brackets are "
        "95 % bootstrap intervals over seeds and trajectories; few seeds make them too narrow: from 3, 5 and 10 seeds "
        "they cover about 74, 85 and 90 %. A setting of which a seed failed has no rank."
    )
    return f"{text} {how_stopped(sweep.seeds)}" if sweep.seeds else text


def how_stopped(seeds: Seeds) -> str:
    """Say in words how many seeds a setting has."""
    return (
        f"Seeds: {seeds.min} of each setting, then one more, up to {seeds.max}, of every setting that cannot be told "
        f"from its neighbour in rank by the paired t-test of their scores at {ERROR:g} divided by {seeds.looks} looks "
        "and by the number of neighbours; the p values of comparisons are multiplied by the looks."
    )


def short_columns(rows: pd.DataFrame, sweep: Sweep) -> dict[str, str]:
    """Return the axes of a leaderboard by what a narrow table calls them."""
    return {axis: short(axis) for axis in sweep.axes if axis in rows}
