"""Run the engine on a background thread, so that a slow event log does not stall the workers.

`listening` and `publish` pass the lines of the workers to whatever displays them, without an argument in between.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from assets.engine.engine import Engine
from assets.stages.tasks import Outcome, Task

Listener = Callable[[dict], None]

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def publish(line: dict) -> None:
    """Hand one line of a worker to the present listener, if there is one."""
    listener = _listener.get()
    if listener:
        listener(line)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send every line that is published inside this block to `listener`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def run_in_background(
    engine: Engine, tasks: Sequence[Task], on_line: Listener, deadline: float | None = None
) -> Iterator[Outcome]:
    """Run tasks on a separate thread; yield each outcome when it is requested.

    An interrupt stops the running trainings, as in `Engine.run`; so does leaving early.
    """
    outcomes: queue.SimpleQueue[Outcome | BaseException | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            for outcome in engine.run(tasks, on_line, deadline):
                outcomes.put(outcome)
            outcomes.put(None)
        except BaseException as error:  # raised again in the thread that takes the outcomes
            outcomes.put(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name="engine")
    thread.start()
    try:
        yield from _take(engine, outcomes)
    finally:
        engine.abandon()
        thread.join()


def _take(engine: Engine, outcomes: queue.SimpleQueue[Outcome | BaseException | None]) -> Iterator[Outcome]:
    """Yield all outcomes; raise an interrupt after those of the tasks that it stopped."""
    pending: BaseException | None = None
    while True:
        try:
            outcome = outcomes.get()
        except BaseException as interrupt:
            if pending is not None:
                raise
            pending = interrupt
            engine.interrupt()
            continue
        if isinstance(outcome, BaseException):
            raise outcome
        if outcome is None:
            break
        yield outcome
    if pending is not None:
        raise pending
