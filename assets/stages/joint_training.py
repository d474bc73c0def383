"""Joint training: artifacts suspend at their training, the study trains all in one call, each resumes with its outcome.

An error that several trainings raise together belongs to none: those without an outcome are trained again, one after
another, so that it reaches the one that raises it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from assets.stages.watch import Watch
from trainers.study import Failed, Job, Study, Trained

Steps = Generator["TrainingRequest", "TrainingResult", Any]
"""The making of an artifact, which may suspend once for a training."""


class TrainingRequest(NamedTuple):
    """A training that an artifact waits for."""

    study: Study
    job: Job
    watch: Watch


class TrainingResult(NamedTuple):
    """How a training ended."""

    outcome: Trained | Failed
    elsewhere: float
    """Seconds beyond its share, since others were trained in the same call."""


def train_jointly(waiting: Mapping[Steps, TrainingRequest]) -> Iterator[Any]:
    """Train what is waited for in one call of the study; yield what each artifact makes of its outcome."""
    started, pending = time.monotonic(), dict(waiting)
    try:
        for outcome, steps in zip(_outcomes(list(waiting.values())), waiting, strict=False):
            del pending[steps]
            elsewhere = (time.monotonic() - started) * (1 - 1 / len(waiting))
            yield _end_of(steps.send, TrainingResult(outcome, elsewhere))
        if pending:
            count = f"{len(waiting) - len(pending)} outcomes for {len(waiting)} jobs"
            raise _StudyError(RuntimeError(f"the study yielded {count}; expected one for each"))
    except _StudyError as raised:
        alone = isinstance(raised.error, Exception) and len(waiting) > 1
        for steps, request in pending.items():
            yield from train_jointly({steps: request}) if alone else [_end_of(steps.throw, raised.error)]


class _StudyError(Exception):
    """What a study's training raised, kept apart from what may be raised by those who wait for it."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def _outcomes(requests: Sequence[TrainingRequest]) -> Iterator[Trained | Failed]:
    if not requests:
        return
    watches = {one.job.key: one.watch for one in requests}
    try:
        jobs = [one.job for one in requests]
        yield from requests[0].study.train(jobs, lambda progress: watches[progress.key](progress))
    except GeneratorExit:  # nobody takes further outcomes
        raise
    except BaseException as error:
        raise _StudyError(error) from error


def _end_of(resume: Callable[[Any], Any], value: TrainingResult | BaseException) -> Any:
    """Resume the making of an artifact and return what it ends with."""
    try:
        resume(value)
    except StopIteration as end:
        return end.value
    raise AssertionError("an artifact waits for one training, not for two")
