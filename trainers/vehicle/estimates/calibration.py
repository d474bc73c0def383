"""Calibrate a model on validation cars: the error of its estimates, and how wide 90 % intervals must be."""

from __future__ import annotations

import numpy as np

from trainers.common.calibration import NORMAL_90, conformal_factor
from trainers.study import Arrays, Segments
from trainers.vehicle.config import ESTIMATORS, ModelConfig
from trainers.vehicle.dynamics.registry import COMBINED
from trainers.vehicle.estimates.coordinates import comparison
from trainers.vehicle.estimates.estimate import compared, estimator_of
from trainers.vehicle.windows.cut import Windows

Array = np.ndarray

MOST_WINDOWS = 480
"""Validation windows that are used at most, whole cars of them."""

FEWEST_CARS = 9
"""Validation cars that a 90 % quantile needs."""


def calibrate(config: ModelConfig, segments: Segments, weights: Arrays) -> dict[str, Array]:
    """Return what validation cars tell of a model; nothing without any, or where it estimates no combinations.

    validation_rmse (6,): root mean square error of the logarithms of the combinations; interval_factor (6,): half width
    of their 90 % intervals in units of the spread (split conformal, see `common.calibration`). As in an evaluation, an
    estimate rests on half of a car's windows.
    """
    arrays = segments.phases[-1]
    if config.kind not in ESTIMATORS or "validation/combinations" not in arrays or not len(arrays["validation/car"]):
        return {}
    estimator = estimator_of(config, weights, segments.fitted, segments.meta)
    if comparison(estimator.dynamics) is None:
        return {}
    rows = _rows(arrays)
    states, controls = arrays["validation/target"][rows], arrays["validation/control"][rows]
    windows = Windows(states, controls, arrays["validation/trajectory"][rows], np.zeros(len(rows), int))
    made = estimator.estimate(windows, arrays["validation/car"][rows])
    _, first = np.unique(made.group, return_index=True)
    truth = np.log(arrays["validation/combinations"][rows][first])
    fitted: dict[str, Array] = {"validation_rmse": np.ones(len(COMBINED))}
    logarithm, _ = compared(estimator.dynamics, made, fitted)
    error = logarithm - truth
    fitted["validation_rmse"] = np.sqrt((error**2).mean(axis=0))
    _, spread = compared(estimator.dynamics, made, fitted)
    factor = conformal_factor(error, np.maximum(spread, 1e-12))
    if len(error) < FEWEST_CARS:  # too few for a quantile: the approximation's own width is the least
        factor = np.maximum(factor, NORMAL_90)
    return fitted | {"interval_factor": factor}


def _rows(arrays: Arrays) -> Array:
    """Return the first half of the windows of each run, of as many whole cars as there is room for."""
    run, car = arrays["validation/trajectory"], arrays["validation/car"]
    place = np.zeros(len(run), int)
    for one in np.unique(run):
        members = run == one
        place[members] = np.arange(members.sum()) < max(1, members.sum() // 2)
    rows = np.flatnonzero(place)
    cars = np.unique(car[rows])
    ends = np.cumsum([int((car[rows] == one).sum()) for one in cars])
    inside = cars[: max(1, int((ends <= MOST_WINDOWS).sum()))]
    return rows[np.isin(car[rows], inside)]
