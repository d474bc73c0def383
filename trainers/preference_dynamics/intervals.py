"""Calibrate a model on validation series: its error before refinement, and the width of its 90 % intervals.

Intervals are split conformal, see `common.calibration`: they cover a new series of the same distribution with
probability 90 % or more, whatever the distribution of the errors. With one factor for all noise levels they are too
wide at little noise and too narrow at much; `interval_strata` gives each range of estimated noise its own factor.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trainers.common.calibration import stratified_factors
from trainers.preference_dynamics.apply import Predictor
from trainers.preference_dynamics.config import ModelConfig
from trainers.preference_dynamics.refinement.bounds import relative_noise
from trainers.preference_dynamics.series.inputs import Inputs
from trainers.preference_dynamics.system.equations import Array
from trainers.study import Arrays, Segments

MOST_SERIES = 1000
"""Validation series used, at most: each is refined."""


def calibrate(config: ModelConfig, segments: Segments, weights: Arrays) -> dict[str, Array]:
    """Return errors and interval factors by name; none without validation series or for a model of forecasts only.

    validation_rmse (Q,): root mean square error of unknowns before refinement. interval_factor: half width of the 90 %
    interval in units of the spread, (Q,), or (K, Q) for K strata of noise that begin at `interval_edges` (K - 1,).
    """
    arrays = segments.phases[0]
    truth = arrays["validation/unknowns"][:MOST_SERIES]
    if config.targets == "forecast" or not len(truth):
        return {}
    inputs = Inputs(*(arrays[f"validation/{name}"][:MOST_SERIES] for name in Inputs._fields))
    predictor = Predictor(config, weights, segments.fitted, int(segments.meta["actions"]))
    if config.kind == "fit":
        rmse = segments.fitted["unknowns_std"]
    else:
        first = predictor.first_estimate(inputs)
        truth = truth[:, : first.unknowns.shape[1]]
        rmse = np.sqrt(((first.unknowns - truth) ** 2).mean(axis=0))
    predictor = replace(predictor, fitted={**segments.fitted, "validation_rmse": rmse})
    estimate = predictor.estimate(inputs, segments.fitted["t"])
    error = np.abs(estimate.unknowns - truth)
    edges, factors = stratified_factors(error, estimate.spread, relative_noise(inputs.series), config.interval_strata)
    if not edges.size:
        return {"validation_rmse": rmse, "interval_factor": factors[0]}
    return {"validation_rmse": rmse, "interval_factor": factors, "interval_edges": edges}
