"""The databases of Dagster's events: a lock that another program holds is waited for, much longer than by default.

Trainings do not wait: they run in processes that know nothing of events. Importing this module is enough.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError

from orchestration.resources import dagster_home

PATIENCE_SECONDS = 60


class Locked(OSError):  # noqa: N818
    """The events could not be written because another program holds the lock; one line with what to do."""


@event.listens_for(Engine, "connect")
def wait_for_locks(connection: Any, record: object) -> None:
    """Set how long a connection to a database of events waits for a lock."""
    if isinstance(connection, sqlite3.Connection) and _is_ours(connection):
        connection.execute(f"PRAGMA busy_timeout = {1000 * PATIENCE_SECONDS}")


@contextmanager
def clear_lock_errors() -> Iterator[None]:
    """Turn a lock that was waited for in vain into one clear line.

    Raises:
        Locked: another program holds a database of events.
    """
    try:
        yield
    except OperationalError as error:
        if "locked" not in str(error.orig):
            raise
        raise Locked(
            f"the events under {dagster_home()} have been locked by another program for {PATIENCE_SECONDS} s; what is "
            "made is stored: end that program (`fuser` names it) and run again"
        ) from None


def _is_ours(connection: sqlite3.Connection) -> bool:
    rows = connection.execute("PRAGMA database_list").fetchall()
    return any(str(file).startswith(str(dagster_home())) for _, _, file in rows)
