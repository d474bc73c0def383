"""A tracker that is down, slow, refuses, is killed half-way or comes back: trainings go on, each is one whole run."""

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assets.identity.canonical import Item
from assets.store.store import Store
from assets.tracking.tracker import Tracker
from tests.faults.pipeline import chain, make
from tests.orchestration.conftest import ROOT

pytestmark = pytest.mark.launch


@pytest.fixture
def models(plain: Store) -> list[Item]:
    """Three stored models."""
    chains = [chain(seed=seed) for seed in range(3)]
    assert all(outcome.status == "ok" for items in chains for outcome in make(plain, *items))
    return [items[2] for items in chains]


def runs_of(directory: Path) -> dict[str, tuple[str, int]]:
    """Return status and length of the loss curve of every run, by the tag that says whose it is."""
    with sqlite3.connect(directory / "mlflow.db") as database:
        rows = database.execute(
            "SELECT t.value, r.status, (SELECT count(*) FROM metrics m WHERE m.run_uuid = r.run_uuid "
            "AND m.key = 'history/loss') FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid WHERE t.key = 'orrery.hash'"
        ).fetchall()
    assert len({hash for hash, *_ in rows}) == len(rows), "a model was logged twice"
    return {hash: (status, points) for hash, status, points in rows}


def test_a_tracker_that_refuses_and_comes_back_is_warned_of_once_and_made_up_for(
    plain: Store,
    models: list[Item],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = tmp_path / "mlflow"
    place.write_text("a file where the directory belongs")
    with caplog.at_level(logging.WARNING, "orrery.tracking"):
        down = Tracker(place, plain)
        began = time.monotonic()
        assert [down.log(model, []) for model in models] == [None] * 3
    assert time.monotonic() - began < 30
    assert len([record for record in caplog.records if record.name == "orrery.tracking"]) == 1
    place.unlink()
    monkeypatch.setattr("assets.tracking.tracker.STARTUP_SECONDS", 240.0)  # a busy machine is no fault here
    back = Tracker(place, plain, patience=60.0)
    assert all(back.log(model, []) for model in models)
    assert all(back.log(model, []) for model in models)
    whole = runs_of(place)
    assert set(whole) == {model.hash for model in models}
    assert {status for status, _ in whole.values()} == {"FINISHED"} and all(
        points >= 30 for _, points in whole.values()
    )
    killed_half_way(plain, models[0], place)
    assert Tracker(place, plain, patience=60.0).log(models[0], [])
    assert runs_of(place) == whole


KILLED = """
import sys
from pathlib import Path
from assets.tracking.mlflow_runs import MlflowRuns
from assets.store.store import Store
from tests.faults.pipeline import chain

runs = MlflowRuns(Path(sys.argv[1]), Store())
runs._client.log_batch = lambda *given, **named: print("begun", flush=True) or sys.stdin.read()
runs.log(chain(seed=0)[2], [], "")
"""


def killed_half_way(store: Store, model: Item, place: Path) -> None:
    """Take a run out of the database, and kill the process that logs it again right after it has begun."""
    with sqlite3.connect(place / "mlflow.db") as database:
        (run,) = database.execute("SELECT run_uuid FROM tags WHERE value = ?", (model.hash,)).fetchone()
        for table in ("metrics", "latest_metrics", "params", "tags", "runs"):
            database.execute(f"DELETE FROM {table} WHERE run_uuid = ?", (run,))
    command = [sys.executable, "-c", KILLED, str(place)]
    writer = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert writer.stdout.readline() == b"begun\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    assert runs_of(place)[model.hash] == ("RUNNING", 0)


class Sleepy:
    """A database that answers after an hour."""

    def __init__(self, *arguments: object) -> None:
        pass

    def log(self, *arguments: object) -> str:
        time.sleep(3600)
        return "late"


def test_a_tracker_that_sleeps_delays_a_row_by_a_second_at_most(
    plain: Store, models: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("assets.tracking.mlflow_runs.MlflowRuns", Sleepy)
    tracker = Tracker(tmp_path / "mlflow", plain)
    assert tracker.prepare()
    with caplog.at_level(logging.WARNING, "orrery.tracking"):
        began = time.monotonic()
        assert [tracker.log(model, []) for model in models] == [None] * 3
        assert time.monotonic() - began < 1.2 * len(models) * min(max(1.0, os.getloadavg()[0]), 3.0)
    assert len([record for record in caplog.records if record.name == "orrery.tracking"]) == 1
