"""What a launch from the command line has around it: the home, Dagster's instance, progress, and signals."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.sweep_run import JobByName

Result = TypeVar("Result")


def launched(
    work: "Callable[[dg.DagsterInstance, JobByName], Result]", cpus: int, quiet: bool, limit: float | None
) -> Result:
    """Do the work with Dagster's instance and the jobs by name; no training begins after `limit` seconds."""
    from orchestration.launch.home import prepare

    prepare()
    import dagster as dg

    from assets.engine.background import listening
    from assets.engine.engine import shared_engine
    from orchestration.cli.runs.live import live_display
    from orchestration.definitions import defs
    from orchestration.launch.attended import attended

    engine = shared_engine(cpus or None)
    engine.train_until = None if limit is None else time.monotonic() + limit

    def within() -> Result:
        with dg.DagsterInstance.get() as instance:
            return work(instance, defs.resolve_job_def)

    with live_display(quiet) as listener, listening(listener):
        return attended(within, engine)
