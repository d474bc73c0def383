"""Apply a latent ODE: samples of the motion that observations tell of, forward beyond them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import numpy as np
from jax import Array

from trainers.common.named_arrays import below
from trainers.study import Arrays, Trained
from trainers.two_body.config import ModelConfig
from trainers.two_body.general.field import channels_first
from trainers.two_body.general.observation import Context, normalised
from trainers.two_body.latent.model import decoded_rates, encode, model_from


@dataclass(frozen=True)
class LatentPredictor:
    """A trained latent ODE, in the units of its data."""

    config: ModelConfig
    parameters: Any
    fitted: Arrays
    channels: tuple[str, ...]
    """All channels of the data, in their order."""
    observed: tuple[str, ...]
    """Those that the model observes and decodes."""
    inputs: tuple[str, ...]
    time_unit: str

    def predict(self, context: Context, t: np.ndarray, inputs: np.ndarray | None = None) -> np.ndarray:
        """Return samples (K, N, T, C) of the motion at times t (N, T), given observations at the first times.

        K = `latent.samples` draws of the posterior of the latent state. A channel that is not observed but is the rate
        of one that is (`vx` of `x`) is its time derivative along the latent motion; any other one is NaN.
        """
        times, applied = normalised(t, inputs, self.fitted)
        seen = (context.y - self.fitted["mean"]) / self.fitted["scale"]
        seen = channels_first(seen[..., [self.channels.index(name) for name in self.observed]])
        draws = np.random.default_rng([self.config.seed, 2]).normal(
            size=(self.config.latent.samples, self.config.latent.size)
        )
        with jax.enable_x64(True):
            origin = times[:, :1]
            values, rates = _compiled(self._architecture)(
                self.parameters, ((context.t / float(self.fitted["time_unit"])) - origin).T, seen,
                channels_first(normalised(context.t, context.inputs, self.fitted)[1]),
                (times - origin).T, channels_first(applied), draws[..., None],
            )  # fmt: skip
        # as arrays of NumPy: outside of the block above, JAX would round to single precision
        seen_channels = (np.transpose(np.asarray(part), (0, 3, 1, 2)) for part in (values, rates))
        return self._all_channels(*seen_channels)

    def _all_channels(self, values: np.ndarray, rates: np.ndarray) -> np.ndarray:
        """Return all channels (K, N, T, C) in the units of the data from the observed ones and their rates."""
        states = np.full((*values.shape[:-1], len(self.channels)), np.nan)
        mean, scale, time = (self.fitted[name] for name in ("mean", "scale", "time_unit"))
        for place, name in enumerate(self.channels):
            if name in self.observed:
                states[..., place] = values[..., self.observed.index(name)] * scale[place] + mean[place]
            elif name[:1] == "v" and name[1:] in self.observed:
                source = self.observed.index(name[1:])
                states[..., place] = rates[..., source] * scale[self.channels.index(name[1:])] / float(time)
        return states

    @property
    def _architecture(self) -> ModelConfig:
        names = ("kind", "width", "depth", "activation", "final_activation", "general", "latent")
        return ModelConfig.model_construct(**{name: getattr(self.config, name) for name in names})


def apply_latent(config: ModelConfig, trained: Trained, which: str = "best") -> LatentPredictor:
    """Return the predictor of a trained latent ODE; `which` as for `apply.apply`.

    Raises:
        ValueError: there are no such weights, or they are not those of this configuration.
    """
    weights = below(which, trained.weights)
    if not weights:
        available = sorted({name.rpartition("/")[0] for name in trained.weights if name.count("/") <= 2})
        raise ValueError(f"no weights {which!r}; there are: {', '.join(available) or 'none'}")
    names = (tuple(json.loads(str(trained.fact(name)))) for name in ("channels", "observed", "inputs"))
    channels, observed, inputs = names
    with jax.enable_x64(True):
        double = {name: np.asarray(array, np.float64) for name, array in weights.items()}
        model = model_from(config, len(observed), len(inputs), double)
    return LatentPredictor(config, model, trained.fitted, channels, observed, inputs, str(trained.fact("time")))


@lru_cache(maxsize=32)
def _compiled(config: ModelConfig) -> Callable[..., tuple[Array, Array]]:
    """Return the compiled function from observations to samples (K, T, C, N) of values and rates."""

    def samples(
        model: Any, seen_t: Array, seen: Array, seen_u: Array, t: Array, u: Array, draws: Array
    ) -> tuple[Array, Array]:
        mean, std = encode(model, seen_t, seen, seen_u)
        # one draw after another: all at once would not fit in memory for a large test set
        return jax.lax.map(lambda draw: decoded_rates(model, config, t, u, mean + std * draw), draws)

    return jax.jit(samples)
