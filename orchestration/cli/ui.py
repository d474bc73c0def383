"""`orrery ui`: the desk, Dagster's daemon and the MLflow UI, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.request import clear_errors, refuse

if TYPE_CHECKING:
    from orchestration.desk.processes import Part

START_SECONDS = 180.0
TICK_SECONDS = 0.5

QUIET = {
    "DO_NOT_TRACK": "true",
    "DAGSTER_DISABLE_TELEMETRY": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "1",
}
EVERYWHERE = ("", "0.0.0.0", "::", "*")

Port = Annotated[int, typer.Option(min=1, max=65535, help="Port of the desk; the next free one where it is taken.")]
MlflowPort = Annotated[int, typer.Option(min=1, max=65535, help="Port of the MLflow UI, likewise; always loopback.")]
Host = Annotated[str, typer.Option(help="Address of the desk. It has no log-in: whoever reaches it can start runs.")]


def ui(host: Host = "127.0.0.1", port: Port = 3000, mlflow_port: MlflowPort = 5000) -> None:
    """Serve the results, the Dagster UI with its schedules and the MLflow UI; one Ctrl-C stops all of it."""
    from orchestration.desk.processes import together

    if host in EVERYWHERE:
        refuse(f"given the address {host!r}; expected the one address or name by which browsers reach this machine")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    parts: list[Part] = []
    complaint = ""
    try:
        with clear_errors(), together(parts):
            complaint = _serve(parts, host, port, mlflow_port)
    except KeyboardInterrupt:
        print("orrery: stopped", flush=True)
    if complaint:
        refuse(complaint)


def _serve(parts: list[Part], host: str, port: int, mlflow_port: int) -> str:
    """Start everything, say where it is, and wait; return why a part ended by itself."""
    from orchestration.desk.guard import LOOPBACK
    from orchestration.desk.processes import free_port, wait_for

    port, mlflow_port = free_port(host, port), free_port("127.0.0.1", mlflow_port)
    parts += _start_parts(host, port, mlflow_port)
    print("orrery: starting the desk, Dagster's daemon and MLflow ...", flush=True)
    complaint = wait_for(host, port, parts, START_SECONDS) or wait_for("127.0.0.1", mlflow_port, parts, START_SECONDS)
    if complaint:
        return complaint
    address = f"[{host}]" if ":" in host else host
    print(f"orrery: http://{address}:{port}           sweeps and results; the Dagster UI is behind it")
    print(f"orrery: http://127.0.0.1:{mlflow_port}           MLflow")
    if host not in LOOPBACK:
        print(f"orrery: whoever reaches {host} can read every result and start runs: there is no log-in")
    print("orrery: schedules run as long as this does; Ctrl-C stops all of it", flush=True)
    while not (ended := next(filter(None, (part.failure for part in parts)), "")):
        time.sleep(TICK_SECONDS)
    return ended


def _start_parts(host: str, port: int, mlflow_port: int) -> list[Part]:
    """Start the three processes over the present home."""
    from assets.store.store import home, project_root
    from orchestration.desk.pages.mlflow import ADDRESS
    from orchestration.desk.processes import Part
    from orchestration.launch.home import prepare

    dagster_home = prepare()
    environment: dict[str, Any] = {**os.environ, **QUIET, "ORRERY_HOME": str(home()), "DAGSTER_HOME": str(dagster_home)}
    environment[ADDRESS] = f"http://127.0.0.1:{mlflow_port}"
    workspace = str(project_root() / "workspace.yaml")
    commands = {
        "desk": ["-m", "orchestration.desk", host, str(port)],
        "daemon": ["-m", "dagster._daemon", "run", "-w", workspace],
        "mlflow": ["-m", "orchestration.desk.mlflow_server", str(mlflow_port)],
    }
    logs = home() / "logs"
    return [Part(name, command, logs, environment, project_root()) for name, command in commands.items()]
