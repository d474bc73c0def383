"""Correct the levels of intervals by validation curves.

The rank of a true unknown among its posterior samples is uniform if the posterior is right. Where it is not, the
interval that holds 90 % is the one between the 5 % and 95 % quantiles of the ranks: the level q of an interval is taken
at `levels(q)`, the q-quantile of the validation ranks, prefix by prefix and unknown by unknown.
Source: Kuleshov, Fenner & Ermon 2018, arXiv 1807.00263.
"""

from __future__ import annotations

import numpy as np

from trainers.common.calibration import posterior_ranks, rank_quantiles
from trainers.common.named_arrays import below
from trainers.study import Arrays, Segments
from trainers.urease.apply import Predictor
from trainers.urease.config import ModelConfig
from trainers.urease.curves.curves import Curves

CURVES = {"least_squares": 150, "laplace": 150}
MOST_CURVES, SAMPLES = 2000, 200
"""Validation curves that are used at most (fewer where an estimate is slow), and samples of each."""


def calibrate(config: ModelConfig, segments: Segments, weights: Arrays) -> dict[str, np.ndarray]:
    """Return `levels` (K, P, Q), see `common.calibration.rank_quantiles`; nothing without validation curves.

    The exact posterior needs no correction, and gets none.
    """
    arrays = below("validation", segments.phases[0])
    if not config.recalibrate or config.kind == "exact" or not len(arrays["truth"]):
        return {}
    count = CURVES.get(config.kind, MOST_CURVES)
    curves = Curves(*(np.asarray(arrays[name][:count], np.float64) for name in Curves._fields))
    predictor = Predictor(config, weights, segments.fitted, segments.meta)
    levels = []
    for k in range(len(config.durations)):
        samples = predictor.samples(curves, k, SAMPLES, seed=1)
        levels.append(rank_quantiles(posterior_ranks(samples, arrays["truth"][:count])))
    return {"levels": np.stack(levels)}
