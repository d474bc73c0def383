"""The state of a training between two epochs, as named arrays and back, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from trainers.preference_dynamics.config import ModelConfig
from trainers.preference_dynamics.models import load_arrays, named_arrays
from trainers.study import Arrays

COLUMNS = ("phase", "epoch", "step", "learning_rate", "loss", "validation_loss")


@dataclass
class Run:
    """Where a training stands. Batches and dropout come from (seed, epoch), so there is no random state beside it."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    best: Mapping[str, np.ndarray]
    """Weights of the lowest validation loss, or of the lowest training loss without a validation set."""
    score: float = np.inf
    """That loss."""
    epoch: int = 0
    """Epochs done."""
    step: int = 0
    """Optimiser steps done."""
    stalled: int = 0
    """Epochs since the score was lowered."""
    rows: list[tuple[float, ...]] = field(default_factory=list)
    """History, see COLUMNS; one row per epoch."""

    def finished(self, config: ModelConfig) -> bool:
        """Tell whether all epochs are done, or patience has run out."""
        return self.epoch >= config.epochs or self.stalled >= config.patience


def start_optimiser(config: ModelConfig, network: nn.Module) -> torch.optim.Optimizer:
    """Return Adam (Kingma & Ba 2015) or AdamW (Loshchilov & Hutter 2019) for the weights of a network."""
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.optimiser]
    return kind(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, foreach=False)


def to_arrays(run: Run) -> dict[str, np.ndarray]:
    """Return the resumable state: weights, optimiser, best, history and position."""
    names = [name for name, _ in run.network.named_parameters()]
    moments = run.optimiser.state_dict()["state"]
    kept = {f"{names[k]}/{part}": value.numpy().copy() for k, parts in moments.items() for part, value in parts.items()}
    position = [run.score, run.epoch, run.step, run.stalled]
    return {
        **prefixed("weights", named_arrays(run.network)),
        **prefixed("best", run.best),
        **prefixed("optimiser", kept),
        "history": np.array(run.rows, np.float64).reshape(-1, len(COLUMNS)),
        "position": np.array(position, np.float64),
    }


def restore(run: Run, config: ModelConfig, arrays: Arrays) -> None:
    """Set a fresh run to a stored state.

    Raises:
        ValueError: if the state has more epochs than the configuration.
    """
    load_arrays(run.network, below("weights", arrays))
    names = [name for name, _ in run.network.named_parameters()]
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in below("optimiser", arrays).items():
        weight, _, part = name.rpartition("/")
        moments.setdefault(names.index(weight), {})[part] = torch.from_numpy(np.array(value))
    groups = run.optimiser.state_dict()["param_groups"]
    run.optimiser.load_state_dict({"state": moments, "param_groups": groups})
    run.best = {name: np.array(value) for name, value in below("best", arrays).items()}
    run.rows = [tuple(float(value) for value in row) for row in arrays["history"]]
    run.score = float(arrays["position"][0])
    run.epoch, run.step, run.stalled = (int(value) for value in arrays["position"][1:])
    if run.epoch > config.epochs:
        raise ValueError(
            f"the state stands at epoch {run.epoch}, beyond the configuration's {config.epochs}; "
            "give a state of this configuration"
        )


def prefixed(prefix: str, arrays: Arrays) -> dict[str, np.ndarray]:
    """Put a prefix before every name."""
    return {f"{prefix}/{name}": np.asarray(array) for name, array in arrays.items()}


def below(prefix: str, arrays: Arrays) -> dict[str, np.ndarray]:
    """Return the arrays under a prefix, without it."""
    return {name.removeprefix(f"{prefix}/"): array for name, array in arrays.items() if name.startswith(f"{prefix}/")}
