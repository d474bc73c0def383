"""Train networks by epochs and phases, fit baselines, and calibrate the times that both deduce.

Beside the loss of its own, every phase validates `scores_mae`, the mean absolute error of free-running scores, so that
curves of different losses and phases compare. Validation and test have no noise and no teacher forcing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from trainers.common.baselines import without_steps
from trainers.common.named_arrays import below
from trainers.common.schedules import Schedule
from trainers.common.torch_training import task as common
from trainers.common.torch_training.device import reproducible, torch_device
from trainers.common.torch_training.epochs import train_epochs
from trainers.common.torch_training.state import COUNTERS, start_of_phase
from trainers.common.torch_training.task import Epoch, Task
from trainers.phase_field.apply import Predictor, network_inputs, start_network
from trainers.phase_field.baselines import fit_baseline
from trainers.phase_field.config import NETWORKS, ModelConfig, Phase
from trainers.phase_field.losses import losses, mae
from trainers.phase_field.models.scaled_time import ScaledTime
from trainers.phase_field.models.sequence_generator import SequenceGenerator
from trainers.phase_field.segment import select
from trainers.phase_field.time_posterior import calibrate, spread_of_runs, squared_distance
from trainers.study import Arrays, Failed, Job, Report, Trained

RISE = 0.3
"""Part of the steps of a new training in which the rate rises, as the source has it."""


def train(jobs: Sequence[Job], report: Report = lambda progress: False) -> Iterator[Trained | Failed]:
    """Train jobs one after another; yield one outcome each, in order. No job's numbers depend on another job.

    Raises:
        ValueError: the state of a job is not one of its configuration, its data lack a parameter, or its device does
            not exist.
    """
    for job in jobs:
        device = torch_device(job.device)
        with reproducible(device):
            outcome = _network(job, report, device) if job.config.kind in NETWORKS else _baseline(job)
        yield outcome


def _network(job: Job, report: Report, device: torch.device) -> Trained | Failed:
    before = 0.0
    for number, phase in enumerate(job.config.phases):
        if phase.start_epoch is not None and _phase_of(job.state) < number:
            outcome = _up_to(job, number, report, device)
            if isinstance(outcome, Failed) or outcome.stopped:
                return outcome
            before += outcome.timings["train"]
            job = replace(job, state=start_of_phase(outcome.state, number, f"epoch{phase.start_epoch}"))
    outcome = train_epochs(job, task_of(job, device), report, device)
    if isinstance(outcome, Failed) or outcome.stopped:
        return outcome
    timings = {**outcome.timings, "train": before + outcome.timings["train"]}
    calibrated = {**outcome.fitted, **_calibration(job, below("best", outcome.weights))}
    return replace(outcome, timings=timings, fitted=calibrated)


def _phase_of(state: Arrays | None) -> int:
    """Return the phase that a state is in."""
    return -1 if state is None else int(state["counters"][COUNTERS.index("phase")])


def _up_to(job: Job, number: int, report: Report, device: torch.device) -> Trained | Failed:
    """Train the phases before phase `number`."""
    total = task_of(job, device).total_steps
    part = replace(job, config=job.config.model_copy(update={"phases": job.config.phases[:number]}))
    return train_epochs(
        part, task_of(part, device), lambda progress: report(replace(progress, total_steps=total)), device
    )


def _baseline(job: Job) -> Trained:
    began = time.monotonic()
    weights = fit_baseline(job.config, job.segments)
    return without_steps(job, weights, _calibration(job, weights), time.monotonic() - began)


def _calibration(job: Job, weights: Arrays) -> dict[str, np.ndarray]:
    """Return what validation runs say of a model's errors; nothing where there are none."""
    arrays, fitted = job.segments.phases[0], job.segments.fitted
    if not len(arrays["validation/scores"]):
        return {}
    names, available = job.config.parameters, str(job.segments.meta["parameters"])
    train, parameters = (select(arrays, side, available, names) for side in ("train", "validation"))
    curves = Predictor(job.config, weights, fitted).curves(arrays["validation/first"], parameters)
    spread = spread_of_runs(names, train)
    distance = squared_distance(names, parameters, spread)
    return spread | calibrate(curves, arrays["validation/scores"], fitted["t"], distance)


def task_of(job: Job, device: torch.device) -> Task:
    """Return the network of a job, the losses that train it and its phases."""
    config: ModelConfig = job.config
    train, validation = (_Runs(job, side, device) for side in ("train", "validation"))
    network = start_network(config, train.features)
    generator = _Sequences(config, network) if isinstance(network, SequenceGenerator) else _Curves(config, network)
    return Task(
        network=network,
        phases=tuple(phase_of(config, number) for number in range(len(config.phases))),
        seed=config.seed,
        loss=lambda index, epoch: generator.loss(train, index, epoch),
        train_size=len(train.scores),
        validation_loss=lambda index, epoch: generator.loss(validation, index, epoch),
        validation_size=len(validation.scores),
        columns=lambda epoch: columns_of(config.phases[epoch.phase], epoch),
    )


