"""What every test shares: one thread, no telemetry, and a home that is thrown away."""

import os
import signal
import tempfile
from pathlib import Path

from assets.engine.worker_process import environment
from tests.homes import PROGRAMS, SHARED
from tests.homes import smoke_home as the_smoke_home

SCRATCH = tempfile.TemporaryDirectory(prefix="orrery-tests-")
"""Everything that tests write outside their own folders; removed at exit."""

os.environ.setdefault(SHARED, SCRATCH.name)
os.environ |= {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DAGSTER_DISABLE_TELEMETRY": "true",
    "ORRERY_REPORT": "off",
    "ORRERY_TRACKING": "off",
    "JAX_PLATFORMS": "cpu",
    "JAX_COMPILATION_CACHE_DIR": str(PROGRAMS / Path(environment("cpu", None)["JAX_COMPILATION_CACHE_DIR"]).name),
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

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell leaves it for what it starts in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

configuration.set_hypothesis_home_dir(Path(SCRATCH.name) / "hypothesis")
settings.register_profile("orrery", deadline=None, derandomize=True, database=None)
settings.load_profile("orrery")

LAUNCHED = {"project", "module_project", "smoke_home"}
"""Fixtures in which whole launches run; a test that takes one is a `launch` test without saying so."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that take a fixture in which launches run; put files with launches first, with trainings next.

    They take longest, and files that are spread over processes are taken in this order.
    """
    for item in items:
        if LAUNCHED & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.launch)
    slow = {mark: {item.path for item in items if item.get_closest_marker(mark)} for mark in ("launch", "training")}
    items.sort(key=lambda item: (item.path not in slow["launch"], item.path not in slow["training"]))


@pytest.fixture
def fresh_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home of one test."""
    home = tmp_path / "home"
    monkeypatch.setenv("ORRERY_HOME", str(home))
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    return home


@pytest.fixture(scope="session")
def smoke_home() -> Path:
    """A home in which the smoke sweep has run once, report and all; read it, do not write to it."""
    return the_smoke_home()


@pytest.fixture
def smoke(smoke_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the smoke sweep, made the home of this test."""
    monkeypatch.setenv("ORRERY_HOME", str(smoke_home))
    monkeypatch.setenv("DAGSTER_HOME", str(smoke_home / "dagster"))
    return smoke_home
