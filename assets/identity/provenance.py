"""Where a number comes from: versions, the git commit, and the few environment variables worth keeping."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("orrery", "numpy", "pandas", "pyarrow", "scipy", "jax", "jaxlib", "equinox", "optax", "diffrax", "torch")

ENVIRONMENT = (
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "EQX_ON_ERROR",
    "JAX_DEFAULT_PRNG_IMPL",
    "JAX_ENABLE_X64",
    "JAX_PLATFORMS",
    "MKL_NUM_THREADS",
    "NPROC",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PJRT_NPROC",
    "PYTHONHASHSEED",
)
"""Variables that may change a number; no other one is ever recorded."""

SOURCES = (".py", ".html", ".md", ".css", ".js")


@cache
def project_root() -> Path:
    """Return the directory that holds the project's pyproject.toml."""
    return Path(__file__).resolve().parents[2]


def room_sources(*rooms: str) -> list[Path]:
    """Return the sources of rooms of `assets`, templates and style sheets included, in a fixed order."""
    paths = (path for room in rooms for path in (project_root() / "assets" / room).rglob("*"))
    return sorted(path for path in paths if path.suffix in SOURCES)


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that compute, without importing them."""
    installed = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return installed


def environment() -> dict[str, str]:
    """Return the variables of the allow-list that are set."""
    return {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}


@cache
def commit() -> tuple[str | None, bool | None]:
    """Return the git commit of the project and whether tracked files differ from it; None outside a repository.

    Asked once per process: a run does not depend on what happens to the checkout after its start.
    """
    head = _git("rev-parse", "HEAD")
    if head is None:
        return None, None
    return head, bool(_git("status", "--porcelain", "--untracked-files=no"))


def provenance() -> dict[str, Any]:
    """Return what every manifest records of its origin."""
    head, dirty = commit()
    return {"versions": versions(), "commit": head, "dirty": dirty, "environment": environment()}


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(project_root()), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
