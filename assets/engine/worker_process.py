"""A worker as the engine sees it: how it is started, handed tasks, listened to and ended."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from assets.engine import worker
from assets.engine.queue import Cohort
from assets.home.hardware import PLATFORMS, VARIABLE, Device
from assets.stages.tasks import Task, task_to_json
from assets.store.locks import mark_in_use
from assets.store.store import Store, home, project_root

COMMAND: tuple[str, ...] = (sys.executable, "-m", "assets.engine.worker")
"""The command of a worker; for other machines, a launcher that passes standard input on stands in front of it."""

ONE_THREAD = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NPROC",
    "PJRT_NPROC",
)
"""Every variable that sizes a thread pool; the last two are XLA's."""

COMPUTING = ("JAX_", "XLA_", "EQX_", "TF_", "TORCH", "PYTORCH_", "ATEN_", "TRITON_", "CUBLAS", "CUDNN_", "NVIDIA_TF32",
             "OMP_", "GOMP_", "KMP_", "MKL_", "DNNL_", "ONEDNN_", "OPENBLAS_", "BLIS_", "NPY_", "NUMPY_", "NUMEXPR_",
             "SCIPY_", "PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONDEVMODE", "PYTHONHASHSEED")  # fmt: skip
"""How the names of variables begin that libraries of numbers, or Python, take settings from. People export them for
other work; a worker takes none, so that no number depends on who started it."""

MACHINE = ("JAX_PLATFORMS", "JAX_CUDA_VISIBLE_DEVICES", "JAX_ROCM_VISIBLE_DEVICES", "XLA_PYTHON_CLIENT_PREALLOCATE",
           "XLA_PYTHON_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_ALLOCATOR", "PYTORCH_CUDA_ALLOC_CONF",
           "PYTORCH_ALLOC_CONF", "JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS",
           "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES")  # fmt: skip
"""Those among them that say which device there is, how its memory is shared, and where compiled programs are kept,
which no number depends on."""

NUMBERS = {"EQX_ON_ERROR": "nan", "PYTHONHASHSEED": "0", "CUBLAS_WORKSPACE_CONFIG": ":4096:8", "JAX_ENABLE_X64": "0",
           "JAX_DEFAULT_PRNG_IMPL": "threefry2x32"}  # fmt: skip
"""What numbers depend on, as every worker sets it; manifests record it."""

LOG_TAIL = 8000
"""Characters of a worker's log that a failure keeps."""

LEAST_SHARE = 0.01
"""Share of a CPU above which a process counts as computing; a sleeping worker with its heartbeat uses a thousandth."""

LEAST_CPU_SECONDS = 0.05
"""More than two clocks of one process may differ by [s of CPU time]."""


class Pulse:
    """Signs of life of a worker: its words, and its CPU time while that grows."""

    def __init__(self) -> None:
        self._alive = self._since = time.monotonic()
        self._cpu = 0.0

    @property
    def silence(self) -> float:
        """Seconds since the last sign of life."""
        return time.monotonic() - self._alive

    def restart(self, cpu: float) -> None:
        """Count from now, when a worker is handed tasks; `cpu` is its CPU time so far [s]."""
        self._alive = self._since = time.monotonic()
        self._cpu = cpu

    def hear(self) -> None:
        """Take any words as a sign of life."""
        self._alive = time.monotonic()

    def beat(self, cpu: float) -> None:
        """Take its CPU time [s] as a sign of life if the process computed since the last one."""
        now, grown = time.monotonic(), cpu - self._cpu
        if grown >= max(LEAST_CPU_SECONDS, LEAST_SHARE * (now - self._since)):
            self._alive, self._since, self._cpu = now, now, cpu


