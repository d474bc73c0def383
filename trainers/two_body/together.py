"""Trainings that go through one compiled program together, each in a lane of its own.

This is for a device that one network of this size does not fill. All lanes share the data and differ in weights,
batches and rates. The program always has W lanes, and those without a training stand still: a training's
numbers depend on W, which is part of its configuration, and not on its company.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from trainers.study import Arrays, Failed, Job, Trained
from trainers.two_body.program import Chunk, Clock, Data, Learner, Programs


class Call(NamedTuple):
    """What a training asks its program for next."""

    data: Data
    learner: Learner
    batches: np.ndarray
    """(CHUNK, B)"""
    rates: np.ndarray
    """(CHUNK,)"""
    steps: np.int32
    """How many to take; 0 stands still."""


Steps = Generator[Call, Chunk | None, Trained | Failed]
"""A training: it yields calls, receives what they give back, and returns its outcome."""


class Course(Protocol):
    """What `train_together` needs of a training."""

    @property
    def job(self) -> Job:
        """What is trained."""
        ...

    @property
    def programs(self) -> Programs:
        """The compiled programs of its cohort."""
        ...

    @property
    def clock(self) -> Clock:
        """What its seconds are charged to."""
        ...

    def steps(self) -> Steps:
        """Return the training, before its first step."""
        ...


def groups(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Split jobs, in their order, into those that train together.

    They differ in seed and learning rates alone, share their segments and stand at the same step.
    """
    group: list[Job] = []
    for job in jobs:
        if group and (len(group) == job.config.at_once() or not _alike(job, group[0])):
            yield group
            group = []
        group.append(job)
    if group:
        yield group


def _alike(a: Job, b: Job) -> bool:
    return a.segments is b.segments and _common(a) == _common(b) and _position(a.state) == _position(b.state)


def _common(job: Job) -> object:
    phases = tuple(phase.model_copy(update={"learning_rate": 1.0}) for phase in job.config.phases)
    return job.config.model_copy(update={"seed": 0, "phases": phases})


def _position(state: Arrays | None) -> tuple[int, int]:
    return (int(state["position/phase"]), int(state["position/step"])) if state else (0, 0)


def train_together(courses: Sequence[Course]) -> Iterator[Trained | Failed]:
    """Take trainings that `groups` put together to their ends; yield their outcomes in order."""
    under_way = {number: course.steps() for number, course in enumerate(courses)}
    chunks: Mapping[int, Chunk | None] = dict.fromkeys(under_way)
    outcomes: dict[int, Trained | Failed] = {}
    while chunks:
        calls = {}
        for number, chunk in chunks.items():
            try:
                calls[number] = under_way[number].send(chunk)
            except StopIteration as end:
                outcomes[number] = end.value
        chunks = _answers(courses, calls)
    yield from (outcomes[number] for number in under_way)


def _answers(courses: Sequence[Course], calls: Mapping[int, Call]) -> Mapping[int, Chunk]:
    if not calls:
        return {}
    spent, programs, width = Clock(), courses[0].programs, courses[0].job.config.at_once()
    if width == 1:
        ((number, call),) = calls.items()
        return {number: programs.advance(courses[number].clock, call.learner, call.data, *call[2:])}
    still = next(iter(calls.values()))._replace(steps=np.int32(0))
    lanes = [*calls.values(), *[still] * (width - len(calls))]
    learners, batches, rates, counts = (_stacked(part) for part in zip(*(lane[1:] for lane in lanes), strict=True))
    chunk = programs.together(spent, learners, still.data, batches, rates, counts)
    for number in calls:
        courses[number].clock.charge(spent.seconds, 1 / len(calls))
    return {number: jax.tree.map(lambda values, lane=lane: values[lane], chunk) for lane, number in enumerate(calls)}


def _stacked(parts: Sequence[object]) -> object:
    return jax.tree.map(lambda *lanes: jnp.stack(lanes), *parts)
