"""Whole launches that are killed, stopped, doubled, locked out of a database, or have their code edited."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import dagster as dg
import pytest

from assets.home.running import RunningRecord, attempt_at
from assets.stages.freshness import Planner
from assets.stages.make import run
from orchestration.launch.launch import OPEN
from tests.faults.pipeline import chain, make
from tests.faults.project import PlainProject, processes_of, wait_until
from tests.orchestration.conftest import ROOT

pytestmark = pytest.mark.launch

TWO_PHASES = "[{steps: 20}, {steps: 300}]"

PATIENCE = 120
"""Seconds to wait for what takes a few on a quiet machine."""


def open_runs(project: PlainProject) -> list[str]:
    with project.instance() as instance:
        return [one.run_id for one in instance.get_runs(dg.RunsFilter(statuses=list(OPEN)))]


def kill_all(project: PlainProject) -> None:
    for process in processes_of(project):
        process.kill()
    wait_until(lambda: not processes_of(project))


def test_a_killed_launch_is_detected_closed_and_resumed_to_the_same_bits(project: PlainProject) -> None:
    name = project.sweep(axes="model.seed: [0, 1]", pause=0.1, phases=TWO_PHASES)
    launch = project.start("run", name)
    wait_until(lambda: project.training(step=50))
    kill_all(project)
    launch.wait(PATIENCE)
    assert "is dead" in project.orrery("status", name)
    status = project.json("status", name)
    assert [one["alive"] for one in status["launches"]] == [False]
    assert status["running"] and not any(one["alive"] for one in status["running"])
    left_open = open_runs(project)
    assert left_open
    assert "cleaned up: runs closed" in project.orrery("run", name)
    assert open_runs(project) == []
    with project.instance() as instance:
        closed = [instance.get_run_by_id(run_id).status for run_id in left_open]
    assert set(closed) == {dg.DagsterRunStatus.FAILURE}
    assert {key: one for key, one in project.manifests().items() if "leaderboard" not in key} == project.expected(name)
    models = [project.manifest("model", key.split("/")[1]) for key in project.manifests("model")]
    assert any(model.get("resumed", {}).get("step") == 20 for model in models)
    assert project.tidy()


STOPS = {
    "simulate": (signal.SIGINT, {"dataset": "{trajectories: 4, pause: 600}"}, "dataset"),
    "segment": (signal.SIGTERM, {"axes": "model.segment_pause: [600]"}, "segments"),
    "train": (signal.SIGHUP, {"pause": 2.0, "phases": TWO_PHASES}, "model"),
    "evaluate": (signal.SIGTERM, {"axes": "model.evaluate_pause: [600]"}, "evaluation"),
}


@pytest.mark.parametrize("stage", STOPS)
def test_a_signal_ends_a_launch_long_before_the_stage_would_end(project: PlainProject, stage: str) -> None:
    number, settings, layer = STOPS[stage]
    name = project.sweep(**settings)
    launch = project.start("run", name)
    wait_until(lambda: project.makes(layer))
    if stage == "train":
        wait_until(lambda: project.training(step=2))
    launch.send_signal(number)
    output, _ = launch.communicate(timeout=PATIENCE)
    assert launch.returncode == 1 and number.name in output and "Traceback" not in output
    assert "interrupted" in {one["status"] for one in project.manifests(layer).values()}
    assert project.tidy() and open_runs(project) == []
    if stage == "train":
        assert list((project.home / "checkpoints").glob("plain/*/*.safetensors"))


def test_a_second_signal_breaks_off_at_once(project: PlainProject) -> None:
    name = project.sweep(axes="model.seed: [0]", pause=20.0)
    launch = project.start("run", name)
    wait_until(lambda: project.makes("model"))
    launch.terminate()
    time.sleep(0.5)
    assert launch.poll() is None
    launch.terminate()
    assert launch.wait(PATIENCE) == 128 + signal.SIGTERM
    wait_until(lambda: not processes_of(project))


HOLDER = """
import os, sys
from tests.faults.pipeline import *
from assets.store.store import Store
print([one.status for one in make(Store(), *chain(pause=0.3))], flush=True)
"""


@pytest.mark.parametrize("end", ["finishes", "is killed"])
def test_what_another_process_makes_is_waited_for_or_taken_over(plain, end: str) -> None:
    items = chain(pause=0.3)
    model = items[2]
    other = subprocess.Popen([sys.executable, "-c", HOLDER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    record = RunningRecord(*model.address)
    wait_until(lambda: attempt_at(record.path))
    attempt = attempt_at(record.path)
    assert attempt.alive and attempt.pid == other.pid
    if end == "is killed":
        threading.Timer(0.4, other.kill).start()
    outcome = run(model, Planner(plain).fingerprint(model), plain)
    assert outcome.status == "ok"
    created = plain.manifest(*model.address)["created"]
    output, _ = other.communicate(timeout=PATIENCE)
    assert plain.manifest(*model.address)["created"] == created
    assert (outcome.place.step == 0) == (end == "finishes") or end == "is killed"
    assert ("'ok', 'ok', 'ok'" in output) == (end == "finishes")
    assert list(make(plain, *items[:3])) == [] and not record.path.exists()


def test_a_locked_event_log_is_waited_for_and_trainings_go_on(project: PlainProject) -> None:
    name = project.sweep(axes="model.seed: [0, 1, 2, 3]", pause=0.1)
    launch = project.start("run", name)
    wait_until(lambda: project.makes("model"))
    connections = [
        sqlite3.connect(path, timeout=30, isolation_level=None)
        for path in (project.home / "dagster").rglob("*.db")
        if path.stem in ("runs", "index")
    ]
    for connection in connections:
        connection.execute("BEGIN EXCLUSIVE")
    wait_until(lambda: len(project.manifests("model")) == 4)
    time.sleep(6)
    assert launch.poll() is None
    for connection in connections:
        connection.execute("ROLLBACK")
        connection.close()
    output, _ = launch.communicate(timeout=PATIENCE)
    assert launch.returncode == 0, output
    assert "trained 4, evaluated 4" in output


def test_code_that_is_edited_meanwhile_is_never_mixed(project: PlainProject) -> None:
    name = project.sweep(axes="model.seed: [0, 1, 2, 3]", pause=0.5)
    old = {one["key"]: one for key, one in project.expected(name).items() if key.startswith("model/")}
    launch = project.start("run", name)
    wait_until(project.training)
    project.edit("tests/plain_study/train.py", "float((error**2).mean())", "2 * float((error**2).mean())")
    output, _ = launch.communicate(timeout=PATIENCE)
    assert launch.returncode == 1, output
    models = {one["key"]: one for one in project.manifests("model").values()}
    codes = {key: one["parts"]["code"] for key, one in models.items()}
    assert len(set(codes.values())) == 2
    for key, one in models.items():
        is_old = codes[key] == old[key]["parts"]["code"]
        assert is_old == (one["fingerprint"] == old[key]["fingerprint"])
        assert is_old == (one["files"]["history.parquet"] == old[key]["files"]["history.parquet"])
    rows = project.json("table", name)
    assert {row["status"] for row in rows} == {"ok", "stale"}
    assert len({row["fingerprint"] for row in rows}) == 4
    assert "failed 0" in project.orrery("run", name)
    assert len({one["parts"]["code"] for one in project.manifests("model").values()}) == 1


def test_a_detached_launch_is_shown_followed_refused_a_second_time_and_stopped(project: PlainProject) -> None:
    name = project.sweep(axes="model.seed: [0, 1, 2]", pause=0.2, phases="[{steps: 2000}]")
    record = project.json("run", name, "--detach")
    assert os.getsid(record["pid"]) == record["pid"] != os.getsid(0)
    wait_until(lambda: project.training(step=10))
    assert f"run by process {record['pid']}" in project.orrery("status", name)
    followers = [project.start("attach", *which) for which in ((name,), ())]
    assert "busy" in project.orrery("run", name, code=2)
    first = next(one["key"] for one in project.json("status", name)["running"] if one["layer"] == "model")
    assert "stopped, its best so far is kept" in project.orrery("stop", f"plain/{first}")
    stopped = next(one for one in project.manifests("model").values() if one["key"] == first)
    assert stopped["status"] == "interrupted" and "weights.safetensors" in stopped["files"]
    followers[1].send_signal(signal.SIGINT)
    assert f"{name} still runs as process {record['pid']}" in followers[1].communicate(timeout=PATIENCE)[0]
    assert followers[0].poll() is None and "stopped; `orrery run" in project.orrery("stop", name)
    output, _ = followers[0].communicate(timeout=PATIENCE)
    assert (
        output == Path(record["log"]).read_text() and "artifacts to make" in output and "SIGTERM: trainings" in output
    )
    wait_until(project.tidy)
    assert "nothing runs now" in project.orrery("status", name)
    assert "does not run now" in project.orrery("stop", name, code=2)
    assert "and there is none" in project.orrery("attach", name, code=2)
