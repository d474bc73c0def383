"""A launch of a sweep or search: disk space, a record of its own, and a home without what killed launches left."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from assets.home import running, scratch
from assets.home.disk_space import require_space
from assets.home.launches import forget, launch, launches
from assets.store.store import Store, home
from orchestration.launch.event_log import clear_lock_errors

LAUNCH = "orrery/launch"
"""Tag of the runs of a launch."""

PARENT = "dagster/parent_run_id"

OPEN = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)

log = logging.getLogger("orrery.launch")


@contextmanager
def own_launch(name: str, instance: dg.DagsterInstance, parent: str = "") -> Iterator[dict[str, str]]:
    """Yield the tags of all Dagster runs of this launch; `parent` is the run that asked for it.

    Raises:
        Busy: another process runs the sweep or search of this name.
        StoreError: less space is free than the floor, or the home holds more than its quota.
        Locked: another program holds the database of events.
    """
    require_space(home())
    with launch(name) as record:
        scratch.claim()
        tags = {LAUNCH: record.id}
        with clear_lock_errors():
            clean_up(instance)
            if parent:
                instance.add_run_tags(parent, tags)
            yield tags | ({PARENT: parent} if parent else {})


def clean_up(instance: dg.DagsterInstance) -> None:
    """Close the runs and records of killed launches, remove their scratch directories and unfinished versions."""
    counts = {
        "runs closed": close_runs(instance),
        "running records": running.close_killed(),
        "scratch directories": scratch.remove_leftovers(),
        "unfinished versions": Store().remove_leftovers(),
    }
    if text := ", ".join(f"{name} {count}" for name, count in counts.items() if count):
        log.warning("an earlier launch was killed; cleaned up: %s", text)


def close_runs(instance: dg.DagsterInstance) -> int:
    """Report the open runs of killed launches as failed; return how many there were."""
    closed = 0
    for record in [record for record in launches() if not record.alive]:
        filters = dg.RunsFilter(tags={LAUNCH: record.id}, statuses=list(OPEN))
        for run in instance.get_runs(filters):
            instance.report_run_failed(run, f"its launcher (process {record.pid} on {record.host}) was killed")
            closed += 1
        forget(record)
    return closed
