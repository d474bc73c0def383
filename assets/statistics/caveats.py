"""What casts doubt on a rank: one seed, no number, nothing validated, test trajectories that are training data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from assets.statistics.experiment import Experiment
from assets.store.train_test_overlap import known_trajectories
from assets.sweeps.sweep import Row
from assets.sweeps.sweep_file import TRAIN


def marks(experiment: Experiment, rows: Sequence[Row], test: str) -> Iterator[str]:
    """Yield the marks of a setting on a test set; none for a setting without a usable row."""
    if len(rows) == 1:
        yield "one seed"
    if lost := sum(not math.isfinite(experiment.record(row, test)[experiment.metric]) for row in rows):
        yield f"{lost} not finite"
    if any(not _validated(experiment, row) for row in rows):
        yield "no validation"
    if rows and (overlap := _overlap(experiment, rows[0], test)):
        yield overlap


def _validated(experiment: Experiment, row: Row) -> bool:
    segments = experiment.store.manifest(*row.configuration.item.segments.address) or {}
    return bool(segments.get("numbers", {}).get("validation_segments"))


def _overlap(experiment: Experiment, row: Row, test: str) -> str:
    if test == TRAIN:
        return "train = test"
    evaluation = row.evaluations[list(experiment.sweep.tests).index(test)]
    known, count = known_trajectories(evaluation, experiment.store)
    return "train = test" if known == count else f"{known} of {count} test trajectories train" if known else ""
