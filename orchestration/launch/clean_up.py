"""What a launch does first: close what dead launches left open, and remove what they left behind."""

import logging

import dagster as dg

from assets.home import running, scratch
from assets.home.launches import forget, launches
from assets.store.store import Store

LAUNCH = "orrery/launch"
"""Tag of the runs of a launch."""

OPEN = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)

log = logging.getLogger("orrery.launch")


def clean_up(instance: dg.DagsterInstance) -> None:
    """Close the runs and records of killed launches, remove their scratch directories and unfinished versions."""
    counts = {
        "runs closed": close_runs(instance),
        "running records": running.close_killed(),
        "scratch directories": scratch.remove_leftovers(),
        "unfinished versions": Store().remove_leftovers(),
    }
    if said := ", ".join(f"{name} {count}" for name, count in counts.items() if count):
        log.warning("an earlier launch was killed; cleaned up: %s", said)


def close_runs(instance: dg.DagsterInstance) -> int:
    """Report the open runs of dead launches as failed; return how many there were."""
    dead = [record for record in launches() if not record.alive]
    closed = 0
    for record in dead:
        filters = dg.RunsFilter(tags={LAUNCH: record.id}, statuses=list(OPEN))
        for run in instance.get_runs(filters):
            instance.report_run_failed(run, f"its launcher (process {record.pid} on {record.host}) was killed")
            closed += 1
        forget(record)
    return closed
