"""The state of a training between two compiled calls, as named arrays and back, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from trainers.common.named_arrays import below, prefixed
from trainers.common.schedules import Plateau
from trainers.study import Arrays
from trainers.two_body.config import ModelConfig
from trainers.two_body.network import Network, from_arrays, named_arrays
from trainers.two_body.program import Learner

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Run:
    """Where a training stands: everything that its next step depends on, and what it will leave behind."""

    learner: Learner
    best: Network
    """Weights at the check with the lowest score of this phase."""
    score: float = np.inf
    """That score: validation loss, or without a validation set the mean training loss since the check before."""
    plateau: Plateau = field(default_factory=Plateau)
    phase: int = 0
    step: int = 0
    """Steps done in this phase."""
    blocks: tuple[Columns, ...] = ()
    """History: column -> one value per step, one block per compiled call."""
    ended: Mapping[str, np.ndarray] = field(default_factory=dict)
    """`phase0/best/<name>` and `phase0/last/<name>` of the phases that have ended."""

    @property
    def history(self) -> Columns:
        """Return the columns of the history, one value per step of all phases."""
        return {name: np.concatenate([block[name] for block in self.blocks]) for name in self.blocks[0]}

    @property
    def steps(self) -> int:
        """Steps done in all phases."""
        return sum(len(block["step"]) for block in self.blocks)

    def recent(self, name: str, count: int) -> np.ndarray:
        """Return the last `count` values of a column."""
        blocks = self.blocks[-count:]
        return np.concatenate([block[name] for block in blocks])[-count:]

    def weights(self) -> dict[str, np.ndarray]:
        """Return `best/<name>` and `last/<name>` of this phase; before the first check the best are the last."""
        best = self.best if np.isfinite(self.score) else self.learner.network
        return {**prefixed("best", named_arrays(best)), **prefixed("last", named_arrays(self.learner.network))}

    def end_phase(self) -> Run:
        """Keep the best and the last weights of this phase."""
        return replace(self, ended={**self.ended, **prefixed(f"phase{self.phase}", self.weights())})

    def next_phase(self) -> Run:
        """Begin the next phase: weights and optimiser state carry over, best and plateau start anew."""
        return replace(self, phase=self.phase + 1, step=0, best=self.learner.network, score=np.inf, plateau=Plateau())

    def table(self) -> pd.DataFrame:
        """Return the history as a table."""
        return pd.DataFrame(self.history if self.blocks else {name: np.zeros(0) for name in ("phase", "step", "loss")})


def to_arrays(run: Run) -> dict[str, np.ndarray]:
    """Return the resumable state: weights, optimiser, best, schedule, history and the position in the curriculum.

    Batches are drawn from (seed, phase, epoch), so that there is no random state beside the position.
    """
    moments = {f"{k:03d}": np.asarray(leaf) for k, leaf in enumerate(jax.tree.leaves(run.learner.moments))}
    position = {"phase": run.phase, "step": run.step, "score": run.score}
    plateau = {"factor": run.plateau.factor, "best": run.plateau.best, "stalled": run.plateau.stalled}
    return {
        **prefixed("weights", named_arrays(run.learner.network)),
        **prefixed("optimiser", moments),
        **prefixed("best", named_arrays(run.best)),
        **prefixed("position", {name: np.asarray(value) for name, value in position.items()}),
        **prefixed("plateau", {name: np.asarray(value) for name, value in plateau.items()}),
        **prefixed("history", run.history if run.blocks else {}),
        **prefixed("ended", run.ended),
    }


def from_state(config: ModelConfig, fresh: Learner, arrays: Arrays) -> Run:
    """Rebuild a run from `to_arrays`; `fresh` is any learner of the configuration and gives the structure."""
    leaves = [jnp.asarray(leaf) for _, leaf in sorted(below("optimiser", arrays).items())]
    moments = jax.tree.unflatten(jax.tree.structure(fresh.moments), leaves)
    position, plateau = below("position", arrays), below("plateau", arrays)
    history = {name: np.array(values) for name, values in below("history", arrays).items()}
    run = Run(
        learner=Learner(from_arrays(config, below("weights", arrays)), moments),
        best=from_arrays(config, below("best", arrays)),
        score=float(position["score"]),
        plateau=Plateau(float(plateau["factor"]), float(plateau["best"]), int(plateau["stalled"])),
        phase=int(position["phase"]),
        step=int(position["step"]),
        blocks=(history,) if history else (),
        ended=below("ended", arrays),
    )
    if run.phase >= len(config.phases) or run.step > config.phases[run.phase].steps:
        raise ValueError(
            f"the state stands at step {run.step} of phase {run.phase}, beyond the configuration's "
            f"{[phase.steps for phase in config.phases]} steps; give a state of this configuration or of a prefix"
        )
    return run
