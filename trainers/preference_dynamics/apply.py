"""Apply a trained model to series in raw units: unknowns with intervals, and forecasts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from trainers.common.calibration import NORMAL_90, StratifiedFactors, factors_of
from trainers.common.named_arrays import below
from trainers.common.torch_training.state import load_weights
from trainers.preference_dynamics.config import NETWORKS, ModelConfig
from trainers.preference_dynamics.models.baselines import baseline_estimate
from trainers.preference_dynamics.models.networks import blank_network
from trainers.preference_dynamics.refinement.bounds import Box, relative_noise
from trainers.preference_dynamics.refinement.least_squares import Refined, refine
from trainers.preference_dynamics.refinement.silent_series import with_silent_series
from trainers.preference_dynamics.refinement.starts import starts_in_prior, starts_near, with_hidden_desires
from trainers.preference_dynamics.refinement.strata import strata_of, uncalibrated_factor
from trainers.preference_dynamics.refinement.thresholds import with_unreached_thresholds
from trainers.preference_dynamics.series.inputs import Inputs, inputs_of
from trainers.preference_dynamics.series.targets import targets_of
from trainers.preference_dynamics.system.equations import Array
from trainers.preference_dynamics.system.solution import solve
from trainers.study import Arrays, Trained

NETWORK_BATCH = 500
"""Series per evaluation of the network: bounds the memory."""


@dataclass(frozen=True)
class FirstEstimate:
    """The estimate for N series before refinement; Q is the number of unknowns that the model estimates."""

    unknowns: Array
    """(N, Q) in the flat order; a model that estimates parameters only has their columns, which come first."""
    spread: Array
    """(N, Q) std of each."""
    forecast: Array
    """(N, 2n h) in raw units, channel by channel."""


@dataclass(frozen=True)
class Estimate:
    """The estimate for N series."""

    unknowns: Array
    """(N, Q) in the flat order."""
    spread: Array
    """(N, Q) std of each."""
    half_width: Array
    """(N, Q) half width of the 90 % interval about each."""
    forecast: Array
    """(N, 2n h) in raw units."""
    first: Array
    """(N, Q) unknowns before refinement."""
    identified: Array
    """(N, Q) whether the series determines each unknown; all true without refinement, which alone can tell."""
    flagged: Array
    """(N,) whether an unknown is not identified, or the fit failed."""
    strata: Array | None = None
    """(4, N, Q) the strata of refined unknowns, see `refinement/strata.py`."""


@dataclass(frozen=True)
class Predictor:
    """A trained model of series y (N, T, 2n) = (u, a) in raw units."""

    config: ModelConfig
    weights: Arrays
    fitted: Arrays
    actions: int
    stability: str = "none"
    """The rule by which the systems of the training data were accepted, see `system/stability.py`."""

    def predict(self, y: Array, t: Array) -> Estimate:
        """Estimate unknowns, intervals and the last `horizon` points of series (N, T, 2n) at times t (T,).

        The last points are cut off before anything is computed: their values have no influence and may be NaN.
        """
        return self.estimate(inputs_of(self.config, y, t), t)

    def estimate(self, inputs: Inputs, t: Array) -> Estimate:
        """Estimate from inputs; t (T,) includes the horizon."""
        first = self.first_estimate(inputs)
        if self.config.refine.steps > 0:
            return self._refined_estimate(first, inputs, t)
        half_width = first.spread * self._interval_factor(inputs)
        identified, flagged = np.ones(first.unknowns.shape, bool), np.zeros(len(first.unknowns), bool)
        return Estimate(first.unknowns, first.spread, half_width, first.forecast, first.unknowns, identified, flagged)

    def _refined_estimate(self, first: FirstEstimate, inputs: Inputs, t: Array) -> Estimate:
        refined = self._refine(first, inputs, t)
        horizon = solve(refined.unknowns, t, self.actions)[:, -self.config.horizon :]
        forecast = np.moveaxis(horizon, 1, 2).reshape(len(horizon), -1)
        strata, factor = strata_of(inputs.series, refined), uncalibrated_factor(refined)
        if "stratum_factors" in self.fitted:
            factor = factors_of(self.fitted["stratum_factors"], strata, otherwise=factor)
        # a misfit has a factor of hundreds, but no error is larger than the range of the unknown
        half_width = np.minimum(refined.spread * factor, self.fitted["unknowns_high"] - self.fitted["unknowns_low"])
        flagged = ~refined.converged | ~refined.identified.all(axis=1)
        return Estimate(
            refined.unknowns, refined.spread, half_width, forecast, first.unknowns, refined.identified, flagged, strata
        )

    def first_estimate(self, inputs: Inputs) -> FirstEstimate:
        """Estimate from inputs, without refinement."""
        if self.config.kind not in NETWORKS:
            return FirstEstimate(*baseline_estimate(self.config, self.weights, self.fitted, inputs))
        network = blank_network(self.config, inputs.x.shape[1], inputs.features.shape[1])
        load_weights(network, self.weights)
        with torch.no_grad():
            blocks = torch.arange(len(inputs.x)).split(NETWORK_BATCH)
            x, features = (torch.from_numpy(np.asarray(part, np.float32)) for part in (inputs.x, inputs.features))
            outputs = [network(x[block], features[block]) for block in blocks]
        targets = targets_of(self.config, self.fitted, self.actions)
        mean = torch.cat([output.mean for output in outputs]).double().numpy()
        unknowns, forecast = targets.to_raw_units(mean, inputs)
        if outputs[0].log_std is None:
            rmse = self.fitted.get("validation_rmse", self.fitted["unknowns_std"])
            spread = np.tile(rmse[: unknowns.shape[1]], (len(unknowns), 1))
        else:
            log_std = torch.cat([output.log_std for output in outputs]).double().numpy()  # type: ignore[misc]
            spread = np.exp(log_std[:, : targets.unknowns]) * targets.unit
        return FirstEstimate(unknowns, spread, forecast)

    def _refine(self, first: FirstEstimate, inputs: Inputs, t: Array) -> Refined:
        fitted, settings, seed = self.fitted, self.config.refine, self.config.seed
        box = Box(fitted["unknowns_low"], fitted["unknowns_high"], fitted["unknowns_std"])
        series, spread = inputs.series, first.spread * self._prior_factor(inputs)
        if self.config.kind == "fit":
            starts = starts_in_prior(series, box, settings.starts, seed)
        else:
            starts = starts_near(first.unknowns, spread, box, settings.starts, seed)
        starts, times = with_hidden_desires(starts, series, box), t[: series.shape[1]]
        refined = refine(series, times, starts, first.unknowns, spread, box, settings.steps, settings.least_error)
        refined = with_silent_series(refined, series, times, first.unknowns, spread, box, seed)
        return with_unreached_thresholds(refined, series, times, box, self.stability, seed)

    def _prior_factor(self, inputs: Inputs) -> Array:
        """Return by how much (N, Q) the first estimate is less sure of series like these than it says; 1 or more."""
        edges, factors = self.fitted.get("prior_edges"), self.fitted.get("prior_factors")
        if edges is None or factors is None:
            return np.ones((1, 1))
        return StratifiedFactors(edges, factors).of(relative_noise(inputs.series))

    def _interval_factor(self, inputs: Inputs) -> Array:
        """Return the half width of intervals in units of the spread: (1, Q), or (N, Q) with strata of noise."""
        factors = np.atleast_2d(self.fitted.get("interval_factor", np.array(NORMAL_90)))
        edges = self.fitted.get("interval_edges", np.array([]))
        return StratifiedFactors(edges, factors).of(relative_noise(inputs.series)) if edges.size else factors


def apply(config: ModelConfig, trained: Trained, which: str = "best") -> Predictor:
    """Return the predictor of a trained model; `which` is best or last.

    Raises:
        ValueError: there are no such weights, or the model was trained before models held their number of actions.
    """
    weights = below(which, trained.weights)
    if not weights:
        names = sorted({name.partition("/")[0] for name in trained.weights})
        raise ValueError(f"no weights {which!r}; there are: {', '.join(names) or 'none'}")
    return Predictor(
        config, weights, trained.fitted, int(trained.fact("actions")), str(trained.meta.get("stability", "none"))
    )
