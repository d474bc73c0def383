"""`python -m orchestration.desk.mlflow_server PORT` serves the MLflow UI of this home on the loopback interface."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from assets.store.store import Store, home
from assets.tracking.mlflow_runs import MlflowRuns

SWITCHES = {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
"""Nothing is unpickled, and no jobs run: the server only shows stored runs."""


def command(directory: Path, port: int) -> list[str]:
    """Return the command line of MLflow's own server."""
    names = [f"127.0.0.1:{port}", f"localhost:{port}"]
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", f"sqlite:///{directory / 'mlflow.db'}"),
        *("--default-artifact-root", (directory / "artifacts").as_uri(), "--no-serve-artifacts"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--allowed-hosts", ",".join(names)),
        *("--cors-allowed-origins", ",".join(f"http://{name}" for name in names)),
        *("--x-frame-options", "DENY"),
    ]


if __name__ == "__main__":
    place = home() / "mlflow"
    MlflowRuns(place, Store())  # creates the database under the lock that every writer holds
    os.chdir(place)
    os.environ.update(SWITCHES)
    os.execv(sys.executable, command(place, int(sys.argv[1])))
