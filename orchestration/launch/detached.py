"""`orrery run --detach`: the same launch in a session of its own, so that it survives the terminal."""

import os
import subprocess
import sys
import time
from pathlib import Path

from assets.home.launches import LOG, LaunchRecord, launches
from assets.store.locks import mark_in_use
from assets.store.store import home, project_root
from orchestration.cli.request import refuse

PATIENCE_SECONDS = 120.0
"""How long the launch may take to begin; on a busy machine imports alone take a while."""


def detach(sweep: str, options: list[str]) -> LaunchRecord | None:
    """Start the launch and wait until it has begun; None if it ended before, with all rows ok.

    Raises:
        typer.Exit: it ended at once, with its last words.
    """
    log = home() / "logs" / f"run-{sweep.replace('/', '-')}-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        mark_in_use(output)
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", "run", sweep, *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=project_root(),
            env={**os.environ, LOG: str(log)},
            start_new_session=True,
        )
    return _wait_for_launch(process, log)


def _wait_for_launch(process: subprocess.Popen, log: Path) -> LaunchRecord | None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        for record in launches():
            if record.pid == process.pid and record.alive:
                return record
        if process.poll() is not None:
            break
        time.sleep(0.1)
    if process.poll() == 0:
        return None
    words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it said nothing"]
    refuse(f"the launch did not begin: {words[-1].removeprefix('orrery: ')} (see {log})")
