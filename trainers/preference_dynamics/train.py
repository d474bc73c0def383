"""Train networks on whole series: Adam, clipped gradients, early stopping on the validation loss.

Dropout and the order of batches follow from (seed, epoch) alone. Each epoch ends with the validation loss; the weights
of the lowest one are the best, and training ends after `patience` epochs without a lower one. Then the validation
series calibrate the width of the intervals, see `intervals.py`.
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
from trainers.common.schedules import schedule_named
from trainers.common.torch_training.device import reproducible, torch_device
from trainers.common.torch_training.epochs import train_epochs
from trainers.common.torch_training.task import Epoch, Phase, Task
from trainers.preference_dynamics.config import NETWORKS, ModelConfig
from trainers.preference_dynamics.intervals import calibrate
from trainers.preference_dynamics.losses import LOSSES
from trainers.preference_dynamics.models.baselines import baseline_weights
from trainers.preference_dynamics.models.networks import Network, start_network
from trainers.preference_dynamics.series.targets import Targets, targets_of
from trainers.study import Arrays, Failed, Job, Report, Trained


def train(jobs: Sequence[Job], report: Report = lambda progress: False) -> Iterator[Trained | Failed]:
    """Train jobs one after another; yield one outcome each, in order. No job's numbers depend on another job.

    A loss that is not finite gives `Failed`, not an error.

    Raises:
        ValueError: the state of a job is not one of its configuration, or its device does not exist.
    """
    for job in jobs:
        yield _train_one(job, report)


def _train_one(job: Job, report: Report) -> Trained | Failed:
    device = torch_device(job.device)
    with reproducible(device):
        if job.config.kind not in NETWORKS:
            return _baseline(job)
        outcome = train_epochs(job, task_of(job, device), report, device)
        if isinstance(outcome, Failed) or outcome.stopped:
            return outcome
        calibration = calibrate(job.config, job.segments, below("best", outcome.weights))
        return replace(outcome, fitted={**outcome.fitted, **calibration})


def _baseline(job: Job) -> Trained:
    start = time.monotonic()
    weights = baseline_weights(job.config, job.segments)
    calibration = calibrate(job.config, job.segments, weights)
    return without_steps(job, weights, calibration, time.monotonic() - start)


def task_of(job: Job, device: torch.device) -> Task:
    """Return the network of a job and the losses that train it, as one phase."""
    config: ModelConfig = job.config
    arrays, targets = job.segments.phases[0], targets_of(config, job.segments.fitted, int(job.segments.meta["actions"]))
    train, validation = (_Series(arrays, side, targets, device) for side in ("train", "validation"))
    network = start_network(config, train.x.shape[1], train.features.shape[1])
    weight, unit = _units(config, targets, train.targets)
    loss = _Loss(config, network, weight, unit)
    phase = Phase(
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        schedule=schedule_named(config.schedule),
        optimiser=config.optimiser,
        weight_decay=config.weight_decay,
        clip_norm=config.clip_norm,
        patience=config.patience,
    )
    return Task(
        network=network,
        phases=(phase,),
        seed=config.seed,
        loss=lambda index, epoch: loss(train, index, epoch),
        train_size=len(train),
        validation_loss=lambda index, epoch: loss(validation, index, epoch),
        validation_size=len(validation),
    )


class _Series:
    """Training or validation series as tensors."""

    def __init__(self, arrays: Arrays, side: str, targets: Targets, device: torch.device) -> None:
        self.x, self.features, self.targets = (
            torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(device)
            for array in (arrays[f"{side}/x"], arrays[f"{side}/features"], targets.of_segments(arrays, side))
        )

    def __len__(self) -> int:
        return len(self.x)


def _units(config: ModelConfig, targets: Targets, values: Tensor) -> tuple[Tensor, Tensor]:
    """Return weight and unit (P,) of each target's error, of the targets (S, P) of the training series."""
    weight = torch.ones_like(values[0])
    weight[targets.unknowns :] = config.loss.forecast_weight
    spread = values.std(dim=0, correction=0)
    constant = spread == 0
    if config.loss.name == "nll":
        # the std of a constant target would shrink without end, and its logarithm dominate the loss
        weight[constant] = 0.0
    unit = torch.where(constant, torch.ones_like(spread), spread)
    return weight, unit if config.loss.standardise else torch.ones_like(spread)


class _Loss:
    """The loss of a network on series by index."""

    def __init__(self, config: ModelConfig, network: Network, weight: Tensor, unit: Tensor) -> None:
        self.config, self.network, self.weight, self.unit = config, network, weight, unit

    def __call__(self, series: _Series, index: Tensor, epoch: Epoch) -> dict[str, Tensor]:
        """Return the loss of the series `index` (B,)."""
        mask = self.dropout(len(index), epoch.random)
        output = self.network(series.x[index], series.features[index], None if mask is None else mask.to(index.device))
        error = (output.mean - series.targets[index]) / self.unit
        value = LOSSES[self.config.loss.name](error, output.log_std, self.weight)
        value = value if output.penalty is None else value + output.penalty
        weight = self.config.loss.residual
        return {"loss": value + weight * (output.residual**2).mean() if weight > 0 else value}

    def dropout(self, count: int, random: torch.Generator | None) -> Tensor | None:
        """Return factors (count, W) of the pooled values: 0 where one is dropped, else 1/(1 - p); None in validation.

        Not nn.Dropout, whose draws on a GPU differ from those on the CPU.
        """
        retention = 1 - self.config.dropout
        if random is None or retention == 1:
            return None
        size = (count, self.config.filters[-1] * self.config.bins)
        return (torch.rand(size, generator=random) < retention) / retention
