"""The journal of a training: what it did, when, and how it ended, whatever ended it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assets.garbage_collection import garbage
from assets.home.journal import Journal
from assets.stages.freshness import Planner
from assets.stages.make import run
from tests.faults.pipeline import TWO_PHASES, chain, make
from tests.faults.project import wait_until
from tests.orchestration.conftest import ROOT

pytestmark = pytest.mark.launch

TRAINING = """
from tests.faults.pipeline import *
STUDIES[STUDY.name] = STUDY
list(make(Store(), *chain(pause=0.05)))
"""


def lines_of(journal: Journal) -> list[dict]:
    return [json.loads(line) for line in journal.path.read_text().splitlines()]


def test_after_a_kill_the_journal_says_when_it_began_and_how_far_it_was(plain) -> None:
    model = chain(pause=0.05)[2]
    journal = Journal(*model.address)
    training = subprocess.Popen([sys.executable, "-c", TRAINING], cwd=ROOT)
    wait_until(lambda: journal.path.exists() and "progress" in journal.path.read_text())
    wait_until(lambda: any(line.get("step") == TWO_PHASES[0]["steps"] for line in lines_of(journal)))
    training.kill()
    training.wait()
    begun, *_, last = lines_of(journal)
    assert (begun["event"], begun["pid"], begun["key"]) == ("begin", training.pid, model.key)
    assert last["event"] == "progress" and last["losses"]["loss"] > 0 and last["time"] > begun["time"]
    list(make(plain, model))
    assert plain.manifest(*model.address)["status"] == "ok" and not journal.path.exists()


def test_every_attempt_is_told_with_its_end_and_the_failures_name_the_file(plain) -> None:
    items = chain(phases=({"steps": 60},))
    model, journal = items[2], Journal(*items[2].address)
    list(make(plain, *items[:2]))
    fingerprint = Planner(plain).fingerprint(model)
    for stop in (20, 40):
        assert run(model, fingerprint, plain, lambda p, stop=stop: p.step >= stop).status == "interrupted"
    told = lines_of(journal)
    assert [line["event"] for line in told] == ["begin", "progress", "end", "begin", "resumed", "progress", "end"]
    assert [line["step"] for line in told if line["event"] == "end"] == [20, 40]
    assert told[4]["step"] == 20 and told[-1]["detail"] == "stopped at step 40; run again to resume"
    assert [one.path for one in garbage(plain)] == [], "the row is not ok: its journal is of use"
    plain.remove(*model.address)
    assert [one.path for one in garbage(plain) if one.kind == "journal"] == [journal.path]


def test_an_exception_is_in_the_journal_with_its_traceback(plain) -> None:
    items = chain(phases=({"steps": 60},), memory=True)
    list(make(plain, *items[:3]))
    last = lines_of(Journal(*items[2].address))[-1]
    assert (last["event"], last["status"], last["step"]) == ("end", "oom", 20)
    assert "Traceback" in last["traceback"] and "MemoryError" in last["traceback"]


def test_a_journal_that_cannot_be_written_stops_nothing(plain, fresh_home: Path) -> None:
    fresh_home.mkdir(exist_ok=True)
    (fresh_home / "journals").write_text("a file where the directory belongs")
    assert [outcome.status for outcome in make(plain, *chain())] == ["ok"] * 5
    assert (fresh_home / "journals").is_file()
