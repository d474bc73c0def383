"""Calibrate a model on validation series: its error before refinement, and the width of its 90 % intervals.

Intervals are split conformal, see `common.calibration`: they cover a new series of the same kind with probability 90 %
or more, whatever the distribution of the errors. With one factor for all noise levels they are too wide at little noise
and too narrow at much; `interval_strata` gives each range of estimated noise its own factor.

A refined model meets series that its training data do not show: those of another solver, or noisier ones. Its
intervals are therefore calibrated on validation systems that are observed anew in several ways
(`series/observations.py`), in strata of the observation error that the fit of a series shows (`refinement/strata.py`).
The first estimate, the prior of the fit, is as unsure as it proves to be at the noise of the series.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trainers.common.calibration import NORMAL_90, factors_by_label, stratified_factors
from trainers.preference_dynamics.apply import Predictor
from trainers.preference_dynamics.config import NETWORKS, ModelConfig
from trainers.preference_dynamics.refinement import strata
from trainers.preference_dynamics.refinement.bounds import relative_noise
from trainers.preference_dynamics.series.inputs import Inputs, inputs_of
from trainers.preference_dynamics.series.observations import observe_anew
from trainers.preference_dynamics.system.equations import Array
from trainers.study import Arrays, Segments

MOST_SERIES = 1000
"""Validation series used, at most."""

MOST_REFINED = 1500
"""Validation series refined, at most, of one action; with n actions a series takes about n^2 as long."""

PRIOR_STRATA = 6
"""Ranges of estimated noise in which the first estimate of a refinement is checked."""

OVERCONFIDENT = 1.5
"""Factor by which a first estimate must be too sure before its spread is corrected; smaller ones are chance [1]."""

LEAST_FACTOR = 0.5
"""Smallest half width of an interval [spreads]: one that calibration would make narrower rests on luck."""


def calibrate(config: ModelConfig, segments: Segments, weights: Arrays) -> dict[str, Array]:
    """Return errors and interval factors by name; none without validation series or for a model of forecasts only.

    validation_rmse (Q,): root mean square error of unknowns before refinement. interval_factor: half width of the 90 %
    interval in units of the spread, (Q,), or (K, Q) for K strata of noise that begin at `interval_edges` (K - 1,). A
    refined model has stratum_factors (K, Q) instead, by `strata.strata_of`; and prior_factors (K, Q) for strata of
    noise that begin at prior_edges (K - 1,): the spread of its first estimate, in units of what the network says.
    """
    arrays = segments.phases[0]
    actions = int(segments.meta["actions"])
    count = MOST_REFINED // actions**2 if config.refine.steps > 0 else MOST_SERIES
    truth = arrays["validation/unknowns"][:count]
    if config.targets == "forecast" or not len(truth):
        return {}
    inputs = Inputs(*(arrays[f"validation/{name}"][:count] for name in Inputs._fields))
    predictor = Predictor(config, weights, segments.fitted, actions, str(segments.meta["stability"]))
    if config.kind == "fit":
        rmse = segments.fitted["unknowns_std"]
    else:
        first = predictor.first_estimate(inputs)
        rmse = np.sqrt(((first.unknowns - truth[:, : first.unknowns.shape[1]]) ** 2).mean(axis=0))
    fitted = {"validation_rmse": rmse}
    predictor = replace(predictor, fitted={**segments.fitted, **fitted})
    if config.refine.steps > 0:
        return fitted | _calibrate_refined(predictor, inputs, truth)
    estimate = predictor.estimate(inputs, segments.fitted["t"])
    error = np.abs(estimate.unknowns - truth[:, : estimate.unknowns.shape[1]])
    edges, factors = stratified_factors(error, estimate.spread, relative_noise(inputs.series), config.interval_strata)
    if not edges.size:
        return fitted | {"interval_factor": factors[0]}
    return fitted | {"interval_factor": factors, "interval_edges": edges}


def _calibrate_refined(predictor: Predictor, given: Inputs, truth: Array) -> dict[str, Array]:
    t = predictor.fitted["t"]
    horizon = np.moveaxis(given.forecast.reshape(*given.shift.shape, -1), 1, 2)
    y = np.concatenate([given.series, horizon], axis=1)
    y = observe_anew(y, truth, t, predictor.actions, predictor.config.seed)
    inputs = inputs_of(predictor.config, y, t)
    fitted = {}
    if predictor.config.kind in NETWORKS:
        first = predictor.first_estimate(inputs)
        error, noise = np.abs(first.unknowns - truth), relative_noise(inputs.series)
        edges, factors = stratified_factors(error, first.spread, noise, PRIOR_STRATA)
        factors = np.where(factors > OVERCONFIDENT * NORMAL_90, factors / NORMAL_90, 1.0)
        fitted = {"prior_edges": edges, "prior_factors": factors}
    estimate = replace(predictor, fitted={**predictor.fitted, **fitted}).estimate(inputs, t)
    assert estimate.strata is not None
    error = np.abs(estimate.unknowns - truth)
    factors = factors_by_label(error, estimate.spread, estimate.strata, strata.COUNT)
    return fitted | {"stratum_factors": np.maximum(factors, LEAST_FACTOR)}
