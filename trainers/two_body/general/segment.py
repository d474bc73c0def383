"""Cut trajectories of any channels into segments: unequal lengths, uneven times and control inputs are all right."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from trainers.common.splits import split
from trainers.study import Arrays, Segments, Trajectories
from trainers.two_body.config import SegmentationConfig
from trainers.two_body.cuts import Cut, count_own_validation, count_segments, cut_segments, segment_arrays
from trainers.two_body.general.observation import complete, observe, observed_channels


def segment_states(
    config: SegmentationConfig, trajectories: Trajectories, validation: Trajectories | None = None
) -> Segments:
    """Split trajectories into training and validation, cut them per phase and normalise.

    Per phase `train/t` (S, L), `train/y` (S, L, C), `train/u` (S, L, U), `train/trajectory` (S,), and the same for
    validation. fitted, from the finite points of the training trajectories: `mean`, `scale` (C,) and `input_mean`,
    `input_scale` (U,), by which channels are shifted and divided; `time_unit`, the time in which a channel changes by
    one standard deviation (root mean square). A channel that is constant is divided by 1. These units are those of the
    states without noise. With an `observation`, segments hold what is observed, and where a model needs all channels
    (`states: any`), what `observation.complete` makes of it. meta: channels, inputs, observed channels.

    Windows, splits and dropped segments as for orbits, see `segment.segment_orbits`.

    Raises:
        ValueError: the validation data have other inputs.
    """
    everything = np.arange(len(trajectories.t))
    train, held_out = split(len(everything), config.train_fraction, config.split_seed)
    by_segment = config.split_by == "segment" and validation is None
    if by_segment or validation is not None:
        train = everything
    fitted = _fit(trajectories, train)
    data = _Normalised(config, trajectories, fitted, seed=0)
    cuts = [cut_segments(config, phase, train, data.finite, by_segment) for phase in config.phases]
    if by_segment:
        train = np.unique(np.concatenate([cut.orbit[cut.trains] for cut in cuts]))
        held_out = np.unique(np.concatenate([cut.orbit[~cut.trains] for cut in cuts]))
    phases = [data.side("train", cut, cut.trains) | data.side("validation", cut, ~cut.trains) for cut in cuts]
    counts = [count_segments(config, number, cut, data.t.shape) for number, cut in enumerate(cuts)]
    if validation is not None:
        if validation.input_names != trajectories.input_names:
            raise ValueError(
                f"the validation data have the inputs {validation.input_names}; expected {trajectories.input_names}"
            )
        held_out, own = np.arange(len(validation.t)), _Normalised(config, validation, fitted, seed=2)
        own_cuts = [cut_segments(config, phase, held_out[:0], own.finite, False) for phase in config.phases]
        phases = [phase | own.side("validation", cut, ~cut.trains) for phase, cut in zip(phases, own_cuts, strict=True)]
        counts = [row | count_own_validation(phase) for row, phase in zip(counts, phases, strict=True)]
    return Segments(tuple(phases), train, held_out, tuple(counts), fitted, _meta(config, trajectories))


class _Normalised:
    """Trajectories as observed, in the units of the network."""

    def __init__(self, config: SegmentationConfig, trajectories: Trajectories, fitted: Arrays, seed: int) -> None:
        names = observed_channels(config.observation, trajectories.names)
        if not config.observation.exact:
            trajectories = observe(config.observation, trajectories, fitted["scale"], seed)
            if config.states == "any":
                noisy = config.observation.noise > 0
                trajectories = replace(trajectories, y=complete(trajectories, names, noisy))
        self.t = trajectories.t / float(fitted["time_unit"])
        self.y = (trajectories.y - fitted["mean"]) / fitted["scale"]
        if config.states == "observed":
            self.y = self.y[..., [name in names for name in trajectories.names]]
        self.u = (_inputs(trajectories) - fitted["input_mean"]) / fitted["input_scale"]
        known = np.isfinite(self.y).all(axis=2) & np.isfinite(self.u).all(axis=2)
        self.finite = known & np.isfinite(self.t)

    def side(self, side: str, cut: Cut, members: np.ndarray) -> dict[str, np.ndarray]:
        """Return the arrays of one side of a cut."""
        arrays = segment_arrays(side, self.t, self.y, cut, members)
        return arrays | {f"{side}/u": self.u[cut.orbit[members][:, None], cut.points[members]]}


def _inputs(trajectories: Trajectories) -> np.ndarray:
    """Return the control inputs (N, T, U), U = 0 without any."""
    if trajectories.inputs is None:
        return np.zeros((*trajectories.t.shape, 0))
    return trajectories.inputs


def _fit(trajectories: Trajectories, train: np.ndarray) -> dict[str, np.ndarray]:
    y, u, t = trajectories.y[train], _inputs(trajectories)[train], trajectories.t[train]
    mean, scale = _mean_and_scale(y)
    input_mean, input_scale = _mean_and_scale(u)
    with np.errstate(invalid="ignore"):
        rates = (np.diff(y, axis=1) / scale / np.diff(t, axis=1)[..., None]).reshape(-1, y.shape[-1])
    rates = rates[np.isfinite(rates).all(axis=1)]
    speed = float(np.sqrt((rates**2).mean())) if len(rates) else 1.0
    return {
        "mean": mean,
        "scale": scale,
        "input_mean": input_mean,
        "input_scale": input_scale,
        "time_unit": np.array(1.0 / speed if speed > 0 else 1.0),
    }


def _mean_and_scale(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation (K,) of the finite points of values (N, T, K); 1 for a constant channel."""
    points = values.reshape(values.shape[0] * values.shape[1], values.shape[2])
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return np.zeros(values.shape[-1]), np.ones(values.shape[-1])
    scale = points.std(axis=0)
    return points.mean(axis=0), np.where(scale > 1e-12 * np.abs(points).max(axis=0), scale, 1.0)


def _meta(config: SegmentationConfig, trajectories: Trajectories) -> dict[str, Any]:
    """Return what a model must know of its data: the names of channels and inputs, in their order."""
    return {
        "problem": str(trajectories.meta.get("problem", "data")),
        "channels": json.dumps(trajectories.names),
        "inputs": json.dumps(trajectories.input_names),
        "observed": json.dumps(observed_channels(config.observation, trajectories.names)),
        "time": trajectories.time_unit,
    }
