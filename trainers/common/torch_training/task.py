"""What a study gives to its training: a network, losses over named samples, and how each phase runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from trainers.common.schedules import CONSTANT, Schedule


@dataclass(frozen=True)
class Phase:
    """How a phase of a training runs. A phase that is the same with more epochs begins with the same bits."""

    epochs: int
    """Most passes over the training samples."""
    batch_size: int
    """Samples per optimiser step; the last batch of an epoch may be smaller, none is dropped."""
    learning_rate: float
    """Peak of the schedule [1/step]."""
    schedule: Schedule = CONSTANT
    """How the rate changes over the steps of the phase; a plateau rule counts epochs."""
    optimiser: Literal["adam", "adamw"] = "adam"
    """adam adds the weight decay to the gradient (Kingma & Ba 2015), adamw takes it from the weights (Loshchilov &
    Hutter 2019)."""
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    """Largest norm of the gradient; 0 does not clip [1]. Good values 1 to 5."""
    parts: int = 1
    """Parts of a batch whose gradients are accumulated: the same step in a fraction of the memory."""
    patience: int | None = None
    """Epochs without a lower score after which the phase ends; None never ends it early. Good values 10 to 100."""
    largest_gap: float = np.inf
    """The phase ends when the validation loss exceeds the training loss by more than this part of it [1]."""
    largest_gradient: float = np.inf
    """A mean norm of the gradient above this is divergence, before the loss leaves the finite [1]."""
    checkpoint_every: int = 0
    """Epochs after which the weights are stored apart as `epoch<n>/<name>`; 0 stores the best and the last only."""
    start: Literal["last", "best"] = "last"
    """Which weights of the phase before this one starts from."""
    optimiser_state: Literal["keep", "reset"] = "keep"
    """Whether moments of the phase before are kept."""


@dataclass(frozen=True)
class Epoch:
    """Where a training is, for losses that change with it: teacher forcing, noise, weights of their parts."""

    phase: int
    number: int
    """Epochs done before this one in all phases."""
    within: int
    """Epochs done before this one in this phase."""
    epochs: int
    """Most epochs of this phase."""
    random: torch.Generator | None = None
    """Seeded by (seed, number), on the CPU whatever the device; None in validation, which draws nothing."""


LossFunction = Callable[[Tensor, Epoch], Mapping[str, Tensor]]
"""Map indices (B,) of samples to scalars, each a mean over the batch: `loss`, which is minimised, and its parts."""


def no_columns(epoch: Epoch) -> Mapping[str, float]:
    """Add no column to the history."""
    return {}


@dataclass(frozen=True)
class Task:
    """A network and the losses that train it.

    The loss of an epoch is the mean over samples of the batches' losses, each before its own step.
    """

    network: nn.Module
    phases: Sequence[Phase]
    seed: int
    loss: LossFunction
    """Over training samples 0 ... train_size - 1."""
    train_size: int
    validation_loss: LossFunction | None = None
    """Over validation samples; None, or a size of 0: the training loss decides which weights are best."""
    validation_size: int = 0
    validation_batch: int = 500
    """Samples that are validated at a time [1]; it limits memory and changes rounding alone."""
    columns: Callable[[Epoch], Mapping[str, float]] = no_columns
    """Further columns of the history, such as teacher forcing and noise of an epoch: pure functions of where it is."""

    @property
    def validates(self) -> bool:
        """Whether there is anything to validate on."""
        return self.validation_loss is not None and self.validation_size > 0

    def batches(self, phase: int) -> int:
        """Return the optimiser steps of an epoch."""
        return -(-self.train_size // self.phases[phase].batch_size)

    @property
    def total_steps(self) -> int:
        """Optimiser steps if no phase ends early."""
        return sum(self.batches(k) * phase.epochs for k, phase in enumerate(self.phases))


def initialised(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Build a network with torch's own initialisation drawn from `seed`; the global random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()
