"""Train `dy/dt = f(y, u)` on segments: integrate each from its first point and compare with its other points.

The loss is the mean squared error of the states in standard deviations of the training data. Single precision; the loop
is that of `common.jax_training`; batches are epochs of segments in random order. Method: Chen et al., Neural Ordinary
Differential Equations (2018), discretise-then-optimise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from trainers.common.jax_training.batches import Epochs
from trainers.common.jax_training.course import Course, PhaseData
from trainers.common.jax_training.lanes import train_courses
from trainers.common.jax_training.programs import Method, Programs, Row, adam
from trainers.common.named_arrays import below
from trainers.study import Failed, Job, Report, Segments, Trained
from trainers.two_body.config import ModelConfig, Phase
from trainers.two_body.general.field import channels_first, field_from, init_field, integrate, network_field
from trainers.two_body.models.network import Network, weights_of


class Data(NamedTuple):
    """Segments on the device: t (L, S) from the start of each, y (L, C, S), u (L, U, S)."""

    t: Array
    y: Array
    u: Array


def train_states(group: Sequence[Job], report: Report) -> Iterator[Trained | Failed]:
    """Train the jobs of a group one after another."""
    for job in group:
        data = lru_cache(maxsize=1)(partial(phase_data, job.config, job.segments))
        sizes = len(json.loads(str(job.segments.meta["channels"]))), len(json.loads(str(job.segments.meta["inputs"])))
        yield from train_courses([Course(job, programs(job.config, *sizes), job.config.phases, data, report)])


def programs(config: ModelConfig, channels: int, inputs: int) -> Programs:
    """Return the programs of the cohort of a configuration, the same object for every member."""
    return _programs(cohort_of(config), channels, inputs)


def cohort_of(config: ModelConfig) -> ModelConfig:
    """Return a configuration without the settings in which members of a cohort differ."""
    alike = {"seed": 0, "phases": (Phase(),), "batch_size": 1, "validate_every": 1, "train_fraction": 1.0,
             "split_by": "orbit", "split_seed": 0, "validation": None}  # fmt: skip
    return config.model_copy(update=alike)


@lru_cache(maxsize=16)
def _programs(config: ModelConfig, channels: int, inputs: int) -> Programs:
    return Programs(
        Method(
            start=lambda seed: init_field(config, channels, inputs, jax.random.key(seed)),
            loss=partial(_batch_loss, config),
            validate=partial(_validate, config),
            optimiser=adam(config.optimiser, config.weight_decay, config.clip_norm),
            to_arrays=weights_of,
            from_arrays=partial(field_from, config, channels, inputs),
        )
    )


def phase_data(config: ModelConfig, segments: Segments, number: int) -> PhaseData:
    """Put the data of phase `number` on the device, in single precision."""
    epochs = Epochs(len(segments.phases[number]["train/t"]), config.batch_size)
    return with_batches(config, segments, number, epochs, lambda seed, steps: epochs.draw(seed, number, steps))


def with_batches(
    config: ModelConfig, segments: Segments, number: int, epochs: Epochs, batches: Callable[[int, np.ndarray], Any]
) -> PhaseData:
    """Put the data of phase `number` on the device; `batches` is a function of seed and steps."""
    arrays = segments.phases[number]
    held_out = len(arrays["validation/t"])
    return PhaseData(
        train=on_device(below("train", arrays)),
        batches=batches,
        check_every=config.validate_every,
        validation=on_device(below("validation", arrays)) if held_out else None,
        counts={
            "train_segments": epochs.samples,
            "validation_segments": held_out,
            "no_validation": int(not held_out),
        },
    )


def on_device(arrays: dict[str, np.ndarray]) -> Data:
    """Put the segments of one side on the device."""
    # times count from the start of their segment before they are rounded to single precision
    t = (arrays["t"] - arrays["t"][:, :1]).T
    return Data(*(jnp.asarray(v, jnp.float32) for v in (t, channels_first(arrays["y"]), channels_first(arrays["u"]))))


def segment_errors(config: ModelConfig, network: Network, data: Data) -> Array:
    """Return the mean squared error (S,) of each segment over its points but the first [variances of the states]."""
    field = network_field(network, config)
    predicted = integrate(field, data.t, data.u, data.y[0], config.general.substeps)
    return jnp.mean((predicted[1:] - data.y[1:]) ** 2, axis=(0, 1))


def _batch_loss(config: ModelConfig, network: Network, data: Data, batch: tuple[Array, Array]) -> tuple[Array, Row]:
    index, weight = batch
    errors = segment_errors(config, network, Data(data.t[:, index], data.y[..., index], data.u[..., index]))
    loss = jnp.sum(weight * errors)
    return loss, {"loss": loss}


def _validate(config: ModelConfig, network: Network, data: Data) -> Row:
    return {"loss": jnp.mean(segment_errors(config, network, data))}
