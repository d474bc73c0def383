"""Evaluate a model on whole curves: free running from the first snapshot, and the time of each structure on its curve.

Scores are those of the model's own basis, so that errors of models with equal `basis` and `components` compare. Errors
of profiles and lengths are in the raw statistics of the test set and compare always; they need radial channels.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from trainers.common.summary import Row, mean, summary
from trainers.phase_field.comparison import Comparison, compare
from trainers.phase_field.config import NETWORKS, ModelConfig
from trainers.phase_field.losses import autocorrelation
from trainers.phase_field.source_history import source_history
from trainers.phase_field.system.initial import VARIED
from trainers.phase_field.tables import make_tables
from trainers.study import Evaluation, Trained, Trajectories

Array = np.ndarray

MAX_LAG = 20
"""Largest lag of `autocorrelation_error` [snapshots], whatever a model was trained with."""

UNITS = {
    "length_error": "%",
    "time_error": "time",
    "time_error_uniform": "time",
    "time_width_90": "time",
    "time_coverage_90": "%",
    **{f"sensitivity_error_{name}": "%" for name in VARIED},
}
"""Units of metrics that have one."""


def evaluate(config: ModelConfig, trained: Trained, test: Trajectories) -> Evaluation:
    """Evaluate a trained model on a test set.

    Tables: `per_trajectory`, `components`, `over_time`, `curves`, `profiles`, `deduced` (times of examples),
    `calibration` (coverage at several levels), `basis`; `sensitivity` where the test set was made for it, and of
    networks `source_history`, the losses in the source's columns.

    Raises:
        ValueError: the test set has other times or channels than the training set, or lacks a parameter.
    """
    case = compare(config, trained, test)
    parts = (_scores, _profiles, _times, _sensitivity)
    rows = [row for part in parts for row in part(case)]
    tables = make_tables(case)
    if config.kind in NETWORKS:
        tables["source_history"] = source_history(config, trained, test)
    return Evaluation(summary(rows, UNITS, default_unit="1"), tables)


def _scores(case: Comparison) -> Iterator[Row]:
    """Yield errors of the scores, over all points and of each component."""
    error = np.abs(case.predicted - case.truth)
    yield mean("mae", error)
    yield mean("baseline", np.abs(case.scores_mean - case.truth))
    yield mean("mae_last", error[:, -1])
    for k in range(error.shape[2]):
        yield mean(f"mae_{k + 1}", error[..., k])
    lag = min(MAX_LAG, case.truth.shape[1] - 1)
    predicted, truth = (torch.from_numpy(np.ascontiguousarray(array)) for array in (case.predicted, case.truth))
    yield Row("autocorrelation_error", float(autocorrelation(predicted, truth, lag)), len(truth))


def _profiles(case: Comparison) -> Iterator[Row]:
    """Yield errors of radial profiles and characteristic lengths; NaN where the channels are none."""
    if case.profiles is None:
        yield from (Row(name, np.nan, 0) for name in ("profile_error", "length_error"))
        return
    yield mean("profile_error", np.abs(case.profiles.predicted - case.profiles.truth))
    yield mean("profile_error_of_basis", np.abs(case.profiles.projected - case.profiles.truth))
    yield mean("length_error", case.profiles.length_error, scale=100)


def _times(case: Comparison) -> Iterator[Row]:
    """Yield errors of deduced times, and how often and how widely their 90 % sets hold the truth."""
    deduced = case.deduced
    yield mean("time_error", np.abs(deduced.mean - deduced.truth))
    yield mean("time_error_uniform", np.abs(case.t.mean() - deduced.truth))
    yield mean("time_coverage_90", deduced.depth <= deduced.level, scale=100)
    yield mean("time_width_90", deduced.width)


def _sensitivity(case: Comparison) -> Iterator[Row]:
    """Yield the error of the change of scores with M and kappa, in parts of the change; none in most test sets."""
    if case.sensitivity is not None:
        for name, (predicted, truth) in case.sensitivity.items():
            size = np.abs(truth).mean()
            yield Row(f"sensitivity_error_{name}", float(100 * np.abs(predicted - truth).mean() / size), len(truth))
