"""What a run of a sweep or search begins with: room on the disk, a launch of its own, and a home that is cleaned up."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from assets.home import scratch
from assets.home.disk_space import require_space
from assets.home.launches import launch
from assets.store.store import home
from orchestration.launch.clean_up import LAUNCH, clean_up
from orchestration.launch.event_log import said_clearly

PARENT = "dagster/parent_run_id"


@contextmanager
def own_launch(name: str, instance: dg.DagsterInstance, parent: str = "") -> Iterator[dict[str, str]]:
    """Yield the tags of all Dagster runs of this launch; `parent` is the run that asked for it.

    Raises:
        Busy: another process runs the sweep or search of this name.
        StoreError: less disk is free than the floor, or the home holds more than its quota.
        Locked: another program holds the database of events.
    """
    require_space(home())
    with launch(name) as own:
        scratch.claim()
        tags = {LAUNCH: own.id}
        with said_clearly():
            clean_up(instance)
            if parent:
                instance.add_run_tags(parent, tags)
            yield tags | ({PARENT: parent} if parent else {})
