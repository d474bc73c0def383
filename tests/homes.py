"""Homes for tests, made once for all processes of a test run: one in which nothing has run, and one of the smoke sweep.

Creating Dagster's databases takes a second of CPU, copying them none. Compiled programs outlast the test run.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
SHARED = "ORRERY_TESTS_SHARED"
"""The environment variable with the folder that the processes of one test run share."""

PROGRAMS = ROOT / ".pytest_cache" / "jax"
"""What JAX has compiled in any test run, by kind of processor; a program is found by its hash and the versions."""

SMOKE = "two_body/smoke"
PREPARE = "from orchestration.launch.home import prepare; prepare()"


def begin_home(home: Path) -> None:
    """Make a new home with the databases that its first launch would create, and the programs of all homes of tests."""
    shutil.copytree(once("new", _prepare), home)
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    (home / "cache").mkdir()
    (home / "cache" / "jax").symlink_to(PROGRAMS)


def smoke_home() -> Path:
    """Return a home in which the smoke sweep has run once, report and all; read it, do not write to it."""
    return once("smoke", _run_smoke)


def once(name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that whoever asks for it first makes; the others wait."""
    folder = Path(os.environ[SHARED]) / name
    whole = folder.with_suffix(".whole")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            make(folder)
            whole.touch()
    return folder


def _prepare(home: Path) -> None:
    _run(home, "-c", PREPARE)


def _run_smoke(home: Path) -> None:
    begin_home(home)
    _run(home, "-m", "orchestration.cli", "run", SMOKE, ORRERY_REPORT="on", ORRERY_TRACKING="on")


def _run(home: Path, *arguments: str, **environment: str) -> None:
    """Run Python in the project over a home."""
    environment = os.environ | {"ORRERY_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")} | environment
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
