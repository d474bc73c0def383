"""The processes of `orrery ui`: started together, watched, and ended together with their child processes."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

GRACE_SECONDS = 15.0
"""How long the processes may take to end by themselves: a training started from the UI checkpoints first."""

DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux's prctl(2)."""


class Part:
    """One process with a name, a log, and a group of its own, so that Ctrl-C reaches only `orrery ui`."""

    def __init__(
        self, name: str, command: Sequence[str], logs: Path, environment: Mapping[str, str], directory: Path
    ) -> None:
        self.name = name
        self.log = logs / f"ui-{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env=dict(environment),
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    @property
    def failure(self) -> str:
        """Why it no longer runs, with the last line of its log; empty while it runs."""
        code = self.process.poll()
        if code is None:
            return ""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no output"]
        return f"the {self.name} ended with code {code}: {lines[-1]}; see {self.log}"


@contextmanager
def together(parts: list[Part]) -> Iterator[None]:
    """End every part with its child processes when the block ends; a further interrupt kills them at once."""
    try:
        yield
    finally:
        _end(parts)


def wait_for(address: str, port: int, parts: Sequence[Part], seconds: float) -> str:
    """Wait until something answers on a port; return the reason if nothing does, else an empty text."""
    limit = time.monotonic() + seconds
    while not in_use(address, port):
        for part in parts:
            if part.failure:
                return part.failure
        if time.monotonic() > limit:
            return f"nothing answers on port {port} after {seconds:.0f} s; see {parts[0].log}"
        time.sleep(0.2)
    return ""


def free_port(address: str, preferred: int) -> int:
    """Return the preferred port, or the next one that is free.

    Raises:
        OSError: none of the next hundred is.
    """
    for port in range(preferred, min(preferred + 100, 65536)):
        if not in_use(address, port):
            return port
    raise OSError(f"no free port from {preferred} to {preferred + 99} on {address}; name another one")


def in_use(address: str, port: int) -> bool:
    """Whether something answers on a port."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


def _end(parts: Sequence[Part]) -> None:
    """Interrupt every process, wait, then kill those that are left."""
    family = _family(parts)
    try:
        for part in parts:
            _signal(part, signal.SIGINT)
        survivors = _wait(family)
    except KeyboardInterrupt:
        survivors = family
    for process in {*survivors, *_family(parts)}:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    for part in parts:
        _signal(part, signal.SIGKILL)
        part.process.wait()


def _wait(family: Sequence[psutil.Process]) -> Sequence[psutil.Process]:
    """Wait until only processes that hold no work are left; return those.

    Servers of definitions stay for a minute after their last request; runs are child processes of theirs.
    """
    end = time.monotonic() + GRACE_SECONDS
    survivors = list(family)
    while survivors and time.monotonic() < end and not all(map(_lingers, survivors)):
        _, survivors = psutil.wait_procs(survivors, timeout=0.2)
    return survivors


def _lingers(process: psutil.Process) -> bool:
    try:
        command = " ".join(process.cmdline())
    except psutil.Error:
        return True
    return "api grpc" in command or "resource_tracker" in command


def _family(parts: Sequence[Part]) -> list[psutil.Process]:
    """Return the processes of all parts and their child processes."""
    family = []
    for part in parts:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(part.process.pid)
            family += [process, *process.children(recursive=True)]
    return family


def _signal(part: Part, number: signal.Signals) -> None:
    """Send a signal to the process group of a part."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(part.process.pid, number)


def _die_with_parent() -> None:
    """Let Linux end this process when `orrery ui` itself is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGTERM)
