"""Install Orrery into the environment whose Python runs this file, as `make` does. Standard library only.

On Linux the PyTorch of PyPI carries CUDA, several times the size of all the rest. Without an NVIDIA GPU its CPU build
comes from PyTorch's own index instead, unless pip's settings name a source of packages or that index does not answer.
"""

import platform
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
SECONDS = 5
"""How long PyTorch's index may take to answer."""

CPU = "about 0.6 GB to download, 2.6 GB on disk"
CUDA = "about 3.1 GB to download, 6.7 GB on disk"
"""Measured on Linux x86_64 with Python 3.11 and the pins of constraints.txt; see CONTRIBUTING.md."""

INTERRUPTED = 130


class Choice(NamedTuple):
    """A build of PyTorch."""

    build: str
    why: str
    size: str
    """Of the whole installation."""
    index: str = ""
    """Where PyTorch comes from; "": wherever pip finds it."""


def main() -> int:
    """Say what is installed and why, install it, and return the exit code."""
    chosen = choose()
    environment = Path(sys.prefix)
    print(
        f"orrery: installing into {environment.name}, once: JAX, Dagster, MLflow and {chosen.build} ({chosen.why}); "
        f"{chosen.size}, 2 to 4 minutes beside the download",
        flush=True,
    )
    log = environment / "setup.log"
    with log.open("w", encoding="utf-8") as output:
        if chosen.index:  # should this fail, the next takes PyPI's
            pip(["--no-deps", "--index-url", chosen.index, pinned("torch")], output)
        code = pip(["-c", "constraints.txt", "-e", ".[dev]"], output)
    if code == 0:
        print("orrery: installed")
        return 0
    print(*log.read_text(encoding="utf-8").splitlines()[-15:], sep="\n", file=sys.stderr)
    print(f"orrery: the installation failed, see {log}; a further make continues from here", file=sys.stderr)
    return 2


def choose() -> Choice:
    """Choose the build of PyTorch: what pip's settings say, else CUDA where a GPU needs it or nothing else answers."""
    if settings := sources():
        return Choice("the PyTorch that pip's settings lead to", ", ".join(settings), f"{CPU}; with CUDA {CUDA}")
    if platform.system() != "Linux":
        return Choice("PyTorch", "PyPI has no CUDA build for this system", CPU)
    if has_gpu():
        return Choice("PyTorch with CUDA", "there is an NVIDIA GPU", CUDA)
    if not answers(f"{CPU_INDEX}/torch/"):
        return Choice("PyTorch with CUDA", f"there is no NVIDIA GPU, but {CPU_INDEX} does not answer", CUDA)
    return Choice("the CPU build of PyTorch", "there is no NVIDIA GPU", CPU, CPU_INDEX)


def sources() -> list[str]:
    """Return the names of pip's settings, from its files and PIP_ variables, that say where packages come from."""
    said = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    return sorted(set(re.findall(r"\.((?:extra-)?index-url|find-links|no-index)=", said.stdout)))


def has_gpu() -> bool:
    """Tell whether this machine has an NVIDIA GPU, or the tools of one."""
    return Path("/dev/nvidia0").exists() or shutil.which("nvidia-smi") is not None


def answers(url: str) -> bool:
    """Tell whether a page can be read within a few seconds."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=SECONDS):
            return True
    except OSError:
        return False


def pinned(package: str) -> str:
    """Return the line of a package in constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith(f"{package}=="))


def pip(arguments: list[str], output) -> int:
    """Run `pip install` with its output in a file, and return its exit code."""
    options = ["--disable-pip-version-check", "--progress-bar", "off"]
    command = [sys.executable, "-m", "pip", "install", *options, *arguments]
    return subprocess.run(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("orrery: the installation was interrupted; a further make continues from here", file=sys.stderr)
        sys.exit(INTERRUPTED)
