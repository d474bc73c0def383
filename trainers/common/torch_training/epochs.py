"""Train a network by epochs: batches by seed, validation, early stopping, phases, a resumable state.

Every random draw of an epoch follows from (seed, epoch), the order of the batches included: there is no random state to
store, and a training resumes from the state of any epoch to the same bits. Single precision throughout, no mixed
precision.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from trainers.common.named_arrays import prefixed
from trainers.common.schedules import Plateau, after_check, learning_rates
from trainers.common.torch_training.device import reproducible
from trainers.common.torch_training.state import (
    from_arrays,
    initial_state,
    load_weights,
    optimiser_of,
    to_arrays,
    weights_of,
)
from trainers.common.torch_training.task import Epoch, Phase, Task
from trainers.study import Failed, Job, Place, Progress, Report, Trained


def train_epochs(job: Job, task: Task, report: Report, device: torch.device) -> Trained | Failed:
    """Train `task` from the start or from `job.state`; return a loss that is not finite as `Failed`, not as an error.

    Weights: `best/` and `last/` of the last phase; with several phases `phase<k>/best/`, `phase<k>/last/` of each; and
    `epoch<n>/` where a phase stores checkpoints. History: phase, epoch, step, learning_rate (of the last batch), loss
    and its parts, validation_*, gradient_norm (mean over batches, before clipping), and the task's own columns.

    Raises:
        ValueError: `job.state` is not a state of this training.
    """
    with reproducible(device):
        task.network.to(device)
        return _Course(job, task, report, device).run()


@dataclass
class _Course:
    """One training on its way through phases and epochs."""

    job: Job
    task: Task
    report: Report
    device: torch.device

    def __post_init__(self) -> None:
        self.state = initial_state(self.task) if self.job.state is None else from_arrays(self.task, self.job.state)
        self.start_time = time.monotonic()
        self.start_epoch = self.state.epoch

    @property
    def phase(self) -> Phase:
        return self.task.phases[self.state.phase]

    def phase_done(self) -> bool:
        return self.state.ended or self.state.within >= self.phase.epochs

    def done(self) -> bool:
        return self.phase_done() and self.state.phase + 1 == len(self.task.phases)

    def run(self) -> Trained | Failed:
        while not self.done():
            if self.phase_done():
                self.next_phase()
            row = self.epoch()
            if reason := self.divergence(row):
                return self.failure(row, reason)
            self.record(row)
            stop = self.report(self.progress(row))
            if stop and not self.done():
                return self.outcome(stopped=True)
        return self.outcome(stopped=False)

    def next_phase(self) -> None:
        """Begin the next phase. Not earlier: the state at a phase's end is that of a training that ends there."""
        state = self.state
        state.stored |= self.weights_of_phase()
        state.phase, state.within, state.stalled, state.ended = state.phase + 1, 0, 0, False
        state.score, state.plateau = np.inf, Plateau()
        if self.phase.start == "best":
            load_weights(self.task.network, state.best)
        moments = state.optimiser.state_dict()["state"]
        state.optimiser = optimiser_of(self.phase, self.task.network)
        if self.phase.optimiser_state == "keep":
            groups = state.optimiser.state_dict()["param_groups"]
            state.optimiser.load_state_dict({"state": moments, "param_groups": groups})

    def weights_of_phase(self) -> dict[str, np.ndarray]:
        both = {**prefixed("best", self.state.best), **prefixed("last", weights_of(self.task.network))}
        return prefixed(f"phase{self.state.phase}", both)

    def epoch(self) -> dict[str, float]:
        """Train on every sample once and validate; return the row of the history."""
        state, task, phase = self.state, self.task, self.phase
        order = np.random.default_rng([task.seed, state.epoch]).permutation(task.train_size)
        epoch_seed = int(np.random.default_rng([task.seed, state.epoch, 1]).integers(2**62))
        random = torch.Generator().manual_seed(epoch_seed)
        where = Epoch(state.phase, state.epoch, state.within, phase.epochs, random)
        count = task.batches(state.phase)
        steps = state.within * count + np.arange(count)
        rates = learning_rates(phase.schedule, phase.learning_rate, steps, phase.epochs * count) * state.plateau.factor
        total = _Mean()
        task.network.train()
        # layers such as nn.Dropout draw from torch's global generator: seeded here, restored afterwards
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(epoch_seed)
            for k, rate in enumerate(rates):
                batch = order[k * phase.batch_size : (k + 1) * phase.batch_size]
                total.add(self.step(torch.from_numpy(batch), float(rate), where), len(batch))
        state.epoch, state.within, state.step = state.epoch + 1, state.within + 1, state.step + count
        place = {"phase": state.phase, "epoch": state.epoch, "step": state.step, "learning_rate": float(rates[-1])}
        means = total.means()
        return place | means | self.validate(where) | dict(task.columns(where))

    def step(self, batch: Tensor, rate: float, where: Epoch) -> Mapping[str, Tensor]:
        """Take one optimiser step; return the losses before it and the norm of the gradient."""
        optimiser, phase = self.state.optimiser, self.phase
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad(set_to_none=True)
        mean = _Mean()
        for part in batch.tensor_split(phase.parts) if phase.parts > 1 else (batch,):
            if len(part):
                losses = self.task.loss(part.to(self.device), where)
                share = len(part) / len(batch)
                (losses["loss"] * share if share < 1 else losses["loss"]).backward()  # type: ignore[no-untyped-call]
                mean.add(losses, len(part))
        limit = phase.clip_norm or np.inf
        norm = torch.nn.utils.clip_grad_norm_(self.task.network.parameters(), limit, foreach=False)
        optimiser.step()
        return {**mean.tensors(), "gradient_norm": norm}

    @torch.no_grad()
    def validate(self, where: Epoch) -> dict[str, float]:
        """Return the validation columns of the row; the validation loss is NaN without validation samples."""
        task, total = self.task, _Mean()
        if task.validation_loss is None or not task.validation_size:
            return {"validation_loss": np.nan}
        task.network.eval()
        without_draws = Epoch(where.phase, where.number, where.within, where.epochs)
        for block in torch.arange(task.validation_size, device=self.device).split(task.validation_batch):
            total.add(task.validation_loss(block, without_draws), len(block))
        return {f"validation_{name}": value for name, value in total.means().items()}

    def divergence(self, row: Mapping[str, float]) -> str | None:
        """Return why the training has diverged, if it has."""
        if not np.isfinite(row["loss"]) or (self.task.validates and not np.isfinite(row["validation_loss"])):
            return f"loss {row['loss']}, validation loss {row['validation_loss']}"
        if row["gradient_norm"] > self.phase.largest_gradient:
            return f"mean norm of the gradient {row['gradient_norm']:.6g}, above {self.phase.largest_gradient:g}"
        return None

    def record(self, row: Mapping[str, float]) -> None:
        """Append a row to the history, store best weights and checkpoints, and decide whether the phase ends early."""
        state, phase = self.state, self.phase
        state.rows.append(row)
        score = row["validation_loss"] if self.task.validates else row["loss"]
        state.stalled = 0 if score < state.score else state.stalled + 1
        if score < state.score:
            state.score, state.best, state.best_epoch = score, weights_of(self.task.network), state.epoch
        state.plateau = after_check(phase.schedule, state.plateau, score, state.within, phase.epochs)
        if phase.checkpoint_every and state.epoch % phase.checkpoint_every == 0:
            state.stored |= prefixed(f"epoch{state.epoch}", weights_of(self.task.network))
        gap = row["validation_loss"] - row["loss"] > phase.largest_gap * abs(row["loss"])
        state.ended = gap or (phase.patience is not None and state.stalled >= phase.patience)

    def progress(self, row: Mapping[str, float]) -> Progress:
        losses = {name: value for name, value in row.items() if "loss" in name and np.isfinite(value)}
        state = self.state
        return Progress(
            self.job.key,
            state.phase,
            state.step,
            self.task.total_steps,
            losses,
            lambda: to_arrays(state),
            phase_end=self.phase_done(),
        )

    def failure(self, row: Mapping[str, float], reason: str) -> Failed:
        rows = self.state.rows
        before = f"last finite loss {rows[-1]['loss']:.6g}" if rows else "no epoch succeeded before"
        detail = f"{reason} in epoch {row['epoch']}; lower the rate; {before}"
        partial = self.outcome(stopped=True) if rows else None
        return Failed(self.job.key, "diverged", Place("train", self.state.phase, self.state.step), detail, partial)

    def outcome(self, stopped: bool) -> Trained:
        state, seconds = self.state, time.monotonic() - self.start_time
        weights = {**prefixed("best", state.best), **prefixed("last", weights_of(self.task.network)), **state.stored}
        if len(self.task.phases) > 1:
            weights |= self.weights_of_phase()
        history = pd.DataFrame([*state.rows])
        integers = {name: int for name in ("phase", "epoch", "step") if name in history}
        return Trained(
            key=self.job.key,
            weights=weights,
            state=to_arrays(state),
            history=history.astype(integers),
            timings={"train": seconds, "epoch": seconds / max(1, state.epoch - self.start_epoch)},
            counts={
                "parameters": sum(weight.numel() for weight in self.task.network.parameters()),
                "steps": state.step,
                "epochs": state.epoch,
                "best_epoch": state.best_epoch,
                "no_validation": int(not self.task.validates),
            },
            fitted=self.job.segments.fitted,
            meta={**self.job.segments.meta, "device": "gpu" if self.device.type == "cuda" else "cpu"},
            stopped=stopped,
        )


class _Mean:
    """Means over samples of losses by name, summed in double precision on the device.

    A float(loss) per batch would make the host wait for the GPU at every step; only `means` does.
    """

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.count = 0

    def add(self, losses: Mapping[str, Tensor], count: int) -> None:
        for name, value in losses.items():
            weighted = value.detach().double() * count
            self.sums[name] = self.sums[name] + weighted if name in self.sums else weighted
        self.count += count

    def tensors(self) -> dict[str, Tensor]:
        return {name: value / self.count for name, value in self.sums.items()}

    def means(self) -> dict[str, float]:
        return {name: float(value) for name, value in self.tensors().items()}
