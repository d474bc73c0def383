"""The home of a project: one directory for the store, Dagster's events and MLflow's curves.

`python -m orchestration.launch.home` prepares it and writes `.env`, from which Dagster's own commands learn its place.
"""

import errno
import os
from pathlib import Path

from assets.store.atomic import replace_text
from assets.store.locks import alone_in
from assets.store.store import StoreError, home, project_root

MARK = "# Written by Orrery; remove this line to keep changes of your own."

CREATED = ".created"
"""Mark of a directory whose databases are there."""

SETTINGS = f"""{MARK}
telemetry:
  enabled: false
nux:
  enabled: false

# A run that trains fills every CPU, so the queue lets one at a time through.
concurrency:
  pools:
    default_limit: 1
    granularity: run
  runs:
    max_concurrent_runs: 4

# A run whose process died is closed by the daemon, and started once more.
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
  cancel_timeout_seconds: 120
run_retries:
  enabled: true
  max_retries: 1
  retry_on_asset_or_op_failure: false
"""


def prepare() -> Path:
    """Make this process use `<home>/dagster`, and write its `dagster.yaml` unless the user took it over.

    Matplotlib keeps its list of fonts in the home as well, unless the user says where.

    Raises:
        OSError: the home cannot be written; in one line.
    """
    directory = home() / "dagster"
    directory.mkdir(parents=True, exist_ok=True)
    if not os.access(directory, os.W_OK):
        text = f"{directory} cannot be written; make it writable or set ORRERY_HOME to a directory that is"
        raise StoreError(errno.EROFS, text)
    settings = directory / "dagster.yaml"
    if not settings.exists() or settings.read_text(encoding="utf-8").startswith(MARK):
        write_changed(settings, SETTINGS)
    os.environ["DAGSTER_HOME"] = str(directory)
    os.environ.setdefault("MPLCONFIGDIR", str(home() / "cache" / "matplotlib"))
    _create_databases(directory)
    return directory


def _create_databases(directory: Path) -> None:
    """Create Dagster's databases once, under a lock: first users that come together would race in its migrations."""
    from dagster import DagsterInstance

    mark = directory / CREATED
    with alone_in(directory):
        if not mark.exists():
            with DagsterInstance.from_config(str(directory)) as instance:
                for storage in (instance.run_storage, instance.event_log_storage, instance.schedule_storage):
                    assert storage is not None
            mark.touch()


def environment(previous: str) -> str:
    """Return the text of `.env`: the absolute home, unless ORRERY_HOME is set, and every other line as it was."""
    ours = [f"ORRERY_HOME=${{ORRERY_HOME:-{home()}}}", "DAGSTER_HOME=${ORRERY_HOME}/dagster"]
    names = tuple(line.split("=")[0] + "=" for line in ours)
    other_lines = [line for line in previous.splitlines() if not line.startswith(names)]
    return "\n".join([*ours, *other_lines]) + "\n"


def write_environment(file: Path) -> None:
    """Write the lines of the home into a `.env` file."""
    write_changed(file, environment(file.read_text(encoding="utf-8") if file.exists() else ""))


def write_changed(file: Path, text: str) -> None:
    """Write a file in one step, and only if its text changes: other processes may be reading it."""
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return
    replace_text(file, text)


if __name__ == "__main__":
    prepare()
    write_environment(project_root() / ".env")
