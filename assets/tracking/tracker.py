"""Tracking: one MLflow run per configuration, in `<home>/mlflow/mlflow.db`.

The tracker copies from the store; nothing reads from it. It works on a thread of its own, so that a slow, locked or
missing database costs one warning and at most a second per row. Whatever could not be logged is logged completely the
next time, under the same tags and never twice.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.identity.canonical import Item
from assets.store.store import Store, home

if TYPE_CHECKING:
    from assets.tracking.mlflow_runs import MlflowRuns

SWITCH = "ORRERY_TRACKING"
"""`off` switches tracking off."""

PATIENCE_SECONDS = 1.0
STARTUP_SECONDS = 30.0
"""The first use imports MLflow and, in a new home, creates the database."""

FLUSH_SECONDS = 5.0
"""Time for which the end of the process waits for rows that are not written yet."""

log = logging.getLogger("orrery.tracking")


class Tracker:
    """Log configurations to MLflow; without a directory, do nothing."""

    _shared: Tracker | None = None

    def __init__(
        self, directory: Path | None, store: Store | None = None, *, patience: float = PATIENCE_SECONDS
    ) -> None:
        """Start to open the database, in the background."""
        self.patience = patience
        self._warned = False
        self._todo: queue.SimpleQueue[tuple[Future, Callable]] = queue.SimpleQueue()
        self._ready: Future[MlflowRuns] | None = None
        if directory is not None:
            threading.Thread(target=self._work, daemon=True, name="tracking").start()
            self._ready = self._later(lambda: _open(directory, store or Store()))

    @classmethod
    def shared(cls) -> Tracker:
        """Return the tracker of this process; with `ORRERY_TRACKING=off` it does nothing."""
        if cls._shared is None:
            cls._shared = cls(None if os.environ.get(SWITCH) == "off" else home() / "mlflow")
            atexit.register(cls._shared.flush, FLUSH_SECONDS)
        return cls._shared

    def prepare(self) -> bool:
        """Wait until the database is ready; return whether it is."""
        return self._ready is not None and self._wait(self._ready, STARTUP_SECONDS) is not None

    def log(self, model: Item, evaluations: Sequence[Item], dagster_run_id: str = "") -> str | None:
        """Log a configuration with its stored evaluations; return the id of its MLflow run unless that takes too long.

        Logging a second time finds the run by hash and fingerprint, and adds only what is new.
        """
        if self._ready is None:
            return None
        first = not self._ready.done()
        ready = self._ready
        future = self._later(lambda: ready.result().log(model, evaluations, dagster_run_id))
        return self._wait(future, STARTUP_SECONDS if first and not self._warned else self.patience)

    def link(self, model: Item, run_id: str) -> str:
        """Return the path of a run in the MLflow UI."""
        if self._ready is None:
            raise ValueError("tracking is off; there are no runs to link to")
        return f"#/experiments/{self._ready.result().experiment(model.study)}/runs/{run_id}"

    def flush(self, seconds: float) -> bool:
        """Wait until every submitted row is logged; return whether that is so."""
        return self._ready is None or self._wait(self._later(lambda: True), seconds) is True

    def _later(self, action: Callable) -> Future:
        future: Future = Future()
        self._todo.put((future, action))
        return future

    def _wait(self, future: Future, seconds: float) -> Any:
        try:
            return future.result(timeout=seconds)
        except TimeoutError:
            self._warn("no answer")
        except Exception as error:  # the tracker must never stop a run
            self._warn(str(error).splitlines()[0] if str(error) else type(error).__name__)
        return None

    def _warn(self, cause: str) -> None:
        if not self._warned:
            self._warned = True
            log.warning("MLflow is behind (%s); the run continues, and missing rows are logged next time", cause)

    def _work(self) -> None:
        while True:
            future, action = self._todo.get()
            try:
                future.set_result(action())
            except Exception as error:
                future.set_exception(error)


def _open(directory: Path, store: Store) -> MlflowRuns:
    from assets.tracking.mlflow_runs import MlflowRuns

    return MlflowRuns(directory, store)