def phase_of(config: ModelConfig, number: int) -> common.Phase:
    """Return how a phase of a configuration runs."""
    phase = config.phases[number]
    shape = "cosine" if phase.schedule == "warmup_cosine" else "linear"
    rise = {"warmup": RISE, "start": 0.5} if phase.schedule.startswith("warmup") else {}
    return common.Phase(
        epochs=phase.epochs,
        batch_size=config.batch_size,
        learning_rate=phase.learning_rate,
        schedule=Schedule(shape=shape, final=phase.last_rate / phase.learning_rate, **rise),  # type: ignore[arg-type]
        optimiser="adamw",
        weight_decay=phase.weight_decay,
        clip_norm=phase.clip_norm,
        parts=config.accumulate,
        patience=config.patience,
        largest_gap=np.inf if config.largest_gap is None else config.largest_gap,
        largest_gradient=np.inf if config.largest_gradient is None else config.largest_gradient,
        checkpoint_every=config.checkpoint_every,
        start=config.start,
        optimiser_state=config.optimiser_state,
    )


def teacher_forcing(phase: Phase, epoch: int) -> float:
    """Return the probability of teacher forcing `max(end, start - (start - end) e/E)` in epoch e = 0, 1, ... of E."""
    first, last = phase.teacher_forcing
    return max(last, first - (first - last) * epoch / phase.epochs)


def columns_of(phase: Phase, epoch: Epoch) -> Mapping[str, float]:
    """Return what else of an epoch stands in the history."""
    return {
        "teacher_forcing": teacher_forcing(phase, epoch.within),
        "noise": phase.noise,
        "max_lag": float(phase.max_lag),
    }


class _Runs:
    """Training or validation runs as tensors."""

    def __init__(self, job: Job, side: str, device: torch.device) -> None:
        config, arrays, fitted = job.config, job.segments.phases[0], job.segments.fitted
        parameters = select(arrays, side, str(job.segments.meta["parameters"]), config.parameters)
        self.features, start = network_inputs(config, fitted, arrays[f"{side}/first"], parameters)
        scores = arrays[f"{side}/scores"]
        self.inputs, self.start, self.scores, self.parameters = (
            torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(device)
            for array in (self.features, start, scores, parameters)
        )


class _Sequences:
    """The loss of a sequence generator, which writes scores and parameters."""

    def __init__(self, config: ModelConfig, network: SequenceGenerator) -> None:
        self.config, self.network = config, network

    def loss(self, runs: _Runs, index: Tensor, epoch: Epoch) -> dict[str, Tensor]:
        """Return the loss of the runs `index` (B,)."""
        phase, scores = self.config.phases[epoch.phase], runs.scores[index]
        points = scores.shape[1]
        truth = torch.cat([scores, runs.parameters[index][:, None].expand(-1, points, -1)], dim=2)
        if epoch.random is None:
            return _with_fixed_measure(self.config, self.network(truth[:, :1], points), truth, scores, phase.max_lag)
        fed = truth
        if phase.noise:
            fed = truth + phase.noise * torch.randn(truth.shape, generator=epoch.random).to(truth.device)
        forced = torch.rand(points, generator=epoch.random) < teacher_forcing(phase, epoch.within)
        with torch.autocast(truth.device.type, torch.bfloat16, enabled=self.config.mixed_precision):
            written = self.network(fed, points, forced)
        counted = truth.shape[2] if self.config.loss.parameters else scores.shape[2]
        return losses(self.config.loss, written[..., :counted].float(), truth[..., :counted], phase.max_lag)


class _Curves:
    """The loss of a network of scaled time, which gives each point of a curve by itself."""

    def __init__(self, config: ModelConfig, network: ScaledTime) -> None:
        self.config, self.network = config, network

    def loss(self, runs: _Runs, index: Tensor, epoch: Epoch) -> dict[str, Tensor]:
        """Return the loss of the runs `index` (B,)."""
        phase, scores = self.config.phases[epoch.phase], runs.scores[index]
        mixed = self.config.mixed_precision and epoch.random is not None
        with torch.autocast(scores.device.type, torch.bfloat16, enabled=mixed):
            curves = self.network(runs.inputs[index], runs.start[index])
        # the first point is given
        curves = torch.cat([scores[:, :1], curves[:, 1:].float()], dim=1)
        if epoch.random is None:
            return _with_fixed_measure(self.config, curves, scores, scores, phase.max_lag)
        return losses(self.config.loss, curves, scores, phase.max_lag)


def _with_fixed_measure(
    config: ModelConfig, written: Tensor, truth: Tensor, scores: Tensor, max_lag: int
) -> dict[str, Tensor]:
    """Return the losses of a validation, and the mean absolute error of the scores whatever the loss."""
    counted = truth.shape[2] if config.loss.parameters else scores.shape[2]
    parts = losses(config.loss, written[..., :counted], truth[..., :counted], max_lag)
    return {**parts, "scores_mae": mae(written[..., : scores.shape[2]], scores)}
