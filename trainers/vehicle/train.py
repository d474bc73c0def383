"""Train a network through the simulation: the error of the rollout is propagated back into the parameters it emits.

Features of a window go through the network to parameters within their bounds; the car is simulated with them from the
first measured state of the window; the loss compares the rollout with the measured states. Where a phase has a horizon,
only the first points count while it grows. A network of kind one_step is trained on the step from each measured state
to the next instead. Afterwards validation cars say how far estimates are off, see `estimates/calibration.py`.

Single precision; the loop is that of `common.jax_training`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial

import jax
import jax.numpy as jnp
from jax import Array

from trainers.common.baselines import without_steps
from trainers.common.jax_training.course import Course
from trainers.common.jax_training.lanes import groups, train_courses
from trainers.common.jax_training.programs import Method, Programs, Row, adam
from trainers.study import Failed, Job, Report, Trained
from trainers.vehicle.config import NETWORKS, Loss, ModelConfig, Phase, Refinement
from trainers.vehicle.dynamics.registry import Dynamics, dynamics_named
from trainers.vehicle.dynamics.rollout import rollout
from trainers.vehicle.estimates.calibration import calibrate
from trainers.vehicle.losses import LOSSES
from trainers.vehicle.models import Network, init_network, network_from, outputs, weights_of
from trainers.vehicle.phase_data import Batch, Data, phase_data


def train(jobs: Sequence[Job], report: Report = lambda progress: False) -> Iterator[Trained | Failed]:
    """Train jobs one after another; yield one outcome each, in order.

    Jobs of one cohort go through the same compiled programs. No job's numbers depend on another job. A loss or gradient
    that is not finite is an outcome, no exception.

    Raises:
        ValueError: the state that a job brings along is not one of its configuration or of a prefix of it.
    """
    for group in groups(jobs):
        for job in group:
            if job.config.kind not in NETWORKS:
                began = time.monotonic()
                fitted = calibrate(job.config, job.segments, {})
                yield without_steps(job, {}, fitted, time.monotonic() - began)
                continue
            data = lru_cache(maxsize=1)(partial(phase_data, job.config, job.segments))
            course = Course(job, programs_of(job), job.config.phases, data, report)
            for outcome in train_courses([course]):
                yield _calibrated(job, outcome)


def _calibrated(job: Job, outcome: Trained | Failed) -> Trained | Failed:
    if isinstance(outcome, Failed) or outcome.stopped:
        return outcome
    return replace(outcome, fitted={**outcome.fitted, **calibrate(job.config, job.segments, outcome.weights)})


def programs_of(job: Job) -> Programs:
    """Return the programs of the cohort of a job, the same object for every member."""
    config: ModelConfig = job.config
    cohort = {"seed": 0, "phases": (Phase(),), "batch_size": 1, "validate_every": 0, "train_fraction": 1.0,
              "split_seed": 0, "most_windows": 0, "most_validation_windows": 0, "validation": None, "chunk_size": 1,
              "estimate": "car", "initial_points": 0, "refine": Refinement()}  # fmt: skip
    meta, features = job.segments.meta, job.segments.phases[0]["train/features"].shape[1]
    controls = (str(meta["steering"]), str(meta["longitudinal"]))
    return _programs(config.model_copy(update=cohort).model_dump_json(), features, controls, float(meta["time_step"]))


@lru_cache(maxsize=16)
def _programs(settings: str, features: int, controls: tuple[str, str], step: float) -> Programs:
    config = ModelConfig.model_validate_json(settings)
    dynamics = dynamics_named(config.dynamics, config.vehicle_class, config.dynamics_hidden, controls, config.known)
    loss = partial(window_loss, config, dynamics, step)

    def validate(network: Network, data: Data) -> Row:
        count, points = data.target.shape[:2]
        every = Batch(jnp.arange(count), jnp.full(count, 1 / count), jnp.asarray(points))
        return loss(config.validation_loss or config.loss, network, data, every)[1]

    return Programs(
        Method(
            start=lambda seed: init_network(jax.random.key(seed), features, config.hidden, dynamics.layout),
            loss=partial(loss, config.loss),
            validate=validate,
            optimiser=adam(config.optimiser, config.weight_decay, config.clip_norm),
            to_arrays=weights_of,
            from_arrays=lambda arrays: network_from(arrays, config.hidden, dynamics.layout.size),
        )
    )


def window_loss(
    config: ModelConfig, dynamics: Dynamics, step: float, loss: Loss, network: Network, data: Data, batch: Batch
) -> tuple[Array, Row]:
    """Return the loss of a batch of windows, and the row of the history: the rollout's part and the penalty."""
    z = outputs(network, data.features[batch.windows])
    control = jnp.transpose(data.control[batch.windows], (1, 2, 0))
    target = jnp.transpose(data.target[batch.windows], (1, 2, 0))
    named = dynamics.layout.named(dynamics.layout.squash(z))
    counted = (jnp.arange(len(target)) < batch.points).astype(target.dtype)
    if config.kind == "one_step":
        predicted = _one_step(config, dynamics, step, named, control, target)
    else:
        predicted = rollout(dynamics, target[0], control, named, step, config.substeps)
    error = jnp.sum(batch.weight * LOSSES[loss.name](predicted, target, counted))
    home = jnp.asarray(dynamics.layout.unsquash(dynamics.layout.default), z.dtype)[:, None]
    away = jnp.sum(batch.weight * jnp.mean((z - home) ** 2, axis=0))
    return error + loss.towards_default * away, {"loss": error + loss.towards_default * away, "rollout": error,
                                                 "towards_default": away}  # fmt: skip


def _one_step(
    config: ModelConfig, dynamics: Dynamics, step: float, named: dict[str, Array], control: Array, target: Array
) -> Array:
    """Return the first measured state and the prediction of each later one from the one before it (L, 7, B)."""
    points, states, count = target.shape
    many = points - 1
    start = jnp.moveaxis(target[:-1], 0, 1).reshape(states, many * count)
    commands = jnp.moveaxis(control, 0, 1).reshape(1, control.shape[1], many * count)
    repeated = {name: jnp.tile(value, (*[1] * (value.ndim - 1), many)) for name, value in named.items()}
    ahead = rollout(dynamics, start, commands, repeated, step, config.substeps)[1]
    return jnp.concatenate([target[:1], jnp.moveaxis(ahead.reshape(states, many, count), 1, 0)])
