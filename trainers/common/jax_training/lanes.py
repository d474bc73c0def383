"""Trainings that go through one compiled program side by side, each in a lane of its own.

This is for a device that one network of this size does not fill. All lanes share the data and differ in weights,
batches and rates. The program always has W lanes, and those without a training stand still: a training's numbers
depend on W, which is part of its configuration, and not on the trainings beside it.
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
    """Split jobs, in their order, into those that train together.

    They differ in the fields that their configuration calls `shared` alone, have the same segments, and stand at the
    same step.
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
