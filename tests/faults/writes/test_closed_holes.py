"""What no file of the project may do, and what no file that it writes may hold."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest

from assets.catalogue import Catalogue
from orchestration.desk.processes import in_use
from orchestration.launch.home import prepare
from orchestration.project import definitions
from tests.orchestration.conftest import ROOT
from tests.orchestration.serving import Served, free_port

BANNED = [
    "import pickle", "from pickle import loads", "import cloudpickle", "import dill", "import joblib", "import marshal",
    "import shelve", "import jsonpickle", "import yaml",
    "import torch\ntorch.load('x')", "import torch\ntorch.save(1, 'x')",
    "import pandas as pd\npd.read_pickle('x')", "import equinox as eqx\neqx.tree_deserialise_leaves('x', 1)",
    "import mlflow\nmlflow.log_model(1)", "from mlflow import pyfunc",
    "import os\nos.system('x')", "import os\nos.popen('x')",
    "eval('1')", "exec('1')", "import subprocess\nsubprocess.run('x', shell=True)",
]  # fmt: skip


def complaints(source: str) -> str:
    """Return what the linter says of a module of the project."""
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--stdin-filename",
        "assets/trial.py",
        "--output-format",
        "concise",
        "-",
    ]
    done = subprocess.run(command, cwd=ROOT, input=source, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout


@pytest.mark.parametrize("source", BANNED)
def test_the_linter_refuses_what_pickles_or_runs_text(source: str) -> None:
    assert any(f" {rule} " in complaints(f'"""Trial."""\n\n{source}\n') for rule in ("TID251", "S102", "S307", "S602"))


@dg.op
def careless() -> dict:
    """Return a value, which Dagster would pickle."""
    return {"a": 1}


@dg.job(name="careless_job")
def careless_job() -> None:
    """Run it."""
    careless()


def test_an_output_is_refused_instead_of_pickled(fresh_home: Path) -> None:
    prepare()
    project = dg.Definitions.merge(definitions(Catalogue({}, {})), dg.Definitions(jobs=[careless_job]))
    with dg.DagsterInstance.get() as instance:
        done = project.resolve_job_def("careless_job").execute_in_process(instance=instance, raise_on_error=False)
    assert not done.success
    assert "assets write the store and return nothing" in str(done.all_events)


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[psutil.Process, Served]]:
    """The MLflow server of an empty home."""
    home, port = tmp_path_factory.mktemp("served") / "home", free_port()
    with (home.parent / "log").open("wb") as log:
        server = psutil.Popen(
            [sys.executable, "-m", "orchestration.desk.mlflow_server", str(port)],
            cwd=ROOT,
            env=os.environ | {"ORRERY_HOME": str(home), "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
        )
    limit = time.monotonic() + 120
    while not in_use("127.0.0.1", port):
        assert server.poll() is None and time.monotonic() < limit, (home.parent / "log").read_text()
        time.sleep(0.1)
    yield server, Served(port)
    family = [*server.children(recursive=True), server]
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=10)


@pytest.mark.ui
def test_mlflow_is_served_to_its_own_pages_on_loopback_and_runs_no_jobs(mlflow: tuple[psutil.Process, Served]) -> None:
    server, served = mlflow
    search = "/api/2.0/mlflow/experiments/search"
    assert served.ask("/").status == 200 and served.ask(search, "POST", {"max_results": 1}).status == 200
    for host in ("evil.example", "192.168.0.7", "10.0.0.7:5000", f"127.0.0.1:{served.port + 1}"):
        assert served.ask("/", host=host).status == 403, host
    assert served.ask(search, "POST", {"max_results": 1}, origin="http://evil.example").status == 403
    family = [server, *server.children(recursive=True)]
    listening = {c.laddr.ip for p in family for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}
    assert not [p for p in family if "huey" in " ".join(p.cmdline())]
    assert {p.environ()["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] for p in family} == {"false"}


TELEMETRY = """
import os, sys
from pathlib import Path
from assets.tracking.mlflow_runs import MlflowRuns
from assets.store.store import Store
from orchestration.launch.home import prepare

prepare()
MlflowRuns(Path(sys.argv[1]), Store())
from mlflow.telemetry.utils import is_telemetry_disabled
from dagster import DagsterInstance
print(is_telemetry_disabled(), DagsterInstance.get().telemetry_enabled)
"""


@pytest.mark.launch
def test_nothing_reports_to_anyone_whatever_the_environment_says(tmp_path: Path) -> None:
    quiet = ("DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY", "DAGSTER_DISABLE_TELEMETRY", "CI", "PYTEST_CURRENT_TEST")
    environment = {name: value for name, value in os.environ.items() if name not in quiet}
    environment |= {"ORRERY_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", TELEMETRY, str(tmp_path / "mlflow")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.split() == ["True", "False"], done.stderr
