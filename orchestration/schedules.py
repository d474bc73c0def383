"""Schedules: a sweep file with `schedule:` runs at those times, in its time zone, if anything is due."""

import os
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dagster as dg

from assets.stages.freshness import plan_sweep
from assets.statistics.adaptive_seeds import sweep_so_far
from assets.store.store import Store
from assets.sweeps.sweep import Sweep

LOCALTIME = Path("/etc/localtime")


def sweep_schedule(sweep: Sweep) -> dg.ScheduleDefinition:
    """Build the schedule of one sweep: launch what is missing or stale, or skip and say why."""
    name = sweep.name.replace("/", "_").replace("-", "_").replace(".", "_")

    def launch(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        store = Store()
        verdicts = plan_sweep(sweep_so_far(sweep, store), store)
        due = any(verdict.due for layer in verdicts.values() for verdict in layer)
        if not due:
            return dg.SkipReason(f"{sweep.name}: everything is stored and up to date; nothing to run")
        return dg.RunRequest(run_config=run_config(sweep.name), tags={"orrery/sweep": sweep.name})

    return dg.ScheduleDefinition(
        name=f"{name}_schedule",
        job_name=f"{sweep.study}_sweep",
        cron_schedule=sweep.schedule,
        execution_timezone=sweep.timezone or local_timezone(),
        execution_fn=launch,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=sweep.description,
    )


def run_config(sweep: str) -> dict:
    """Return the run configuration of the sweep job for one sweep."""
    return {"ops": {"sweep": {"config": {"sweep": sweep}}}}


def local_timezone() -> str:
    """Return the IANA name of the machine's time zone: TZ, then the link of /etc/localtime, then UTC.

    >>> isinstance(local_timezone(), str)
    True
    """
    for name in (os.environ.get("TZ", ""), str(LOCALTIME.resolve()).partition("zoneinfo/")[2]):
        try:
            if name and ZoneInfo(name):
                return name
        except (OSError, ValueError, ZoneInfoNotFoundError):
            continue
    return "UTC"
