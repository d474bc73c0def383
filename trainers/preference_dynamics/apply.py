"""Use a trained model: unknowns with intervals, and forecasts, of series in raw units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from trainers.common.named_arrays import below
from trainers.common.torch_training.state import load_weights
from trainers.preference_dynamics.baselines import answer_of_baseline, random_starts
from trainers.preference_dynamics.config import NETWORKS, ModelConfig
from trainers.preference_dynamics.models import blank_network
from trainers.preference_dynamics.prepare import Prepared, prepare
from trainers.preference_dynamics.propagate import propagate
from trainers.preference_dynamics.refine import Box, Refined, refine
from trainers.preference_dynamics.system import Array
from trainers.preference_dynamics.targets import targets_of
from trainers.study import Arrays, Trained

NORMAL_90 = 1.6448536269514722
"""Half width of the interval that holds 90 % of a normal distribution [std]."""


@dataclass(frozen=True)
class Answer:
    """What a model says of N series before anything is refined; columns it does not speak of are missing."""

    unknowns: Array
    """(N, Q) in the flat order; the first columns where a model says parameters only."""
    spread: Array
    """(N, Q) std of each."""
    forecast: Array
    """(N, 2n h) raw units, channel by channel."""


@dataclass(frozen=True)
class Estimate:
    """What a model says of N series."""

    unknowns: Array
    """(N, Q)"""
    spread: Array
    """(N, Q) std of each."""
    reach: Array
    """(N, Q) half width of the 90 % interval about each."""
    forecast: Array
    """(N, 2n h) raw units."""
    first: Array
    """(N, Q) what was said before refining."""
    identified: Array
    """(N, Q) whether the series determines each unknown; all true where nothing was refined."""
    flagged: Array
    """(N,) whether an unknown is not identified, or the fit failed."""


@dataclass(frozen=True)
class Predictor:
    """A trained model of series y (N, T, 2n) = (u, a) in raw units."""

    config: ModelConfig
    weights: Arrays
    fitted: Arrays

    def predict(self, y: Array, t: Array) -> Estimate:
        """Estimate unknowns, intervals and the last `horizon` points of series (N, T, 2n) at times t (T,).

        The last points are cut before anything else; give NaN or anything there.
        """
        return self.estimate(prepare(self.config, y, t), t)

    def estimate(self, given: Prepared, t: Array) -> Estimate:
        """Estimate from prepared series; t (T,) includes the horizon."""
        answer = self.answer(given)
        everything = np.ones(answer.unknowns.shape, bool)
        if self.config.refine.steps == 0:
            return self._estimate(answer, answer.unknowns, everything, np.zeros(len(everything), bool))
        refined = self._refine(answer, given, t)
        ahead = propagate(refined.unknowns, t, given.x.shape[1] // 2)[:, -self.config.horizon :]
        ahead = np.moveaxis(ahead, 1, 2).reshape(len(ahead), -1)
        told = Answer(refined.unknowns, refined.spread, ahead)
        flagged = ~refined.converged | ~refined.identified.all(axis=1)
        return self._estimate(told, answer.unknowns, refined.identified, flagged)

    def answer(self, given: Prepared) -> Answer:
        """Return what the model says before anything is refined."""
        if self.config.kind not in NETWORKS:
            return Answer(*answer_of_baseline(self.config, self.weights, self.fitted, given))
        network = blank_network(self.config, given.x.shape[1], given.features.shape[1])
        load_weights(network, self.weights)
        with torch.no_grad():
            blocks = torch.arange(len(given.x)).split(500)
            x, features = (torch.from_numpy(np.asarray(part, np.float32)) for part in (given.x, given.features))
            said = [network(x[block], features[block]) for block in blocks]
        targets = targets_of(self.config, self.fitted, given.x.shape[1] // 2)
        unknowns, forecast = targets.split(torch.cat([part.mean for part in said]).double().numpy(), given)
        if said[0].log_std is None:
            spread = np.tile(
                self.fitted.get("validation_rmse", self.fitted["unknowns_std"])[: unknowns.shape[1]], (len(unknowns), 1)
            )
        else:
            logs = torch.cat([part.log_std for part in said]).double().numpy()  # type: ignore[misc]
            spread = np.exp(logs[:, : targets.unknowns]) * targets.width
        return Answer(unknowns, spread, forecast)

    def _refine(self, answer: Answer, given: Prepared, t: Array) -> Refined:
        fitted, settings = self.fitted, self.config.refine
        box = Box(fitted["unknowns_low"], fitted["unknowns_high"], fitted["unknowns_std"])
        series = np.moveaxis(given.x * given.scale[..., None] + given.shift[..., None], 1, 2)
        starts = random_starts(self.config, box, series, answer.unknowns, answer.spread)
        return refine(series, t[: series.shape[1]], starts, answer.unknowns, answer.spread, box, settings.steps)

    def _estimate(self, told: Answer, first: Array, identified: Array, flagged: Array) -> Estimate:
        factor = self.fitted.get("interval_factor", np.array(NORMAL_90))
        reach = told.spread * factor
        return Estimate(told.unknowns, told.spread, reach, told.forecast, first, identified, flagged)


def apply(config: ModelConfig, trained: Trained, which: str = "best") -> Predictor:
    """Return the predictor of a trained model; `which` is best or last.

    Raises:
        ValueError: if there are no such weights.
    """
    weights = below(which, trained.weights)
    if not weights:
        known = sorted({name.partition("/")[0] for name in trained.weights})
        raise ValueError(f"no weights {which!r}; there are: {', '.join(known) or 'none'}")
    return Predictor(config, weights, trained.fitted)
