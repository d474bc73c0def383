import json
import queue
import subprocess
import sys

import pytest

from assets.engine.worker_process import WorkerProcess, environment
from assets.home.hardware import choose_device, usable_cpus

pytestmark = pytest.mark.launch

REPORT = """
import json, os, sys
from assets.engine import worker
out = worker._claim_output()
worker._pin()
import numpy, torch
worker._prepare("toy")
print("noise")
json.dump({"threads": torch.get_num_threads(), "cpus": sorted(os.sched_getaffinity(0)),
           "deterministic": torch.are_deterministic_algorithms_enabled()}, out)
"""


def test_the_environment_holds_one_thread_and_a_lasting_cache(home):
    variables = environment("cpu", 0)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC", "PJRT_NPROC"):
        assert variables[name] == "1"
    assert variables["EQX_ON_ERROR"] == "nan"
    assert variables["JAX_COMPILATION_CACHE_DIR"].startswith(str(home / "cache"))
    assert variables["JAX_PLATFORMS"] == "cpu"
    assert environment("gpu", None)["JAX_PLATFORMS"] == "cuda"


def test_an_unknown_device_is_refused(monkeypatch):
    monkeypatch.delenv("ORRERY_DEVICE", raising=False)
    assert choose_device() == "cpu"
    monkeypatch.setenv("ORRERY_DEVICE", "gpu")
    assert choose_device() == "gpu"
    with pytest.raises(ValueError, match="'tpu' is unknown; expected one of cpu, gpu, auto"):
        choose_device("tpu")


def test_a_worker_has_one_thread_on_one_cpu_and_a_clean_output(home):
    cpu = usable_cpus()[-1]
    done = subprocess.run(
        [sys.executable, "-c", REPORT], env=environment("cpu", cpu), capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout)
    assert answer == {"threads": 1, "cpus": [cpu], "deterministic": True}
    assert "noise" in done.stderr


def test_jax_has_one_thread_and_keeps_what_it_compiles(home):
    script = """
import os, pathlib, jax, jax.numpy as jnp
jax.jit(lambda x: (x @ x).sum())(jnp.ones((600, 600))).block_until_ready()
names = [path.read_text().strip() for path in pathlib.Path("/proc/self/task").glob("*/comm")]
print(jax.default_backend(), names.count("tf_XLAEigen"))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment("cpu", None), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["cpu", "1"]
    assert list((home / "cache" / "jax").rglob("*-cache")), "the compiled program was not kept"


def test_a_worker_ends_with_its_input(store):
    inbox: queue.SimpleQueue = queue.SimpleQueue()
    worker = WorkerProcess(1, None, "cpu", store, inbox)
    _, line = inbox.get(timeout=120)
    assert (line["event"], line["pid"]) == ("ready", worker.pid)
    worker._stdin.close()
    assert inbox.get(timeout=120)[1] is None
    assert worker.cause_of_death() == "exit code 0"
