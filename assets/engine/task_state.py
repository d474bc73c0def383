"""A task on its way through the engine: where it is, and which way it may go on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum

from assets.home.oom_counter import OomCounter
from assets.stages.tasks import Outcome, Task


class State(Enum):
    """Where a task is."""

    WAITING = "waiting"
    HANDED = "handed"
    """Handed to a worker, which has not begun with it."""
    ANNOUNCED = "announced"
    """Its worker has said that it begins."""
    OOM_ONCE = "oom once"
    """Out of memory in company; waits to be tried once more alone, after all others."""
    DONE = "done"
    """Its worker has said how it ended."""
    LOST = "lost"
    """Its worker died of it, or before it could say how it ended."""


TRANSITIONS: dict[State, tuple[State, ...]] = {
    State.WAITING: (State.HANDED, State.LOST),  # lost: a dataset of which a part failed
    State.HANDED: (State.ANNOUNCED, State.WAITING, State.LOST),  # waiting again: the worker has older code, or died
    State.ANNOUNCED: (State.DONE, State.LOST, State.OOM_ONCE, State.WAITING),  # waiting again: it died in company
    State.OOM_ONCE: (State.HANDED,),
    State.DONE: (),
    State.LOST: (),
}


@dataclass(eq=False)
class TaskState:
    """One task on its way."""

    task: Task
    state: State = State.WAITING
    forgiven: bool = False
    """Whether a worker died with it before it began, or while others trained beside it; that is forgiven once."""
    oom: Outcome | None = None
    """How it ended when it ran out of memory for the first time."""
    started: float = 0.0
    phase: int = 0
    step: int = 0
    memory: OomCounter | None = None
    """Kills for want of memory, counted since it was announced."""
    whole: TaskState | None = None
    """The dataset that it is a part of."""
    parts_left: int = 0
    """Parts that a dataset waits for."""

    def move(self, state: State) -> None:
        """Pass to another state."""
        if state not in TRANSITIONS[self.state]:
            raise AssertionError(f"{self.task.item.key} cannot pass from {self.state.value} to {state.value}")
        self.state = state

    def hand_over(self) -> None:
        """Begin an attempt."""
        self.move(State.HANDED)
        self.started, self.phase, self.step, self.memory = time.monotonic(), 0, 0, None
