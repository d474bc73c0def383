"""Caveats: reasons to doubt a row of a leaderboard, printed beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from assets.identity.text import quantity
from assets.statistics.experiment import Experiment
from assets.statistics.intervals import centre
from assets.statistics.sweep_table import BASELINE, is_worse
from assets.store.train_test_overlap import known_trajectories
from assets.sweeps.sweep import Row
from assets.sweeps.sweep_file import TRAIN

LEAKING = "leaking_"
"""How the counts of segments begin that say how many trajectories train and validate at once."""

WORSE = "worse than the baseline"

UNRESOLVED = "unresolved"
"""Row of a summary: trajectories whose numerical error is above the tolerance of the study, so that it may be larger
than the model's."""


def caveats(experiment: Experiment, rows: Sequence[Row], test: str) -> Iterator[str]:
    """Yield the caveats of the usable rows of a setting on a test set; none for a setting without any."""
    if not rows:
        return
    if len(rows) == 1:
        yield "one seed"
    records = [experiment.record(row, test) for row in rows]
    if failures := sum(not math.isfinite(record[experiment.metric]) for record in records):
        yield f"{failures} not finite"
    counts = [float(record.get(UNRESOLVED, 0.0)) for record in records]
    if unresolved := sum(int(count) for count in counts if math.isfinite(count)):
        yield f"{unresolved} not resolved"
    (sample,) = experiment.samples(rows, [test])
    if sample.failed and sample.values.shape[1] > 1:
        yield f"{sample.failed} of {quantity(sample.values.size, 'trajectory', 'trajectories')} failed"
    value, baseline = (
        centre(np.array([record.get(name, math.nan) for record in records])) for name in (experiment.metric, BASELINE)
    )
    # the baseline is a value of the headline alone
    if experiment.metric == experiment.study.headline[0] and is_worse(value, baseline):
        yield WORSE
    if missed := max(_unresolved_segments(experiment, row) for row in rows):
        yield f"{missed} segments not resolved"
    if any(not _has_validation(experiment, row) for row in rows):
        yield "no validation"
    yield from _leaks(records)
    if overlap := _overlap(experiment, rows[0], test):
        yield overlap


def _leaks(records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield of what some train and validate at once: their validation proves little.

    A study counts them in its segments as `leaking_<what>`; the report's table of segments has the numbers.
    """
    for name in records[0]:
        if str(name).startswith(LEAKING) and any(record[name] > 0 for record in records):
            yield f"{name.removeprefix(LEAKING)} in training and validation"


def _has_validation(experiment: Experiment, row: Row) -> bool:
    segments = experiment.store.manifest_or_missing(*row.configuration.item.segments.address)
    return bool(segments["numbers"].get("validation_segments"))


def _unresolved_segments(experiment: Experiment, row: Row) -> int:
    """Return how many training segments miss the tolerance of their solver, where the study counts them."""
    segments = experiment.store.manifest_or_missing(*row.configuration.item.segments.address)
    return max((int(phase.get("unresolved_segments", 0)) for phase in segments["counts"]), default=0)


def _overlap(experiment: Experiment, row: Row, test: str) -> str:
    """Return how many test trajectories are in the training data, in words; empty where none is."""
    if test == TRAIN:
        return "train = test"
    evaluation = row.evaluations[list(experiment.sweep.tests).index(test)]
    if evaluation.validation == evaluation.test:
        return "validation = test"
    overlap, count = known_trajectories(evaluation, experiment.store)
    return "train = test" if overlap == count else f"{overlap} of {count} test trajectories train" if overlap else ""
