"""What every test shares: one thread, no telemetry, and a home that is thrown away."""

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

SCRATCH = tempfile.TemporaryDirectory(prefix="orrery-tests-")
"""Everything that tests write outside their own folders; removed at exit."""

os.environ |= {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DAGSTER_DISABLE_TELEMETRY": "true",
    "ORRERY_REPORT": "off",
    "ORRERY_TRACKING": "off",
    "JAX_PLATFORMS": "cpu",
    "JAX_COMPILATION_CACHE_DIR": f"{SCRATCH.name}/jax",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "MPLBACKEND": "agg",
    "ORRERY_HOME": f"{SCRATCH.name}/home",
    "DAGSTER_HOME": f"{SCRATCH.name}/home/dagster",
    "JUPYTER_RUNTIME_DIR": f"{SCRATCH.name}/jupyter",
    "IPYTHONDIR": f"{SCRATCH.name}/ipython",
    **dict.fromkeys(("NPROC", "PJRT_NPROC", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
}

import pytest  # noqa: E402
from hypothesis import configuration, settings  # noqa: E402

ROOT = Path(__file__).parent.parent
SMOKE = "two_body/smoke"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell leaves it for what it starts in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

configuration.set_hypothesis_home_dir(Path(SCRATCH.name) / "hypothesis")
settings.register_profile("orrery", deadline=None, derandomize=True, database=None)
settings.load_profile("orrery")

LAUNCHED = {"project", "module_project", "smoke_home"}
"""Fixtures in which whole launches run; a test that takes one is a `launch` test without saying so."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that take a fixture in which launches run, and put the files with launches first.

    They take longest, and files that are spread over processes are taken in this order.
    """
    for item in items:
        if LAUNCHED & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.launch)
    slow = {item.path for item in items if item.get_closest_marker("launch")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def fresh_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home of one test."""
    home = tmp_path / "home"
    monkeypatch.setenv("ORRERY_HOME", str(home))
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    return home


@pytest.fixture(scope="session")
def smoke_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the smoke sweep has run once, report and all; read it, do not write to it.

    Processes of one test run share it.
    """
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    home, whole = shared / "smoke" / "home", shared / "smoke" / "whole"
    with (shared / "smoke.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            run_smoke(home)
            whole.touch()
    return home


def run_smoke(home: Path) -> None:
    """Run the smoke sweep in an empty home."""
    environment = os.environ | {"ORRERY_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")}
    environment |= {"ORRERY_REPORT": "on", "ORRERY_TRACKING": "on"}
    command = [sys.executable, "-m", "orchestration.cli", "run", SMOKE]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def smoke(smoke_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the smoke sweep, made the home of this test."""
    monkeypatch.setenv("ORRERY_HOME", str(smoke_home))
    monkeypatch.setenv("DAGSTER_HOME", str(smoke_home / "dagster"))
    return smoke_home
