"""Work that can be stopped: it runs on a thread of its own, and the main one waits for signals.

The first SIGINT, SIGTERM or SIGHUP asks the running trainings to checkpoint and lets nothing new begin, so that the
work comes to its regular end; a second one kills the workers and this process.
"""

import contextvars
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from assets.engine.engine import Engine

Result = TypeVar("Result")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

TICK_SECONDS = 0.2


def attended(work: Callable[[], Result], engine: Engine) -> Result:
    """Do the work, and stop it as asked."""
    context = contextvars.copy_context()
    with _listening(engine), ThreadPoolExecutor(1, thread_name_prefix="launch") as thread:
        future = thread.submit(context.run, work)
        while True:
            try:
                return future.result(timeout=TICK_SECONDS)
            except TimeoutError:
                if future.done():
                    raise


@contextmanager
def _listening(engine: Engine) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if engine.interrupted:
            engine.kill()
            print(f"orrery: {name} again: broken off", file=sys.stderr, flush=True)
            os._exit(128 + number)
        print(f"orrery: {name}: trainings checkpoint and stop; once more breaks off", file=sys.stderr, flush=True)
        engine.interrupt()

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
