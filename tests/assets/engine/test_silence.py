"""How long a worker may say nothing, and how it learns that its engine is gone."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from assets.engine.engine import Engine
from assets.engine.worker_process import LEAST_CPU_SECONDS, Pulse
from assets.identity.items import dataset_item
from assets.stages.freshness import Planner
from assets.stages.tasks import Outcome, Task, task_to_json
from assets.store.store import Store
from tests.faults.pipeline import chain, make, register
from tests.faults.project import wait_until
from tests.plain_study.config import DatasetConfig

pytestmark = pytest.mark.launch

SILENCE = 2.0


@pytest.fixture
def plain(fresh_home, monkeypatch) -> Store:
    register(monkeypatch)
    return Store()


@pytest.fixture
def engine(plain: Store) -> Iterator[Engine]:
    with Engine(1, plain, silence=SILENCE, grace=5.0) as engine:
        yield engine


def simulated(engine: Engine, **settings) -> tuple[Outcome, list[dict]]:
    """Simulate in a worker; return the outcome and the lines that came."""
    item, lines = dataset_item("plain", DatasetConfig(**settings)), []
    (outcome,) = engine.run([Task(item, Planner(engine.store).fingerprint(item))], lines.append)
    return outcome, lines


def additions_in(seconds: float) -> int:
    """Return how many additions in one call of C take about this long on this machine."""
    trial = 20_000_000
    began = time.process_time()
    sum(range(trial))
    return round(trial * seconds / (time.process_time() - began))


@pytest.mark.parametrize("holds_the_lock", [False, True])
def test_a_simulation_that_computes_longer_than_the_silence_lives(engine, holds_the_lock):
    """The second one holds the interpreter's lock in C, so that its worker can say nothing at all."""
    long = 4 * SILENCE
    outcome, lines = simulated(engine, **({"additions": additions_in(long)} if holds_the_lock else {"compute": long}))
    assert (outcome.status, outcome.detail) == ("ok", "")
    assert outcome.seconds > 1.5 * SILENCE
    assert [line["event"] for line in lines] == ["ready", "start", "done"], "signs of life are the engine's own affair"


def test_a_simulation_that_sleeps_longer_than_the_silence_is_killed(engine):
    outcome, lines = simulated(engine, pause=60.0)
    assert (outcome.status, outcome.detail.split(" for")[0]) == ("killed", "no sign of life")
    assert "simulate" in engine.store.open(*outcome.item.address).text("traceback")
    assert lines[-1]["cause"] in ("SIGUSR1", "SIGKILL")
    assert simulated(engine, compute=0.1)[0].status == "ok", "a fresh worker takes its place"


def test_a_worker_that_only_says_that_it_is_alive_is_killed(engine, monkeypatch):
    """Its signs of life come every 5 s; without growth of its CPU time they are none."""
    monkeypatch.setattr(engine, "silence", 7.0)
    assert simulated(engine, pause=60.0)[0].status == "killed"


def test_output_and_growing_cpu_time_are_signs_of_life(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("assets.engine.worker_process.time.monotonic", lambda: clock[0])
    pulse = Pulse()
    pulse.restart(10.0)
    for clock[0], cpu, silence in [
        (5.0, 14.0, 0.0),
        (10.0, 14.0 + 0.9 * LEAST_CPU_SECONDS, 5.0),
        (1000.0, 23.0, 995.0),  # less than a hundredth of a CPU
        (1005.0, 26.0, 0.0),
    ]:
        pulse.beat(cpu)
        assert pulse.silence == silence
    clock[0] = 1100.0
    pulse.hear()
    assert pulse.silence == 0.0


LAUNCHER = "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]])"

ENGINE = """
import json, sys
from assets.engine import worker_process
from assets.engine.engine import Engine
from assets.stages.tasks import task_from_json

worker_process.COMMAND = (sys.executable, "-c", sys.argv[1], *sys.argv[3:])
with Engine(1) as engine:
    for outcome in engine.run([task_from_json(json.loads(sys.argv[2]))], lambda line: print(line, flush=True)):
        pass
"""


def test_a_worker_behind_a_launcher_leaves_when_its_engine_is_gone(plain):
    """As behind srun or ssh, the worker's parent is another process, which lives on."""
    from assets.engine import worker_process

    model = chain(pause=0.2, phases=({"steps": 3000},))[2]
    assert all(outcome.status == "ok" for outcome in make(plain, *model.upstream()))
    task = json.dumps(task_to_json(Task(model, Planner(plain).fingerprint(model))))
    command = [sys.executable, "-c", ENGINE, LAUNCHER, task, *worker_process.COMMAND[1:]]
    engine = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert engine.stdout is not None
    next(line for line in engine.stdout if "'progress'" in line)
    launcher, worker = psutil.Process(engine.pid).children(recursive=True)
    assert worker.ppid() == launcher.pid
    os.kill(engine.pid, signal.SIGKILL)
    engine.wait(10)
    wait_until(lambda: not worker.is_running())
    assert plain.manifest(*model.address)["status"] == "interrupted"
