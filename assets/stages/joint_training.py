"""Train what artifacts wait for: one call of a study for all of them, and each goes on with its own outcome.

An error that several trainings raise together is nobody's: those without an outcome are trained again, one after
another, so that it reaches the one that raises it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from assets.stages.watch import Watch
from trainers.study import Failed, Job, Study, Trained

Steps = Generator["Asked", "Answer", Any]
"""The making of an artifact, which may stop once for a training."""


class Asked(NamedTuple):
    """A training that an artifact waits for."""

    study: Study
    job: Job
    watch: Watch


class Answer(NamedTuple):
    """How it ended."""

    made: Trained | Failed
    elsewhere: float
    """Seconds that it took beyond its share, since others were trained in the same call."""


def answered(waiting: Mapping[Steps, Asked]) -> Iterator[Any]:
    """Train what is waited for; yield what each who waits makes of its outcome."""
    started, left = time.monotonic(), dict(waiting)
    try:
        for made, steps in zip(_outcomes(list(waiting.values())), waiting, strict=False):
            del left[steps]
            elsewhere = (time.monotonic() - started) * (1 - 1 / len(waiting))
            yield _resumed(steps.send, Answer(made, elsewhere))
        if left:
            given = f"{len(waiting) - len(left)} outcomes for {len(waiting)} jobs"
            raise _Raised(RuntimeError(f"the study yielded {given}; expected one for each"))
    except _Raised as raised:
        alone = isinstance(raised.error, Exception) and len(waiting) > 1
        for steps, asked in left.items():
            yield from answered({steps: asked}) if alone else [_resumed(steps.throw, raised.error)]


class _Raised(Exception):  # noqa: N818
    """What a study's training raised, kept apart from what may be raised by those who wait for it."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def _outcomes(asked: Sequence[Asked]) -> Iterator[Trained | Failed]:
    if not asked:
        return
    watches = {one.job.key: one.watch for one in asked}
    try:
        yield from asked[0].study.train([one.job for one in asked], lambda progress: watches[progress.key](progress))
    except GeneratorExit:  # nobody takes further outcomes
        raise
    except BaseException as error:
        raise _Raised(error) from error


def _resumed(go: Callable[[Any], Any], answer: Answer | BaseException) -> Any:
    """Let the making of an artifact go on to its end, which is returned."""
    try:
        go(answer)
    except StopIteration as end:
        return end.value
    raise AssertionError("an artifact waits for one training, not for two")
