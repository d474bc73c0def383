"""Create MLflow's database, completely or not at all, in a process of its own.

Its migrations must not share a process with Dagster's: both use Alembic, which keeps its state in a module.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from assets.store.atomic import replacing

QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}

CREATE = "import sys, mlflow; mlflow.MlflowClient(sys.argv[1]).search_experiments(max_results=1)"


def create(database: Path) -> None:
    """Create the database; the caller must hold its lock.

    Raises:
        OSError: creation failed; with the last line that the process printed.
    """
    for leftover in database.parent.glob(f".{database.name}-*"):  # of a process that was killed while it held the lock
        leftover.unlink()
    with replacing(database) as draft:
        command = [sys.executable, "-c", CREATE, f"sqlite:///{draft}"]
        done = subprocess.run(command, env=os.environ | QUIET, cwd=database.parent, capture_output=True, text=True)
        if done.returncode:
            raise OSError((done.stderr.strip().splitlines() or [f"code {done.returncode}"])[-1])
        with closing(sqlite3.connect(draft)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
