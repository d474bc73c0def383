"""Say from the validation series how far off a model is, and how far its 90 % intervals must reach.

`interval_factor` (Q,) is the split conformal quantile: the ceil(0.9 (m + 1))-th smallest |error| / spread over m
validation series, so that a new series of the same kind is covered with 90 % or more whatever the errors look like.
Source: Vovk, Gammerman & Shafer 2005; Lei et al. 2018.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trainers.preference_dynamics.apply import NORMAL_90, Predictor
from trainers.preference_dynamics.config import ModelConfig, Refinement
from trainers.preference_dynamics.prepare import Prepared
from trainers.preference_dynamics.system import Array
from trainers.study import Arrays, Segments

COVERED = 0.9

MOST_SERIES = 1000
"""Validation series that are used at most."""


def calibrate(config: ModelConfig, segments: Segments, weights: Arrays) -> dict[str, Array]:
    """Return `validation_rmse` (Q,) before refining and `interval_factor` (Q,) of what the model says in the end."""
    arrays = segments.phases[0]
    truth = arrays["validation/unknowns"][:MOST_SERIES]
    if config.targets == "forecast" or not len(truth):
        return {}
    given = Prepared(*(arrays[f"validation/{name}"][:MOST_SERIES] for name in Prepared._fields))
    predictor = Predictor(config.model_copy(update={"refine": Refinement()}), weights, segments.fitted)
    if config.kind != "fit":
        said = predictor.answer(given)
        truth = truth[:, : said.unknowns.shape[1]]
        rmse = np.sqrt(((said.unknowns - truth) ** 2).mean(axis=0))
    else:
        rmse = segments.fitted["unknowns_std"]
    known = {"validation_rmse": rmse}
    predictor = replace(predictor, config=config, fitted={**segments.fitted, **known})
    estimate = predictor.estimate(given, segments.fitted["t"])
    return known | {"interval_factor": _factor(np.abs(estimate.unknowns - truth), estimate.spread)}


def _factor(error: Array, spread: Array) -> Array:
    """Return the conformal quantile of each column; where there is no spread there is nothing to stretch."""
    count = len(error)
    rank = min(count, int(np.ceil(COVERED * (count + 1)))) - 1
    with np.errstate(all="ignore"):
        ratio = np.sort(error / spread, axis=0)[rank]
    return np.where(np.isfinite(ratio), ratio, NORMAL_90)
