"""A launch from the terminal: the home, Dagster's instance, progress, and signals that stop it.

The first SIGINT, SIGTERM or SIGHUP asks the running trainings to checkpoint and lets nothing new begin, so that the
work comes to its regular end; a second one kills the workers and this process.
"""

import contextvars
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import dagster as dg

    from assets.catalogue import Catalogue
    from assets.engine.engine import Engine
    from orchestration.sweep_run import JobByName

Result = TypeVar("Result")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

TICK_SECONDS = 0.2


def run_in_terminal(
    catalogue: "Catalogue",
    work: "Callable[[dg.DagsterInstance, JobByName], Result]",
    cpus: int,
    quiet: bool,
    limit: float | None,
    titles: Mapping[str, str] = {},
) -> Result:
    """Do the work with Dagster's instance and the jobs of a catalogue by name.

    No training begins after `limit` seconds. `titles` are what the progress on the screen calls the artifacts, by key.
    """
    from orchestration.launch.home import prepare

    prepare()
    import dagster as dg

    from assets.engine.background import listening
    from assets.engine.engine import shared_engine
    from orchestration.cli.runs.live import live_display
    from orchestration.project import definitions

    defs, engine = definitions(catalogue), shared_engine(cpus or None)
    engine.train_until = None if limit is None else time.monotonic() + limit

    def with_instance() -> Result:
        with dg.DagsterInstance.get() as instance:
            return work(instance, defs.resolve_job_def)

    with live_display(quiet, titles) as listener, listening(listener):
        return run_until_stopped(with_instance, engine)


def run_until_stopped(work: Callable[[], Result], engine: "Engine") -> Result:
    """Do the work on a thread of its own, while this one, the main thread, waits for its end or for a signal."""
    context = contextvars.copy_context()
    with _stopping_on_signals(engine), ThreadPoolExecutor(1, thread_name_prefix="launch") as thread:
        future = thread.submit(context.run, work)
        while True:
            try:
                return future.result(timeout=TICK_SECONDS)
            except TimeoutError:
                if future.done():  # the work itself ended with a TimeoutError
                    raise


@contextmanager
def _stopping_on_signals(engine: "Engine") -> Iterator[None]:
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
