"""What is observed of the data: some channels, at some times, with noise. The rest of a trajectory is to be predicted.

A model is trained on observations alone, and in an evaluation sees those of the first times of each test trajectory.
Errors are then those of the later times, against the true states without noise.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from trainers.study import Arrays, Config, Trajectories


class Observation(Config):
    """How trajectories are observed; without any setting, all states are known exactly."""

    channels: tuple[str, ...] = ()
    """Observed channels; all where none is named."""
    noise: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Standard deviation of normal noise on every observed number [standard deviations of its channel]."""
    keep: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the times at which there is an observation, drawn at random; the first one always is [1]."""
    points: Annotated[int, Field(ge=2)] = 30
    """Times at the beginning of a test trajectory within which a model sees observations; latent_ode also reads as many
    points of each training segment [integer]."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of noise and times of the training data; those of a test set have another one [integer]."""

    @property
    def exact(self) -> bool:
        """Whether all states are known exactly."""
        return not self.channels and self.noise == 0 and self.keep == 1


class Context(NamedTuple):
    """Observations of the first times of test trajectories, NaN where there is none."""

    t: np.ndarray
    """(N, K) times."""
    y: np.ndarray
    """(N, K, C) observed states, all channels; NaN in those that are not observed."""
    inputs: np.ndarray | None


def observed_channels(observation: Observation, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the observed channels in the order of the data.

    Raises:
        ValueError: a channel is not one of the data; one line.
    """
    if strangers := [name for name in observation.channels if name not in names]:
        raise ValueError(f"observation.channels names {', '.join(strangers)}; the data have {', '.join(names)}")
    return tuple(name for name in names if not observation.channels or name in observation.channels)


def observe(observation: Observation, data: Trajectories, scale: np.ndarray, seed: int) -> Trajectories:
    """Return trajectories as observed: noise added, times dropped, NaN in channels that are not observed.

    Dropped times close up, so that NaN still pads the end alone.
    """
    random = np.random.default_rng([observation.seed, seed])
    y = data.y + observation.noise * scale * random.normal(size=data.y.shape)
    names = observed_channels(observation, data.names)
    y[..., [name not in names for name in data.names]] = np.nan
    kept = random.uniform(size=data.t.shape) < observation.keep
    kept[:, 0] = True
    # a stable sort puts the times that are kept before the others, in their order
    order = np.argsort(~(kept & np.isfinite(data.t)), axis=1, kind="stable")
    count = (kept & np.isfinite(data.t)).sum(axis=1)
    padding = np.arange(data.t.shape[1]) >= count[:, None]

    def chosen(values: np.ndarray) -> np.ndarray:
        moved = np.take_along_axis(values, order.reshape(*order.shape, *[1] * (values.ndim - 2)), axis=1)
        moved[padding] = np.nan
        return moved

    return replace(data, t=chosen(data.t), y=chosen(y), inputs=None if data.inputs is None else chosen(data.inputs))


def context_of(observation: Observation, test: Trajectories, scale: np.ndarray) -> Context:
    """Return what a model sees of a test set: observations within its first `points` times."""
    points = observation.points
    first = replace(
        test,
        t=test.t[:, :points],
        y=test.y[:, :points],
        inputs=None if test.inputs is None else test.inputs[:, :points],
    )
    seen = observe(observation, first, scale, seed=1)
    return Context(seen.t, seen.y, seen.inputs)


def complete(data: Trajectories, observed: tuple[str, ...], noisy: bool) -> np.ndarray:
    """Return the states (N, T, C) with channels that are not observed filled in from the rates of those that are.

    `vx` is the derivative of `x`. Values and rates at a time are those of a parabola through its neighbours in time, by
    least squares: 8 on each side where there is noise, else one, which leaves the values as they are.

    Raises:
        ValueError: a channel is the rate of none that is observed; one line.
    """
    y = data.y.copy()
    for place, name in enumerate(data.names):
        source = name if name in observed else name[1:]
        if source not in observed or (source != name and name[:1] != "v"):
            raise ValueError(
                f"channel {name} is not observed and no rate of one that is; observe it, or choose kind latent_ode"
            )
        if source == name and not noisy:
            continue
        for row, t, values in zip(y, data.t, data.y[..., data.names.index(source)], strict=True):
            count = int(np.isfinite(t).sum())
            fits = _parabolas(t[:count], values[:count], 8 if noisy else 1)
            row[:count, place] = fits[:, 0] if source == name else fits[:, 1]
    return y


def _parabolas(t: np.ndarray, values: np.ndarray, neighbours: int) -> np.ndarray:
    """Return value and derivative (T, 2) at each time of the parabola through it and its neighbours on each side."""
    if len(t) < 3:
        return np.column_stack([values, np.zeros(len(t))])
    fits = []
    for place, time in enumerate(t):
        first = min(max(place - neighbours, 0), max(len(t) - 2 * neighbours - 1, 0))
        near = slice(first, first + 2 * neighbours + 1)
        length = np.ptp(t[near])
        terms = np.vander((t[near] - time) / length, 3, increasing=True)
        value, slope, _ = np.linalg.lstsq(terms, values[near], rcond=None)[0]
        fits.append((value, slope / length))
    return np.array(fits)


def normalised(t: np.ndarray, inputs: np.ndarray | None, fitted: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Return times (N, T) and inputs (N, T, U) in the units of the network."""
    given = np.zeros((*t.shape, 0)) if inputs is None else inputs
    return t / float(fitted["time_unit"]), (given - fitted["input_mean"]) / fitted["input_scale"]
