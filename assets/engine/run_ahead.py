"""Outcomes that are taken slowly: workers go on while whoever writes about them waits for a database."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from assets.stages.tasks import Outcome, Task

if TYPE_CHECKING:
    from assets.engine.engine import Engine

Drawn = Outcome | BaseException | None
"""An outcome, what ended the run early, or its end."""


def run_ahead(
    engine: Engine, tasks: Sequence[Task], on_line: Callable[[dict], None], deadline: float | None = None
) -> Iterator[Outcome]:
    """Run tasks on a thread of its own; yield each outcome whenever it is asked for.

    An interrupt stops the running trainings, as in `Engine.run`; so does leaving early.
    """
    drawn: queue.SimpleQueue[Drawn] = queue.SimpleQueue()
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(_draw, engine, tasks, on_line, deadline, drawn), name="feed")
    thread.start()
    try:
        yield from _taken(engine, drawn)
    finally:
        engine.abandon()
        thread.join()


def _draw(
    engine: Engine,
    tasks: Sequence[Task],
    on_line: Callable[[dict], None],
    deadline: float | None,
    drawn: queue.SimpleQueue[Drawn],
) -> None:
    try:
        for outcome in engine.run(tasks, on_line, deadline):
            drawn.put(outcome)
        drawn.put(None)
    except BaseException as error:  # raised where the outcomes are taken
        drawn.put(error)


def _taken(engine: Engine, drawn: queue.SimpleQueue[Drawn]) -> Iterator[Outcome]:
    pending: BaseException | None = None
    while True:
        try:
            one = drawn.get()
        except BaseException as interrupt:
            if pending is not None:
                raise
            pending = interrupt
            engine.interrupt()
            continue
        if isinstance(one, BaseException):
            raise one
        if one is None:
            break
        yield one
    if pending is not None:
        raise pending
