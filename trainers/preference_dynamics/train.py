"""Train networks on whole series: Adam, clipped gradients, early stopping on the validation loss.

Batches of an epoch are a permutation that depends on (seed, epoch) alone, and so is dropout; the last batch may be
smaller and none is dropped. Each epoch ends with the validation loss; the weights of the lowest one are kept, and
training ends after `patience` epochs without a lower one. Single precision, one thread: the same bits everywhere on
one kind of machine. When training ends, the validation series say how far intervals must reach, see `calibrate.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from trainers.common.schedules import learning_rates
from trainers.preference_dynamics.baselines import train_baseline
from trainers.preference_dynamics.calibrate import calibrate
from trainers.preference_dynamics.checkpoint import COLUMNS, Run, prefixed, restore, start_optimiser, to_arrays
from trainers.preference_dynamics.config import NETWORKS, ModelConfig
from trainers.preference_dynamics.losses import LOSSES
from trainers.preference_dynamics.models import named_arrays, parameter_count, start_network
from trainers.preference_dynamics.targets import Targets, targets_of
from trainers.study import Arrays, Failed, Job, Place, Progress, Report, Trained

VALIDATION_BATCH = 500
"""Series that are validated at a time; it changes no numbers that matter."""


def train(jobs: Sequence[Job], report: Report = lambda progress: False) -> Iterator[Trained | Failed]:
    """Train jobs one after another; yield one outcome each, in order. No job's numbers depend on another job.

    A segmentation without training series, and a loss that is not finite, are outcomes, not exceptions.

    Raises:
        ValueError: if the state that a job brings along is not one of its configuration.
    """
    for job in jobs:
        yield _train_one(job, report)


def _train_one(job: Job, report: Report) -> Trained | Failed:
    with _one_thread():
        return _Course(job, report).run() if job.config.kind in NETWORKS else train_baseline(job, report)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums depend on the number of threads; put back what was set."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Side:
    """Training or validation series as tensors."""

    def __init__(self, arrays: Arrays, side: str, targets: Targets) -> None:
        self.x = _tensor(arrays[f"{side}/x"])
        self.features = _tensor(arrays[f"{side}/features"])
        self.targets = _tensor(targets.of_segments(arrays, side))

    def __len__(self) -> int:
        return len(self.x)


class _Course:
    """One job on its way through the epochs."""

    def __init__(self, job: Job, report: Report) -> None:
        self.job, self.report = job, report
        self.config: ModelConfig = job.config
        arrays, fitted = job.segments.phases[0], job.segments.fitted
        self.targets = targets_of(self.config, fitted)
        self.train = _Side(arrays, "train", self.targets)
        self.validation = _Side(arrays, "validation", self.targets)
        self.weight, self.width = self._weights()
        network = start_network(self.config, self.train.x.shape[1], self.train.features.shape[1])
        self.run_ = Run(network, start_optimiser(self.config, network), named_arrays(network))
        if job.state is not None:
            restore(self.run_, self.config, job.state)

    def _weights(self) -> tuple[Tensor, Tensor]:
        """Return weight and unit (P,) of each target's error."""
        loss, values = self.config.loss, self.train.targets
        weight = torch.ones(values.shape[1])
        weight[self.targets.names_count - self.targets.forecasts :] = loss.forecast_weight
        width = values.std(dim=0, correction=0)
        constant = width == 0
        if loss.name == "nll":
            weight[constant] = 0.0
        standard = torch.where(constant, torch.ones_like(width), width)
        return weight, standard if loss.standardise else torch.ones_like(width)

    @property
    def _batches(self) -> int:
        return -(-len(self.train) // self.config.batch_size)

    @property
    def _total_steps(self) -> int:
        return self._batches * self.config.epochs

    def run(self) -> Trained | Failed:
        """Go through the epochs from where the job's state stands."""
        started, run, stopped = time.monotonic(), self.run_, False
        while not run.finished(self.config) and not stopped:
            row = self._epoch()
            if not np.isfinite(row[-2:]).all() and not (np.isfinite(row[-2]) and not len(self.validation)):
                return self._diverged(row, started)
            self._keep(row)
            asked = self.report(self._progress(row))
            stopped = asked and not run.finished(self.config)
        return self._trained(started, stopped)

    def _epoch(self) -> tuple[float, ...]:
        """Train through all series once; return the row of the history."""
        run, config = self.run_, self.config
        order = np.random.default_rng([config.seed, run.epoch]).permutation(len(self.train))
        random = torch.Generator().manual_seed(int(np.random.default_rng([config.seed, run.epoch, 1]).integers(2**62)))
        first = run.step
        rates = learning_rates(
            config.schedule, config.learning_rate, np.arange(first, first + self._batches), self._total_steps
        )
        total = 0.0
        for k, rate in enumerate(rates):
            batch = torch.from_numpy(order[k * config.batch_size : (k + 1) * config.batch_size])
            total += self._step(batch, rate, random) * len(batch)
        run.epoch, run.step = run.epoch + 1, first + self._batches
        return (0, run.epoch, run.step, float(rates[-1]), total / len(self.train), self._validate())

    def _step(self, batch: Tensor, rate: float, random: torch.Generator) -> float:
        run = self.run_
        for group in run.optimiser.param_groups:
            group["lr"] = float(rate)
        run.optimiser.zero_grad(set_to_none=True)
        loss = self._loss(self.train, batch, self._dropout(len(batch), random))
        loss.backward()  # type: ignore[no-untyped-call]
        if self.config.clip_norm > 0:
            torch.nn.utils.clip_grad_norm_(run.network.parameters(), self.config.clip_norm, foreach=False)
        run.optimiser.step()
        return float(loss.detach())

    def _dropout(self, count: int, random: torch.Generator) -> Tensor | None:
        kept = 1 - self.config.dropout
        if kept == 1:
            return None
        size = (count, self.config.filters[-1] * self.config.bins)
        return (torch.rand(size, generator=random) < kept) / kept

    def _loss(self, side: _Side, batch: Tensor, mask: Tensor | None = None) -> Tensor:
        says = self.run_.network(side.x[batch], side.features[batch], mask)
        error = (says.mean - side.targets[batch]) / self.width
        value = LOSSES[self.config.loss.name](error, says.log_std, self.weight)
        value = value if says.penalty is None else value + says.penalty
        extra = self.config.loss.residual
        return value + extra * (says.residual**2).mean() if extra > 0 else value

    @torch.no_grad()
    def _validate(self) -> float:
        count = len(self.validation)
        if not count:
            return float("nan")
        blocks = torch.arange(count).split(VALIDATION_BATCH)
        return sum(float(self._loss(self.validation, block)) * len(block) for block in blocks) / count

    def _keep(self, row: tuple[float, ...]) -> None:
        """Enter a row, and keep the weights if they are the best so far."""
        run = self.run_
        run.rows.append(row)
        score = row[-1] if len(self.validation) else row[-2]
        run.stalled = 0 if score < run.score else run.stalled + 1
        if score < run.score:
            run.score, run.best = score, named_arrays(run.network)

    def _progress(self, row: tuple[float, ...]) -> Progress:
        losses = {name: value for name, value in zip(COLUMNS[3:], row[3:], strict=True) if np.isfinite(value)}
        ended = self.run_.finished(self.config)
        run = self.run_
        return Progress(self.job.key, 0, run.step, self._total_steps, losses, lambda: to_arrays(run), phase_end=ended)

    def _diverged(self, row: tuple[float, ...], started: float) -> Failed:
        before = f"last finite loss {self.run_.rows[-1][-2]:.6g}" if self.run_.rows else "no epoch succeeded before"
        detail = f"loss {row[-2]}, validation loss {row[-1]} in epoch {row[1]}; lower the rate; {before}"
        partial = self._outcome(started, True, {}) if self.run_.rows else None
        return Failed(self.job.key, "diverged", Place("train", 0, self.run_.step), detail, partial)

    def _trained(self, started: float, stopped: bool) -> Trained:
        extra = calibrate(self.config, self.job.segments, self.run_.best) if not stopped else {}
        return self._outcome(started, stopped, extra)

    def _outcome(self, started: float, stopped: bool, extra: Arrays) -> Trained:
        run = self.run_
        seconds = time.monotonic() - started
        history = pd.DataFrame(run.rows, columns=list(COLUMNS)).astype({"phase": int, "epoch": int, "step": int})
        return Trained(
            key=self.job.key,
            weights={**prefixed("best", run.best), **prefixed("last", named_arrays(run.network))},
            state=to_arrays(run),
            history=history,
            timings={"train": seconds, "epoch": seconds / max(1, run.epoch)},
            counts={
                "parameters": parameter_count(run.network),
                "steps": run.step,
                "epochs": run.epoch,
                "best_epoch": int(history["epoch"].iloc[_best(history)]) if len(history) else 0,
                "no_validation": int(not len(self.validation)),
            },
            fitted={**self.job.segments.fitted, **extra},
            stopped=stopped,
        )


def _best(history: pd.DataFrame) -> int:
    score = history["validation_loss"].fillna(history["loss"])
    return int(score.argmin())


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
