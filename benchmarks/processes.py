"""Run a benchmark's process on one CPU with one thread, and read the JSON line that it prints."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def environment(cached: bool = True) -> dict[str, str]:
    """Return the environment of a worker of the engine: one thread, on the CPU, with or without cached programs."""
    from assets.engine.worker_process import environment as of_worker

    variables = of_worker("cpu", None)
    return {name: value for name, value in variables.items() if cached or name != "JAX_COMPILATION_CACHE_DIR"}


def start(cpu: int, *arguments: str, cached: bool = True) -> subprocess.Popen:
    """Start `python -m ...` on one CPU."""
    return subprocess.Popen(
        ["taskset", "-c", str(cpu), sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=environment(cached),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def result(process: subprocess.Popen) -> Any:
    """Wait for a process and return its last line, parsed as JSON.

    Raises:
        RuntimeError: it failed.
    """
    out, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{process.args} ended with {process.returncode}")
    return json.loads(out.strip().splitlines()[-1])


def start_free(*arguments: str) -> subprocess.Popen:
    """Start `python -m ...` on all CPUs with as many threads as its libraries choose."""
    import os

    free = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=free | {"JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