class WorkerProcess:
    """One worker; its lines arrive in `inbox` as (worker, line), its end as (worker, None)."""

    def __init__(self, number: int, cpu: int | None, device: Device, store: Store, inbox: queue.SimpleQueue) -> None:
        self.number = number
        self.cpu = cpu
        self.ready = False
        self.cohort: Cohort | None = None
        """The cohort of its last tasks, whose program it has compiled."""
        self.pulse = Pulse()
        self.silent = 0.0
        """Seconds of silence for which it was killed."""
        self.log = home() / "logs" / f"worker-{os.getpid()}-{number}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._mark = 0
        self._stop_requested = False
        with self.log.open("ab") as log:
            mark_in_use(log)
            self._process = subprocess.Popen(
                [*COMMAND, str(store.root)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=project_root(),
                env=environment(device, cpu),
                start_new_session=True,
            )
        threading.Thread(target=self._listen, args=(self._process.stdout, inbox), daemon=True).start()

    @property
    def pid(self) -> int:
        """Process number."""
        return self._process.pid

    @property
    def cpu_seconds(self) -> float:
        """CPU time that it has used [s]; 0 once it is gone."""
        import psutil

        with suppress(psutil.Error):
            spent = psutil.Process(self.pid).cpu_times()
            return spent.user + spent.system
        return 0.0

    def send(self, tasks: Sequence[Task]) -> None:
        """Hand over tasks; if the worker is dead, its end arrives in the inbox."""
        self.pulse.restart(self.cpu_seconds)
        self._mark = self.log.stat().st_size
        with suppress(BrokenPipeError):
            self._stdin.write(json.dumps({"tasks": [task_to_json(task) for task in tasks]}).encode() + b"\n")
            self._stdin.flush()

    def ask_to_stop(self) -> None:
        """Ask, once, for a checkpoint and an end: a second signal would break a training off."""
        if not self._stop_requested:
            self._stop_requested = True
            self._process.terminate()

    def kill(self) -> None:
        """End it now; its stack goes to its log first, if it can still write it."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGUSR1)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.3)
        self._process.kill()

    def end(self, grace: float) -> None:
        """Close its input, ask it to stop, and kill it if it has not ended after `grace` seconds."""
        with suppress(OSError):
            self._stdin.close()
        self.ask_to_stop()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        with suppress(OSError):
            if not self.log.stat().st_size:
                self.log.unlink()

    def cause_of_death(self) -> str:
        """Wait for the end and name its signal or exit code."""
        code = self._process.wait()
        if code >= 0:
            return f"exit code {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"

    def last_words(self) -> str:
        """Return what the log says since the last task was handed over."""
        with self.log.open("rb") as log:
            log.seek(max(self._mark, self.log.stat().st_size - LOG_TAIL))
            return log.read().decode(errors="replace")

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def _listen(self, lines: IO[bytes], inbox: queue.SimpleQueue) -> None:
        for line in lines:
            inbox.put((self, json.loads(line)))
        inbox.put((self, None))


def environment(device: Device, cpu: int | None) -> dict[str, str]:
    """Return the environment of a worker: one thread everywhere, the device, and a compilation cache that lasts.

    What else is exported for libraries of numbers is left out, see `COMPUTING`.
    """
    variables: dict[str, str] = dict.fromkeys(ONE_THREAD, "1")
    variables |= {"PYTHONUTF8": "1", "ORRERY_HOME": str(home())}
    variables |= NUMBERS | _compilation_cache() | PLATFORMS[device] | {VARIABLE: device}
    variables |= {worker.PARENT: str(os.getpid()), worker.CPU: "" if cpu is None else str(cpu)}
    return {name: text for name, text in os.environ.items() if name not in _exported()} | variables


def settle_numbers() -> None:
    """Drop what is exported, and set what numbers depend on, in a process that computes by itself.

    To be called before JAX or torch is imported.
    """
    for name in _exported():
        if name not in ONE_THREAD:
            del os.environ[name]
    os.environ.update(NUMBERS)


def _exported() -> list[str]:
    """Return the variables that libraries of numbers would take settings from."""
    return [name for name in os.environ if name.startswith(COMPUTING) and name not in MACHINE]


def _compilation_cache() -> dict[str, Any]:
    """Keep compiled programs, however quick, apart for machines whose processors differ."""
    return {
        "JAX_COMPILATION_CACHE_DIR": str(home() / "cache" / "jax" / _processor()),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def _processor() -> str:
    """Return a short name of the kind of processor, so that a shared home never offers foreign machine code."""
    flags = ""
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text()
        flags = next((line for line in text.splitlines() if line.startswith(("flags", "Features"))), "")
    return f"{platform.machine()}-{hashlib.sha256(flags.encode()).hexdigest()[:8]}"
