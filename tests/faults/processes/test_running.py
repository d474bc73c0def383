"""Running records: who makes what, how far it is, and how each attempt ended, whatever ended it."""

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assets.garbage_collection import garbage
from assets.home import running
from assets.home.running import POINTS, RunningRecord, attempt_at
from assets.stages.freshness import Planner
from assets.stages.make import run, store_failure
from tests.faults.pipeline import TWO_PHASES, chain, make
from tests.faults.project import wait_until
from tests.orchestration.conftest import ROOT
from trainers.study import Failed, Place

pytestmark = pytest.mark.launch

ADDRESS = ("plain", "model", "0123456789ab")

TRAINING = """
from tests.faults.pipeline import *
STUDIES[STUDY.name] = STUDY
list(make(Store(), *chain(pause=0.05)))
"""

ELSEWHERE = """
import platform, time
platform.node = lambda: "another-machine"
from assets.home.running import RunningRecord
record = RunningRecord("plain", "model", "0123456789ab")
assert record.take("its-key", "f" * 64) is None
record.progress(0, 7, 100, {"loss": 0.5})
print(flush=True)
time.sleep(60)
"""


def lines_of(record: RunningRecord) -> list[dict]:
    return [json.loads(line) for line in record.path.read_text().splitlines() if line]


def events_of(record: RunningRecord) -> list[str]:
    """Return the events, a stretch of progress as one."""
    events = [line["event"] for line in lines_of(record)]
    return [event for before, event in zip(["", *events], events, strict=False) if (before, event) != ("progress",) * 2]


def test_a_record_of_another_machine_is_respected_while_it_is_held_and_free_at_once_when_it_is_not(
    fresh_home: Path,
) -> None:
    other = subprocess.Popen([sys.executable, "-c", ELSEWHERE], cwd=ROOT, stdout=subprocess.PIPE)
    assert other.stdout.readline()
    record = RunningRecord(*ADDRESS)
    attempt = record.take("my-key", "0" * 64)
    assert (attempt.alive, attempt.host, attempt.pid, attempt.key) == (True, "another-machine", other.pid, "its-key")
    assert attempt.progress["step"] == 7 and attempt.curve == ((7, {"loss": 0.5}),)
    assert [one.pid for one in running.running()] == [other.pid] and running.close_killed() == 0
    assert not record.take_over() and not record.asked_to_stop
    other.kill()
    other.wait()
    killed = attempt_at(record.path)
    assert not killed.alive and not killed.over and list(running.running()) == []
    assert record.take("my-key", "0" * 64) is None
    (mine,) = running.running()
    assert (mine.pid, mine.host, mine.key, mine.progress) == (os.getpid(), platform.node(), "my-key", None)
    record.finish()
    assert list(running.attempts()) == [] and not record.path.exists()


RACER = """
import os, sys, time
from assets.home.running import RunningRecord, records

inside, until, taken = sys.argv[1], time.monotonic() + 2.0, 0
while time.monotonic() < until:
    record = RunningRecord("plain", "model", "0123456789ab")
    if record.take("k", "f") is None:
        os.close(os.open(inside, os.O_CREAT | os.O_EXCL))  # fails if anybody else is inside
        taken += 1
        os.unlink(inside)
        record.finish()
print(taken)
"""


