"""Train networks on all prefixes of the curves at once: Adam, clipped gradients, early stopping.

Noise, and offset and drift where they are nuisances, are drawn anew for every curve in every epoch, from (seed, epoch)
alone: a curve is never seen twice with the same noise. Validation curves keep theirs. Afterwards the ranks of the true
unknowns of the validation curves say which levels intervals must have, see `calibrate.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from trainers.common.baselines import without_steps
from trainers.common.named_arrays import below
from trainers.common.schedules import Schedule
from trainers.common.torch_training.device import reproducible, torch_device
from trainers.common.torch_training.epochs import train_epochs
from trainers.common.torch_training.task import Epoch, Phase, Task
from trainers.study import Arrays, Failed, Job, Report, Trained
from trainers.urease.bounded import to_normal
from trainers.urease.calibrate import calibrate
from trainers.urease.config import ModelConfig
from trainers.urease.curves.curves import Curves
from trainers.urease.inference.quick_likelihood import quick_nuisances
from trainers.urease.inference.trees import tree_weights
from trainers.urease.losses import gaussian_nll, posterior_nll
from trainers.urease.models.channels import inputs_of, tensors_of
from trainers.urease.models.networks import GaussianNetwork, Network, start_network
from trainers.urease.settings import NETWORKS


def train(jobs: Sequence[Job], report: Report = lambda progress: False) -> Iterator[Trained | Failed]:
    """Train jobs one after another; yield one outcome each, in order. No job's numbers depend on another job.

    A loss that is not finite is an outcome, no exception.

    Raises:
        ValueError: the state of a job is not one of its configuration, or its device is another than the CPU.
    """
    for job in jobs:
        yield _train_one(job, report)


def _train_one(job: Job, report: Report) -> Trained | Failed:
    if job.device == "gpu":
        raise ValueError("device gpu: the networks of urease are small and train on the CPU; expected cpu or auto")
    device = torch_device("cpu")
    with reproducible(device):
        if job.config.kind not in NETWORKS:
            return _baseline(job)
        outcome = train_epochs(job, task_of(job), report, device)
        if isinstance(outcome, Failed) or outcome.stopped:
            return outcome
        levels = calibrate(job.config, job.segments, below("best", outcome.weights))
        return replace(outcome, fitted={**outcome.fitted, **levels})


def _baseline(job: Job) -> Trained:
    began = time.monotonic()
    weights: Arrays = {"none": np.zeros(1)}
    if job.config.kind == "trees":
        weights = tree_weights(job.segments, job.config.durations, job.config.seed)
    levels = calibrate(job.config, job.segments, weights)
    return without_steps(job, weights, levels, time.monotonic() - began)


def task_of(job: Job) -> Task:
    """Return the network of a job and the losses that train it, as one phase."""
    config: ModelConfig = job.config
    train, validation = (_Samples(job, side) for side in ("train", "validation"))
    known, unknowns = train.curves.known.shape[1], train.truth.shape[1]
    network = start_network(config, known, unknowns, len(quick_nuisances(job.segments.meta)))
    phase = Phase(
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        schedule=schedule_of(config),
        weight_decay=config.weight_decay,
        clip_norm=config.clip_norm,
        patience=config.patience,
    )
    return Task(
        network=network,
        phases=(phase,),
        seed=config.seed,
        loss=lambda index, epoch: train.loss(network, index, epoch),
        train_size=len(train.truth),
        validation_loss=lambda index, epoch: validation.loss(network, index, epoch),
        validation_size=len(validation.truth),
    )


def schedule_of(config: ModelConfig) -> Schedule:
    """Return the schedule of a configuration: a warm-up in epochs, then constant, cosine or plateau."""
    schedule = config.schedule
    return Schedule(
        shape=schedule.name,
        warmup=schedule.warmup_epochs / config.epochs,
        factor=schedule.factor,
        patience=schedule.patience,
        floor=min(1.0, schedule.floor / config.learning_rate),
    )


class _Samples:
    """Training or validation curves as tensors, and what their noise is drawn anew from."""

    def __init__(self, job: Job, side: str) -> None:
        self.config: ModelConfig = job.config
        arrays, self.fitted, self.meta = below(side, job.segments.phases[0]), job.segments.fitted, job.segments.meta
        self.curves = tensors_of(Curves(*(arrays[name] for name in Curves._fields)))
        truth = arrays["truth"]
        low, high = (self.fitted[name][: truth.shape[1]] for name in ("prior_low", "prior_high"))
        spread = np.where(self.fitted["truth_std"] > 0, self.fitted["truth_std"], 1.0)
        standardised = (truth - self.fitted["truth_mean"]) / spread
        target = standardised if self.config.kind == "gaussian" else to_normal(truth, low, high)
        self.truth = torch.from_numpy(target.astype(np.float32))
        self.quiet, self.lag = (torch.from_numpy(arrays[name].astype(np.float32)) for name in ("quiet", "lag"))
        self.weights = torch.from_numpy(self.fitted["weights"].astype(np.float32))
        self.t = torch.from_numpy(self.fitted["t"].astype(np.float32))

    def loss(self, network: Network, index: Tensor, epoch: Epoch) -> dict[str, Tensor]:
        """Return the loss of the curves `index` (B,)."""
        curves = Curves(*(part[index] for part in self.curves))
        if epoch.random is not None and self.config.redraw:
            curves = curves._replace(reading=self.reading(index, epoch.random))  # type: ignore[arg-type]
        inputs = inputs_of(curves, self.config, float(self.meta["noise"]), self.fitted)
        truth = self.truth[index]
        if isinstance(network, GaussianNetwork):
            mean, log_variance = network(inputs)
            return gaussian_nll(mean, log_variance, truth, self.config.gaussian)
        return posterior_nll(network(inputs, truth))

    def reading(self, index: Tensor, random: torch.Generator) -> Tensor:
        """Draw noise, offset and drift of curves anew; return their points (B, L)."""
        count = len(index)
        disturbance = float(self.meta["noise"]) * torch.randn((count, len(self.t)), generator=random)
        uniform = torch.rand((count, 2), generator=random)
        names = [*_names(self.meta, "unknown"), *_names(self.meta, "nuisance")]
        drawn = {}
        for k, name in enumerate(("pH_offset", "pH_drift")):
            if name in _names(self.meta, "nuisance"):
                low, high = (float(self.fitted[end][names.index(name)]) for end in ("prior_low", "prior_high"))
                drawn[name] = (low + (high - low) * uniform[:, k])[:, None]
        if drawn:
            lag = self.lag[index, None]
            safe = lag.clamp(min=1e-3)
            behind = torch.where(lag > 1e-3, -safe * torch.expm1(-self.t / safe), torch.zeros(1))
            disturbance = disturbance + drawn.get("pH_offset", 0.0) + drawn.get("pH_drift", 0.0) * (self.t - behind)
        return self.quiet[index] + disturbance @ self.weights.T


def _names(meta: object, role: str) -> list[str]:
    return [name for name in str(meta[role]).split(",") if name]  # type: ignore[index]
