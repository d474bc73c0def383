"""First use by 16 processes at once: every schema is created once, every artifact is whole, nobody fails.

Every fourth of them begins MLflow's database, which takes a second of CPU each.
"""

import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest

from assets.store.store import Store
from assets.tracking import mlflow_database
from assets.tracking.mlflow_runs import MlflowRuns
from tests.orchestration.conftest import ROOT

pytestmark = pytest.mark.launch

PROCESSES = 16

FIRST_USE = """
import os, sys, time, traceback
from pathlib import Path

import dagster as dg
import mlflow

from assets.home.running import RunningRecord
from assets.tracking.mlflow_runs import MlflowRuns
from assets.store.store import Store, home
from orchestration.launch.home import prepare

def use(number):
    prepare()
    with dg.DagsterInstance.get() as instance:
        event = dg.AssetMaterialization("first", metadata={"number": number})
        instance.report_runless_asset_event(event)
    if number % 4 == 0:
        runs = MlflowRuns(home() / "mlflow", Store())
        runs._client.create_run(runs.experiment("plain"), run_name=str(number))
    with Store().writing("plain", "model", "0123456789ab") as draft:
        draft.json("trained", {"number": number})
    record = RunningRecord("plain", "model", f"{number:012x}")
    assert record.take("key", "fingerprint") is None
    record.finish()

begin = time.monotonic() + 0.5
for number in range(int(sys.argv[1])):
    if os.fork() == 0:
        time.sleep(max(0.0, begin - time.monotonic()))
        try:
            use(number)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
codes = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(int(sys.argv[1]))]
sys.exit(sum(codes))
"""


def one(database: Path, query: str) -> list:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


def test_sixteen_first_users_at_once_create_everything_once(fresh_home: Path) -> None:
    (torn := fresh_home / "mlflow/.mlflow.db-4194305").parent.mkdir(parents=True)
    torn.write_text("what a killed process left of a database")
    command = [sys.executable, "-c", FIRST_USE, str(PROCESSES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    database = fresh_home / "mlflow" / "mlflow.db"
    assert one(database, "SELECT count(*) FROM alembic_version") == [(1,)]
    assert one(database, "SELECT name FROM experiments WHERE name = 'plain'") == [("plain",)]
    assert {name for (name,) in one(database, "SELECT name FROM runs")} == set(map(str, range(0, PROCESSES, 4)))
    assert one(database, "PRAGMA integrity_check") == [("ok",)]
    with dg.DagsterInstance.from_config(str(fresh_home / "dagster")) as instance:
        events = instance.fetch_materializations(dg.AssetKey("first"), limit=100).records
        numbers = {event.asset_materialization.metadata["number"].value for event in events}
    assert numbers == set(range(PROCESSES))
    assert Store().open("plain", "model", "0123456789ab").json("trained")["number"] in range(PROCESSES)
    leftovers = [*fresh_home.glob("store/*/*/.*-*"), *fresh_home.glob("running/*"), *torn.parent.glob(".mlflow*")]
    assert leftovers == []


def test_the_second_of_two_first_users_of_the_tracker_waits_for_the_first(
    fresh_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = []

    def create(database: Path) -> None:
        created.append(database)
        time.sleep(0.5)  # the other one has looked by now
        mlflow_database.create(database)

    monkeypatch.setattr("assets.tracking.mlflow_runs.create", create)
    with ThreadPoolExecutor(2) as pool:
        first, other = pool.map(lambda _: MlflowRuns(fresh_home / "mlflow", Store()), range(2))
    assert created == [fresh_home / "mlflow/mlflow.db"]
    assert first.experiment("plain") == other.experiment("plain")