def test_processes_that_make_the_same_again_and_again_never_do_so_at_once(fresh_home: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", RACER, str(tmp_path / "inside")]
    racers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    counts = [int(racer.communicate(timeout=60)[0] or 0) for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 4 and min(counts) > 0


def test_attempts_whose_process_was_killed_are_closed_once_with_what_asked_them_to_stop(fresh_home: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", ELSEWHERE], cwd=ROOT, stdout=subprocess.PIPE)
    assert other.stdout.readline()
    attempt_at(RunningRecord(*ADDRESS).path).ask_to_stop()
    other.kill()
    other.wait()
    mine = RunningRecord("plain", "model", "ffffffffffff")
    assert mine.take("k", "f") is None
    attempt_at(mine.path).ask_to_stop()
    assert (running.close_killed(), running.close_killed()) == (1, 0)
    (last,) = (line for line in lines_of(RunningRecord(*ADDRESS)) if line["event"] == "end")
    assert last["status"] == "killed" and f"process {other.pid} on another-machine" in last["detail"]
    assert mine.asked_to_stop and list(running.records().glob("*.stop")) == [mine.stop_path]
    mine.finish()


def test_a_request_to_stop_an_earlier_attempt_does_not_stop_the_next(fresh_home: Path) -> None:
    record = RunningRecord(*ADDRESS)
    running.records().mkdir(parents=True)
    record.stop_path.touch()
    assert record.take("k", "f") is None and not record.asked_to_stop
    record.finish()


def test_a_record_stays_small_however_long_a_training_is(fresh_home: Path) -> None:
    record = RunningRecord(*ADDRESS)
    assert record.take("k", "f") is None
    for step in range(100_001):
        record.progress(0, step, 100_000, {"loss": 1.0, "validation": 2.0}, step == 100_000)
    attempt = attempt_at(record.path)
    assert POINTS <= len(attempt.curve) <= POINTS + 2 and attempt.curve[-1][0] == attempt.progress["step"] == 100_000
    assert record.path.stat().st_size < 60_000
    record.release()
    with record.path.open("ab") as file:
        file.write(b"x" * running.LIMIT)
    assert record.take("k", "f") is None and events_of(record) == ["begin"]
    record.finish()


def test_after_a_while_progress_is_noted_though_few_steps_are_done(fresh_home: Path, monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    record = RunningRecord(*ADDRESS)
    assert record.take("k", "f") is None
    for second in range(40):
        now[0] = float(second)
        record.progress(0, second, 10**6, {"loss": 1.0})
    steps = [line["step"] for line in lines_of(record) if line["event"] == "progress"]
    assert steps == [0, 10, 20, 30]
    record.finish()


def test_a_line_that_a_kill_tore_costs_no_other(fresh_home: Path) -> None:
    record = RunningRecord(*ADDRESS)
    assert record.take("k", "f") is None
    record.release()
    with record.path.open("a") as file:
        file.write('{"event": "progr')
    assert record.take("other", "f") is None
    attempt = attempt_at(record.path)
    assert attempt.alive and attempt.key == "other"
    record.finish()


def test_after_a_kill_the_record_says_when_it_began_and_how_far_it_was(plain) -> None:
    model = chain(pause=0.05)[2]
    record = RunningRecord(*model.address)
    training = subprocess.Popen([sys.executable, "-c", TRAINING], cwd=ROOT)
    wait_until(lambda: record.path.exists() and "progress" in record.path.read_text())
    wait_until(lambda: any(line.get("step") == TWO_PHASES[0]["steps"] for line in lines_of(record)))
    training.kill()
    training.wait()
    first, *_, last = lines_of(record)
    assert (first["event"], first["pid"], first["key"]) == ("begin", training.pid, model.key)
    assert last["event"] == "progress" and last["losses"]["loss"] > 0 and last["time"] > first["time"]
    list(make(plain, model))
    assert plain.manifest(*model.address)["status"] == "ok" and not record.path.exists()


def test_every_attempt_is_recorded_with_its_end_and_failures_name_the_record(plain) -> None:
    items = chain(phases=({"steps": 60},))
    model, record = items[2], RunningRecord(*items[2].address)
    list(make(plain, *items[:2]))
    fingerprint = Planner(plain).fingerprint(model)
    for stop in (20, 40):
        assert run(model, fingerprint, plain, lambda p, stop=stop: p.step >= stop).status == "interrupted"
    assert events_of(record) == ["begin", "progress", "end", "begin", "resumed", "progress", "end"]
    lines = lines_of(record)
    assert [line["step"] for line in lines if line["event"] == "end"] == [20, 40]
    assert next(line for line in lines if line["event"] == "resumed")["step"] == 20
    assert lines[-1]["detail"] == "stopped at step 40; run again to resume"
    assert [one.path for one in garbage(plain)] == [], "the row is not ok: its record is of use"
    plain.remove(*model.address)
    (old,) = (one for one in garbage(plain) if one.kind == "running record")
    assert old.path == record.path and record.take("k", "f") is None
    old.remove()
    assert record.path.exists() and garbage(plain) == [], "it is in use again"
    record.finish()


def test_an_exception_is_in_the_record_with_its_traceback(plain) -> None:
    items = chain(phases=({"steps": 60},), memory=True)
    list(make(plain, *items[:3]))
    last = lines_of(RunningRecord(*items[2].address))[-1]
    assert (last["event"], last["status"], last["step"]) == ("end", "oom", 20)
    assert "Traceback" in last["traceback"] and "MemoryError" in last["traceback"]


def test_the_last_words_of_a_dead_worker_are_written_for_it_unless_somebody_else_works_now(plain) -> None:
    model = chain()[2]
    record, failed = RunningRecord(*model.address), Failed(model.key, "killed", Place("train"), "SIGKILL")
    assert record.take(model.key, "f") is None
    store_failure(model, Planner(plain).fingerprint(model), plain, failed, "")
    assert events_of(record) == ["begin"], "somebody is at work: its record is none of ours"
    record.release()
    store_failure(model, Planner(plain).fingerprint(model), plain, failed, "")
    assert events_of(record) == ["begin", "end"] and attempt_at(record.path).over


def test_a_record_that_cannot_be_written_to_any_more_stops_nothing(fresh_home: Path) -> None:
    record = RunningRecord(*ADDRESS)
    assert record.take("k", "f") is None
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, record._file.fileno())
    os.close(full)
    record.progress(0, 1, 10, {"loss": 1.0})
    record.write("end", status="ok")
    assert events_of(record) == ["begin"]
    record.finish()
    assert not record.path.exists()
