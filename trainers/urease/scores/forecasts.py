"""Forecasts: posterior samples run through the reactor, to times long after the prefix.

What is forecast is the pH of the solution, not what the probe reads. Nuisances of the reactor (gas exchange, mixing)
are drawn from their prior: the true ones are never used.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trainers.study import Arrays, Meta
from trainers.urease.apply import Predictor
from trainers.urease.curves.curves import Curves
from trainers.urease.kinetics.families import reactors_of
from trainers.urease.kinetics.reactor import Reactors
from trainers.urease.kinetics.solution import solve
from trainers.urease.scores.case import Case

Array = np.ndarray

HORIZONS = (300.0, 1000.0, 2000.0)
"""[s]"""

CURVES, SAMPLES = 200, 24
"""Curves that are forecast at most, and posterior samples of each."""


class Forecast(NamedTuple):
    """Forecasts of N curves at H times from one prefix (N, H)."""

    mean: Array
    lower: Array
    """Lower end of the 90 % band."""
    upper: Array


def forecast(predictor: Predictor, curves: Curves, samples: Array, t: Array, seed: int = 0) -> Forecast:
    """Return the forecast at times t (H,) [s] of posterior samples (S, N, P)."""
    count, number, _ = samples.shape
    low, high = predictor.box
    # a Gaussian has mass outside of the box, where there is no reactor
    inside = np.clip(samples, low, high).reshape(count * number, -1)
    pH = solve(reactors_like(predictor.meta, _parameters(predictor, curves, inside, count, seed)), t)
    pH = pH.reshape(count, number, -1)
    # ranks k/(S + 1): the expected quantiles of S samples
    lower, upper = np.quantile(pH, [0.05, 0.95], axis=0, method="weibull")
    return Forecast(pH.mean(axis=0), lower, upper)


def _parameters(predictor: Predictor, curves: Curves, theta: Array, count: int, seed: int) -> Arrays:
    names = [*predictor.unknowns, *(name for name in str(predictor.meta["nuisance"]).split(",") if name)]
    low, high = predictor.fitted["prior_low"], predictor.fitted["prior_high"]
    uniform = np.random.default_rng([seed, 5]).uniform(size=(len(theta), len(names)))
    parameters = {name: low[k] + (high[k] - low[k]) * uniform[:, k] for k, name in enumerate(names)}
    parameters |= {name: theta[:, k] for k, name in enumerate(predictor.unknowns)}
    known = str(predictor.meta["known"]).split(",")
    return parameters | {name: np.tile(curves.known[:, k], count) for k, name in enumerate(known)}


def reactors_like(meta: Meta, parameters: Arrays) -> Reactors:
    """Return the reactors of parameters under the law and phosphate of `meta`."""
    return reactors_of(parameters, meta["law"], float(meta["phosphate"]))  # type: ignore[arg-type]


def true_ph(case: Case, chosen: slice, t: Array) -> Array:
    """Return the true pH of the solution of some curves at times t (H,) [s]."""
    parameters = {name: values[chosen] for name, values in case.test.parameters.items()}
    return solve(reactors_like(case.test.meta, parameters), t)


class ForecastScores(NamedTuple):
    """Forecasts of a case at all prefixes, and the truth."""

    truth: Array
    """(N, H)"""
    forecasts: tuple[Forecast, ...]
    """One per prefix."""
    persistence: tuple[Array, ...]
    """The last reading of each prefix (N,)."""


def forecast_scores(case: Case) -> ForecastScores:
    """Forecast the first curves of a case."""
    chosen = slice(0, CURVES)
    truth = true_ph(case, chosen, np.array(HORIZONS))
    curves = case.curves.take(chosen)
    forecasts = tuple(
        forecast(case.predictor, curves, samples[:SAMPLES, chosen], np.array(HORIZONS)) for samples in case.samples
    )
    last = []
    for duration in case.durations:
        member = curves.up_to(duration)
        last.append(curves.reading[np.arange(len(member)), member.shape[1] - 1 - member[:, ::-1].argmax(axis=1)])
    return ForecastScores(truth, forecasts, tuple(last))
