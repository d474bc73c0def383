"""Train latent ODEs by the evidence lower bound, with a weight of the divergence that rises from 0.

    loss = mean (y - y_hat)^2 / (2 s^2)  +  beta KL(q(z0) || N(0, 1)) / (observed numbers per segment)

per observed number, without the constants of the Gaussian; s is the standard deviation of the likelihood, beta rises
linearly to `kl_weight` over `kl_anneal` steps. The encoder reads the first `observation.points` points of a segment,
and the loss is over all its points. Validation takes the mean of the posterior and beta at its end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
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
from trainers.study import Failed, Job, Report, Segments, Trained
from trainers.two_body.config import ModelConfig
from trainers.two_body.general.train import Data, cohort_of, with_batches
from trainers.two_body.latent.model import LatentModel, decode, encode, init_model, model_from, weights_of


class Batch(NamedTuple):
    """Segments of one step: indices and weights (B,), noise of the posterior (B, Z), the weight beta."""

    members: Any
    weight: Any
    noise: Any
    beta: Any


def train_latent(group: Sequence[Job], report: Report) -> Iterator[Trained | Failed]:
    """Train the jobs of a group one after another."""
    for job in group:
        data = lru_cache(maxsize=1)(partial(phase_data, job.config, job.segments))
        sizes = len(json.loads(str(job.segments.meta["observed"]))), len(json.loads(str(job.segments.meta["inputs"])))
        yield from train_courses([Course(job, programs(job.config, *sizes), job.config.phases, data, report)])


def programs(config: ModelConfig, observed: int, inputs: int) -> Programs:
    """Return the programs of the cohort of a configuration, the same object for every member."""
    return _programs(cohort_of(config), observed, inputs)


@lru_cache(maxsize=16)
def _programs(config: ModelConfig, observed: int, inputs: int) -> Programs:
    return Programs(
        Method(
            start=lambda seed: init_model(config, observed, inputs, jax.random.key(seed)),
            loss=partial(_batch_loss, config),
            validate=partial(_validate, config),
            optimiser=adam(config.optimiser, config.weight_decay, config.clip_norm),
            to_arrays=weights_of,
            from_arrays=partial(model_from, config, observed, inputs),
        )
    )


def phase_data(config: ModelConfig, segments: Segments, number: int) -> PhaseData:
    """Put the data of phase `number` on the device; batches hold their own noise, a function of seed and step."""
    latent = config.latent
    epochs = Epochs(len(segments.phases[number]["train/t"]), config.batch_size)
    before = sum(phase.steps for phase in config.phases[:number])

    def batches(seed: int, steps: np.ndarray) -> Batch:
        index, weight = epochs.draw(seed, number, steps)
        draws = [np.random.default_rng([seed, number, 1, step]) for step in steps]
        noise = np.stack([random.normal(size=(epochs.width, latent.size)) for random in draws]).astype(np.float32)
        rise = np.minimum(1.0, (before + steps) / latent.kl_anneal) if latent.kl_anneal else np.ones(len(steps))
        return Batch(index, weight, noise, (latent.kl_weight * rise).astype(np.float32))

    return with_batches(config, segments, number, epochs, batches)


def _terms(config: ModelConfig, model: LatentModel, data: Data, noise: Array) -> tuple[Array, Array]:
    """Return the reconstruction term and the divergence (S,) per observed number, with noise (Z, S)."""
    points = config.observation.points
    mean, std = encode(model, data.t[:points], data.y[:points], data.u[:points])
    predicted = decode(model, config, data.t, data.u, mean + std * noise)
    squares = jnp.mean((predicted - data.y) ** 2, axis=(0, 1))
    divergence = jnp.sum(0.5 * (mean**2 + std**2 - 1.0) - jnp.log(std), axis=0)
    return squares / (2 * config.latent.likelihood**2), divergence / (data.y.shape[0] * data.y.shape[1])


def _batch_loss(config: ModelConfig, model: LatentModel, data: Data, batch: Batch) -> tuple[Array, Row]:
    index, weight = batch.members, batch.weight
    part = Data(data.t[:, index], data.y[..., index], data.u[..., index])
    fit, divergence = (jnp.sum(weight * term) for term in _terms(config, model, part, batch.noise.T))
    loss = fit + batch.beta * divergence
    return loss, {"loss": loss, "reconstruction": fit, "divergence": divergence}


def _validate(config: ModelConfig, model: LatentModel, data: Data) -> Row:
    terms = _terms(config, model, data, jnp.zeros((config.latent.size, data.t.shape[1])))
    fit, divergence = (jnp.mean(term) for term in terms)
    return {"loss": fit + config.latent.kl_weight * divergence, "reconstruction": fit, "divergence": divergence}
