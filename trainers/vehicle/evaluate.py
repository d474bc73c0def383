"""Evaluate a model on a test set: rollouts of the second half of each run, and the combinations of each car.

The first half of a run identifies its car, see `scoring.py`. Rollouts begin at a measured state, noise and all, and are
compared with the true motion where the data tell it. A rollout that is not finite, or that goes more than ten times as
far as any true one, counts in `nan_rate` and in nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from trainers.common.summary import Row, mean, quantile, root_mean_square, summary
from trainers.study import Evaluation, Trained, Trajectories
from trainers.vehicle.config import ModelConfig
from trainers.vehicle.dynamics.registry import COMBINED
from trainers.vehicle.dynamics.states import YAW
from trainers.vehicle.scoring import Scored, distance, score
from trainers.vehicle.tables import at_second, make_tables

UNITS = dict.fromkeys(("nan_rate", "coverage_90", "combinations_error", "identified_error", "interval_width",
                       *(f"error_{name}" for name in COMBINED)), "%") | {"yaw_error_2s": "rad"}  # fmt: skip
"""Units of metrics that are not in m."""

IDENTIFIED = tuple(name for name in COMBINED if name != "h")
"""Combinations that ordinary driving identifies; h shows only where braking and cornering come together."""


def evaluate(config: ModelConfig, trained: Trained, test: Trajectories) -> Evaluation:
    """Evaluate a trained model on a test set.

    Tables: `per_trajectory` (errors of each run), `horizons` (error over time), `strata` (by friction and speed),
    `combinations` (errors, coverage), `cars` (true and estimated combinations with intervals), `windows` (estimates of
    single windows), `rollouts` (true and predicted motion of a few windows), `coverage` (in strata).

    Raises:
        ValueError: half of a run is shorter than a window, or the test set lacks a channel.
    """
    case = score(config, trained, test)
    rows = [*_rollouts(case), *_combinations(case)]
    return Evaluation(summary(rows, UNITS, default_unit="m"), make_tables(case, test))


def _rollouts(case: Scored) -> Iterator[Row]:
    """Yield displacement errors: at the end (fde) and on average over the points up to it (ade), after 1 s and 2 s."""
    error = case.position_error
    for seconds in (2, 1):
        end = at_second(case, seconds)
        yield mean(f"fde_{seconds}s", error[:, end])
        yield mean(f"ade_{seconds}s", error[:, 1 : end + 1].mean(axis=1))
    yield mean("baseline", distance(case.twist, case.truth)[:, at_second(case, 2)])
    yield quantile("fde_2s_median", error[:, at_second(case, 2)])
    yield quantile("fde_2s_tail", error[:, at_second(case, 2)], 0.95)
    turned = case.predicted[:, at_second(case, 2), YAW] - case.truth[:, at_second(case, 2), YAW]
    yield mean("yaw_error_2s", np.abs(np.arctan2(np.sin(turned), np.cos(turned))))
    yield mean("nan_rate", ~np.isfinite(case.predicted).all(axis=(1, 2)), scale=100)


def _combinations(case: Scored) -> Iterator[Row]:
    """Yield errors of combinations, as root mean squares of log(estimate/true), and the coverage of 90 % intervals."""
    error = 100 * (case.logarithm - case.true_logarithm)
    width = 100 * case.half_width
    columns = [COMBINED.index(name) for name in IDENTIFIED]
    yield root_mean_square("combinations_error", error)
    yield root_mean_square("identified_error", error[:, columns])
    yield from (root_mean_square(f"error_{name}", error[:, k]) for k, name in enumerate(COMBINED))
    yield mean("coverage_90", np.where(np.isfinite(error), np.abs(error) <= width, np.nan), scale=100)
    yield mean("interval_width", np.where(np.isfinite(error), 2 * width, np.nan))
