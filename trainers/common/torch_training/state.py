"""The state of a training between two epochs, as named arrays and back, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from trainers.common.named_arrays import below, prefixed
from trainers.common.schedules import Plateau
from trainers.common.torch_training.task import Phase, Task
from trainers.study import Arrays

COUNTERS = ("phase", "epoch", "within", "step", "stalled", "best_epoch")


@dataclass
class State:
    """The state of a training. Every draw follows from (seed, epoch), so that there is no random state to store."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    best: Arrays
    """Weights of the epoch with the lowest score of this phase."""
    score: float = np.inf
    """That score: the validation loss, or the training loss without validation samples."""
    phase: int = 0
    epoch: int = 0
    """Epochs done in all phases."""
    within: int = 0
    """Epochs done in this phase."""
    step: int = 0
    """Optimiser steps done in all phases."""
    stalled: int = 0
    """Epochs of this phase since that score was reached."""
    best_epoch: int = 0
    """Epoch of the best weights, counted from 1 over all phases."""
    ended: bool = False
    """Whether a rule ended this phase before its last epoch."""
    plateau: Plateau = field(default_factory=Plateau)
    stored: dict[str, np.ndarray] = field(default_factory=dict)
    """Weights stored beside best and last: `phase0/best/<name>`, `epoch10/<name>`."""
    rows: list[Mapping[str, float]] = field(default_factory=list)
    """History, one row per epoch."""


def initial_state(task: Task) -> State:
    """Return the state before the first epoch."""
    return State(task.network, optimiser_of(task.phases[0], task.network), weights_of(task.network))


def optimiser_of(phase: Phase, network: nn.Module) -> torch.optim.Optimizer:
    """Return the optimiser of a phase before its first step."""
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[phase.optimiser]
    # foreach=True, the default on a GPU, sums in another order
    return kind(network.parameters(), lr=phase.learning_rate, weight_decay=phase.weight_decay, foreach=False)


def weights_of(network: nn.Module) -> dict[str, np.ndarray]:
    """Return copies of weights and buffers: the optimiser changes the network's own in place."""
    return {name: value.detach().cpu().numpy().copy() for name, value in network.state_dict().items()}


def load_weights(network: nn.Module, arrays: Arrays) -> None:
    """Set weights and buffers of a network.

    Raises:
        ValueError: names or shapes are not those of the network.
    """
    try:
        network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
    except RuntimeError as error:
        text = " ".join(str(error).split())  # torch writes several lines
        raise ValueError(f"the weights do not fit this network; give those of this configuration: {text}") from None


def to_arrays(state: State) -> dict[str, np.ndarray]:
    """Return the resumable state."""
    names = [name for name, _ in state.network.named_parameters()]
    moments = {
        f"{names[index]}/{part}": value.cpu().numpy().copy()
        for index, parts in state.optimiser.state_dict()["state"].items()
        for part, value in parts.items()
    }
    columns = list(dict.fromkeys(name for row in state.rows for name in row))
    history = {name: np.array([row.get(name, np.nan) for row in state.rows], np.float64) for name in columns}
    plateau = (state.plateau.factor, state.plateau.best, state.plateau.stalled)
    return {
        **prefixed("weights", weights_of(state.network)),
        **prefixed("best", state.best),
        **prefixed("optimiser", moments),
        **prefixed("stored", state.stored),
        **prefixed("history", history),
        "counters": np.array([getattr(state, name) for name in COUNTERS], np.int64),
        "ended": np.array([state.ended]),
        "score": np.array([state.score]),
        "plateau": np.array(plateau, np.float64),
    }


def from_arrays(task: Task, arrays: Arrays) -> State:
    """Return the state that `to_arrays` stored.

    Raises:
        ValueError: it is a state of another kind of training, or of one that is longer than this.
    """
    if "counters" not in arrays:
        raise ValueError("this is no state of a training by epochs; give a state of this configuration")
    counters = dict(zip(COUNTERS, arrays["counters"].tolist(), strict=True))
    state = initial_state(task)
    for name, value in counters.items():
        setattr(state, name, value)
    _check(task, state)
    load_weights(task.network, below("weights", arrays))
    state.optimiser = optimiser_of(task.phases[state.phase], task.network)
    names = [name for name, _ in task.network.named_parameters()]
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in below("optimiser", arrays).items():
        weight, _, part = name.rpartition("/")
        moments.setdefault(names.index(weight), {})[part] = torch.from_numpy(np.array(value))
    groups = state.optimiser.state_dict()["param_groups"]
    state.optimiser.load_state_dict({"state": moments, "param_groups": groups})
    state.best = {name: np.array(value) for name, value in below("best", arrays).items()}
    state.stored = {name: np.array(value) for name, value in below("stored", arrays).items()}
    history = {name: column.tolist() for name, column in below("history", arrays).items()}
    state.rows = [dict(zip(history, row, strict=True)) for row in zip(*history.values(), strict=True)]
    state.score, state.ended = float(arrays["score"][0]), bool(arrays["ended"][0])
    factor, best, stalled = arrays["plateau"].tolist()
    state.plateau = Plateau(factor, best, int(stalled))
    return state


def start_of_phase(arrays: Arrays, number: int, which: str) -> dict[str, np.ndarray]:
    """Return the state at the start of phase `number`, from that at the end of the phase before.

    which: the stored weights that it starts from, such as `epoch10`; the optimiser starts afresh.

    Raises:
        ValueError: there are no such weights.
    """
    names = [name for name in arrays if name.startswith(("weights/", "best/"))]
    ended = {f"stored/phase{number - 1}/{name.replace('weights/', 'last/', 1)}": arrays[name] for name in names}
    chosen = below(f"stored/{which}", arrays)
    if not chosen:
        stored = sorted({name.split("/")[1] for name in arrays if name.startswith("stored/epoch")})
        raise ValueError(f"no weights {which!r} to start phase {number} from; there are: {', '.join(stored) or 'none'}")
    counters = dict(zip(COUNTERS, arrays["counters"].tolist(), strict=True)) | {
        "phase": number,
        "within": 0,
        "stalled": 0,
    }
    plateau = Plateau()
    others = {name: value for name, value in arrays.items() if not name.startswith("optimiser/")}
    return {
        **others,
        **ended,
        **prefixed("weights", chosen),
        "counters": np.array([counters[name] for name in COUNTERS], np.int64),
        "ended": np.array([False]),
        "score": np.array([np.inf]),
        "plateau": np.array((plateau.factor, plateau.best, plateau.stalled), np.float64),
    }


def _check(task: Task, state: State) -> None:
    if state.phase >= len(task.phases):
        raise ValueError(
            f"the state is in phase {state.phase}, the configuration has {len(task.phases)}; "
            "give a state of this configuration"
        )
    if state.within > (epochs := task.phases[state.phase].epochs):
        raise ValueError(
            f"the state is at epoch {state.within}, beyond the configuration's {epochs}; "
            "give a state of this configuration"
        )
