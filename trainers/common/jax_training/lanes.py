"""Trainings side by side in one compiled program, each in a lane of its own.

This pays on a device that one small network does not fill. All lanes share the data and differ in weights, batches and
rates. The program always has W lanes, and a lane without a training takes no steps: the numbers of a training depend on
W, which is part of its configuration, and not on its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trainers.common.jax_training.course import Course
from trainers.common.jax_training.programs import Call, Chunk, Clock
from trainers.study import Arrays, Failed, Job, Trained


def groups(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Split jobs, in their order, into groups that train side by side.

    The configurations of a group differ only in the fields that they call `shared`; its jobs have the same segments and
    resume at the same step.
    """
    group: list[Job] = []
    for job in jobs:
        if group and (len(group) == job.config.at_once() or not _side_by_side(job, group[0])):
            yield group
            group = []
        group.append(job)
    if group:
        yield group


def _side_by_side(a: Job, b: Job) -> bool:
    same = a.segments is b.segments and _position(a.state) == _position(b.state)
    return same and type(a.config) is type(b.config) and _unshared(a.config) == _unshared(b.config)


def _unshared(config: Any) -> dict[str, Any]:
    """Return the fields of a configuration without those that may differ within a cohort: `seed`, `phases[*].rate`."""
    fields = config.model_dump()
    for path in config.shared:
        parent, _, name = path.rpartition("[*].")
        for entry in fields[parent] if parent else (fields,):
            entry.pop(name)
    return fields


def _position(state: Arrays | None) -> tuple[int, int]:
    return (int(state["position/phase"]), int(state["position/step"])) if state else (0, 0)


def train_courses(courses: Sequence[Course]) -> Iterator[Trained | Failed]:
    """Take the trainings of one group to their ends; yield their outcomes in order."""
    trainings = {number: course.calls() for number, course in enumerate(courses)}
    chunks: Mapping[int, Chunk | None] = dict.fromkeys(trainings)  # a generator is sent None first
    outcomes: dict[int, Trained | Failed] = {}
    while chunks:
        calls = {}
        for number, chunk in chunks.items():
            try:
                calls[number] = trainings[number].send(chunk)
            except StopIteration as end:
                outcomes[number] = end.value
        chunks = _run_calls(courses, calls)
    yield from (outcomes[number] for number in trainings)


def _run_calls(courses: Sequence[Course], calls: Mapping[int, Call]) -> Mapping[int, Chunk]:
    """Run the pending call of each training, all in one compiled call; return the results by number of training."""
    if not calls:
        return {}
    spent, programs, width = Clock(), courses[0].programs, courses[0].job.config.at_once()
    if width == 1:
        ((number, call),) = calls.items()
        return {number: programs.advance(courses[number].clock, call.learner, call.data, *call[2:])}
    # lanes whose training has ended, or never was, are fed a copy of the first call that takes no steps
    idle = next(iter(calls.values()))._replace(steps=np.int32(0))
    lanes = [*calls.values(), *[idle] * (width - len(calls))]
    learners, batches, rates, counts = (_stack(part) for part in zip(*(lane[1:] for lane in lanes), strict=True))
    chunk = programs.advance_lanes(spent, learners, idle.data, batches, rates, counts)
    for number in calls:
        courses[number].clock.charge(spent.seconds, 1 / len(calls))
    return {number: jax.tree.map(lambda values, lane=lane: values[lane], chunk) for lane, number in enumerate(calls)}


def _stack(parts: Sequence[object]) -> object:
    """Stack pytrees of one structure along a new first axis, the lane."""
    return jax.tree.map(lambda *lanes: jnp.stack(lanes), *parts)
