"""What a study gives to its training in torch: a network, losses over samples by index, and its phases."""

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
    """A phase of a training. With more epochs it begins with the same bits, unless its schedule depends on them."""

    epochs: int
    """Passes over the training samples, at most."""
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
    """Weight decay [1]; good values 1e-6 to 1e-3 for adam, 1e-4 to 1e-1 for adamw."""
    clip_norm: float = 0.0
    """Largest norm of the gradient, longer ones are scaled down to it; 0 does not clip [1]. Good values 1 to 5."""
    parts: int = 1
    """Parts of a batch whose gradients are accumulated: the same step but for rounding, in a fraction of the memory."""
    patience: int | None = None
    """Epochs without a lower score after which the phase ends; None never ends it early. Good values 10 to 100."""
    largest_gap: float = np.inf
    """Largest (validation loss - training loss) / |training loss| [1]; above it the phase ends: it overfits."""
    largest_gradient: float = np.inf
    """Largest mean norm of the gradient in an epoch [1]; above it the training counts as diverged."""
    checkpoint_every: int = 0
    """Epochs between weights stored apart as `epoch<n>/<name>`; 0 stores the best and the last only."""
    start: Literal["last", "best"] = "last"
    """Weights that the phase starts from: the last ones of the phase before, or its best."""
    optimiser_state: Literal["keep", "reset"] = "keep"
    """Whether the optimiser's moments carry over from the phase before."""


@dataclass(frozen=True)
class Epoch:
    """The present epoch, for losses that change with it: teacher forcing, noise, weights of their parts."""

    phase: int
    number: int
    """Epochs done before this one in all phases."""
    within: int
    """Epochs done before this one in this phase."""
    epochs: int
    """Epochs of this phase, at most."""
    random: torch.Generator | None = None
    """Seeded by (seed, number), on the CPU whatever the device; None in validation, where nothing is random."""


LossFunction = Callable[[Tensor, Epoch], Mapping[str, Tensor]]
"""Map indices (B,) of samples to scalars, each a mean over the batch: `loss`, which is minimised, and its parts."""


def no_columns(epoch: Epoch) -> Mapping[str, float]:
    """Add no column to the history."""
    return {}


@dataclass(frozen=True)
class Task:
    """A network and the losses that train it.

    The training loss of an epoch is the mean over its samples, each batch before its own step.
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
    """Samples per batch of the validation: bounds the memory, changes only rounding. Good values 100 to 10,000."""
    columns: Callable[[Epoch], Mapping[str, float]] = no_columns
    """Further columns of the history, such as teacher forcing and noise: a pure function of the epoch."""

    @property
    def validates(self) -> bool:
        """Whether there is anything to validate on."""
        return self.validation_loss is not None and self.validation_size > 0

    def batches(self, phase: int) -> int:
        """Return the batches of an epoch, which is its number of optimiser steps, in the phase of a number."""
        return -(-self.train_size // self.phases[phase].batch_size)

    @property
    def total_steps(self) -> int:
        """Optimiser steps if no phase ends early."""
        return sum(self.batches(k) * phase.epochs for k, phase in enumerate(self.phases))


def initialise(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Build a network whose initial weights follow from `seed`; torch's global random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()
