"""The state of a training between two compiled calls, as named arrays and back, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from trainers.common.config import CurriculumPhase
from trainers.common.jax_training.programs import Learner, Method, Programs
from trainers.common.named_arrays import below, prefixed
from trainers.common.schedules import Plateau
from trainers.study import Arrays

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class State:
    """The state of a training: all that its next step depends on, its history and the weights of earlier phases.

    Batches depend on (seed, phase, step) alone, so that there is no random state to store.
    """

    method: Method
    learner: Learner
    best: Any
    """Model at the check with the lowest score of this phase."""
    score: float = np.inf
    """That score: the validation loss, or without validation data the mean training loss between two checks."""
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

    @property
    def best_so_far(self) -> Any:
        """The best model of this phase; before its first check the present one."""
        return self.best if np.isfinite(self.score) else self.learner.model

    def recent(self, name: str, count: int) -> np.ndarray:
        """Return the last `count` values of a column."""
        return np.concatenate([block[name] for block in self.blocks[-count:]])[-count:]

    def weights(self) -> dict[str, np.ndarray]:
        """Return `best/<name>` and `last/<name>` of this phase."""
        arrays = self.method.to_arrays
        return {**prefixed("best", arrays(self.best_so_far)), **prefixed("last", arrays(self.learner.model))}

    def end_phase(self) -> State:
        """Return the state with the best and the last weights of this phase stored."""
        return replace(self, ended={**self.ended, **prefixed(f"phase{self.phase}", self.weights())})

    def next_phase(self, programs: Programs, phase: CurriculumPhase) -> State:
        """Return the state at the start of `phase`, which chooses weights and moments; best and plateau begin anew."""
        model = self.best_so_far if phase.start == "best" else self.learner.model
        reset = phase.optimiser_state == "reset"
        learner = programs.fresh_learner(model) if reset else self.learner._replace(model=model)
        return replace(self, phase=self.phase + 1, step=0, learner=learner, best=model, score=np.inf, plateau=Plateau())

    def table(self) -> pd.DataFrame:
        """Return the history as a table."""
        return pd.DataFrame(self.history if self.blocks else {name: np.zeros(0) for name in ("phase", "step", "loss")})


def to_arrays(state: State) -> dict[str, np.ndarray]:
    """Return the resumable state: weights, moments, best, plateau, history and the position in the curriculum."""
    # the optimiser's state is a structure without names: its leaves are numbered, in three digits so that they sort
    moments = {f"{k:03d}": np.asarray(leaf) for k, leaf in enumerate(jax.tree.leaves(state.learner.moments))}
    position = {"phase": state.phase, "step": state.step, "score": state.score}
    plateau = {"factor": state.plateau.factor, "best": state.plateau.best, "stalled": state.plateau.stalled}
    return {
        **prefixed("weights", state.method.to_arrays(state.learner.model)),
        **prefixed("optimiser", moments),
        **prefixed("best", state.method.to_arrays(state.best)),
        **prefixed("position", {name: np.asarray(value) for name, value in position.items()}),
        **prefixed("plateau", {name: np.asarray(value) for name, value in plateau.items()}),
        **prefixed("history", state.history if state.blocks else {}),
        **prefixed("ended", state.ended),
    }


def from_arrays(programs: Programs, phases: Sequence[CurriculumPhase], fresh: Learner, arrays: Arrays) -> State:
    """Return the state that `to_arrays` stored; `fresh`, any learner of the configuration, has its structure.

    Raises:
        ValueError: it is not a state of these phases or of a prefix of them.
    """
    if "position/phase" not in arrays:
        raise ValueError("this is no state of a training by steps; give a state of this configuration or of a prefix")
    leaves = [jnp.asarray(leaf) for _, leaf in sorted(below("optimiser", arrays).items())]
    position, plateau, method = below("position", arrays), below("plateau", arrays), programs.method
    history = {name: np.array(values) for name, values in below("history", arrays).items()}
    state = State(
        method=method,
        learner=Learner(
            method.from_arrays(below("weights", arrays)),
            jax.tree.unflatten(jax.tree.structure(fresh.moments), leaves),
        ),
        best=method.from_arrays(below("best", arrays)),
        score=float(position["score"]),
        plateau=Plateau(float(plateau["factor"]), float(plateau["best"]), int(plateau["stalled"])),
        phase=int(position["phase"]),
        step=int(position["step"]),
        blocks=(history,) if history else (),
        ended=below("ended", arrays),
    )
    if state.phase >= len(phases) or state.step > phases[state.phase].steps:
        raise ValueError(
            f"the state stands at step {state.step} of phase {state.phase}, beyond the configuration's "
            f"{[phase.steps for phase in phases]} steps; give a state of this configuration or of a prefix"
        )
    return state
