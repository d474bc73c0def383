"""`orrery ui` as a person uses it: it says where it is, follows the sweep files, and leaves nothing behind."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.orchestration.conftest import Project, copy_project
from tests.orchestration.serving import Served, free_port

PARTITIONS = """query ($path: [String!]!) { assetNodeOrError(assetKey: {path: $path}) {
  ... on AssetNode { partitionKeys } } }"""
LAUNCH = """mutation ($job: ExecutionParams!) { launchRun(executionParams: $job) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""


def running_in(home: Path) -> list[psutil.Process]:
    """Return every process whose environment names a home."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("ORRERY_HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


class Ui:
    """A running `orrery ui` of one project."""

    def __init__(self, project: Project) -> None:
        self.home = project.root / "home"
        self.ports = free_port(), free_port()
        command = ["ui", "--port", str(self.ports[0]), "--mlflow-port", str(self.ports[1])]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", *command],
            cwd=project.root,
            env=project.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.desk = Served(self.ports[0])

    def wait_until_it_serves(self) -> str:
        """Return what it says until it is up."""
        said = ""
        for line in self.process.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        return said

    def end(self, number: signal.Signals) -> str:
        """Send a signal, and return what it said until its end."""
        self.process.send_signal(number)
        said, _ = self.process.communicate(timeout=60)
        return said


def until(seen: Callable[[], object], seconds: float) -> float:
    """Wait until something is so; return how long it took."""
    began = time.monotonic()
    while not seen():
        assert time.monotonic() - began < seconds, "it did not come about"
        time.sleep(0.2)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("user interface"))
    project.write_sweep(steps="100000")
    return project


@pytest.fixture(scope="module")
def ui(project: Project) -> Iterator[Ui]:
    ui = Ui(project)
    assert f"http://127.0.0.1:{ui.ports[0]} " in (said := ui.wait_until_it_serves()), said
    assert f"http://127.0.0.1:{ui.ports[1]} " in said
    yield ui
    if ui.process.poll() is None:
        ui.end(signal.SIGINT)


def test_nothing_listens_beyond_the_loopback_interface(ui: Ui) -> None:
    listening = [c for p in running_in(ui.home) for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert {c.laddr.port for c in listening} >= set(ui.ports)
    assert {c.laddr.ip for c in listening} <= {"127.0.0.1", "::1"}


def test_mlflow_answers_its_own_pages_only_and_runs_no_jobs(ui: Ui) -> None:
    mlflow = Served(ui.ports[1])
    assert ui.desk.ask("/mlflow").headers["location"] == f"http://127.0.0.1:{ui.ports[1]}"
    assert mlflow.ask("/").status == 200
    assert mlflow.ask("/", host="evil.example").status == 403
    search = "/api/2.0/mlflow/experiments/search"
    assert mlflow.ask(search, "POST", {"max_results": 1}, origin="http://evil.example").status == 403
    assert mlflow.ask(search, "POST", {"max_results": 1}).status == 200
    assert not [p for p in running_in(ui.home) if "huey" in " ".join(p.cmdline())]


def test_no_process_may_report_to_anyone(ui: Ui) -> None:
    for process in running_in(ui.home):
        environment = process.environ()
        assert environment["MLFLOW_DISABLE_TELEMETRY"] == environment["DAGSTER_DISABLE_TELEMETRY"] == "true"
        assert environment["DO_NOT_TRACK"] == "true"


def test_a_saved_sweep_file_shows_its_partitions_within_ten_seconds(ui: Ui, project: Project) -> None:
    def keys() -> list[str]:
        answer = ui.desk.graphql(PARTITIONS, path=["two_body", "model"])
        return answer["data"]["assetNodeOrError"]["partitionKeys"]

    until(lambda: len(keys()) == 2, 60)
    project.write_sweep("second", seeds="7, 8, 9")
    assert "has changed" in ui.desk.ask("/").text or len(keys()) == 5
    seconds = until(lambda: len(keys()) == 5, 60)
    print(f"shown after {seconds:.1f} s")
    assert "has changed" not in ui.desk.ask("/").text
    assert seconds < 10


def test_ctrl_c_ends_all_of_it_and_a_training_that_the_ui_started_is_kept(ui: Ui) -> None:
    job = {
        "selector": {
            "repositoryLocationName": "orrery",
            "repositoryName": "__repository__",
            "jobName": "two_body_sweep",
        },
        "runConfigData": {"ops": {"sweep": {"config": {"sweep": "two_body/tiny"}}}},
    }
    launched = ui.desk.graphql(LAUNCH, job=job)["data"]["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    until(lambda: [j for j in ui.desk.ask("/live/state").json if j["layer"] == "model" and j["curve"]], 200)
    began = time.monotonic()
    assert "orrery: stopped" in ui.end(signal.SIGINT)
    print(f"stopped after {time.monotonic() - began:.1f} s")
    assert ui.process.returncode == 0
    until(lambda: not running_in(ui.home), 5)
    manifests = [json.loads(p.read_text()) for p in (ui.home / "store/two_body/model").glob("*/manifest.json")]
    assert manifests and {m["status"] for m in manifests} == {"interrupted"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_it_starts_leaves_nothing(project: Project, number: signal.Signals) -> None:
    ui = Ui(project)
    until(lambda: len(running_in(ui.home)) >= 4, 60)
    assert "orrery: stopped" in ui.end(number)
    until(lambda: not running_in(ui.home), 5)


def test_killed_outright_it_leaves_nothing_either(project: Project) -> None:
    ui = Ui(project)
    until(lambda: len(running_in(ui.home)) >= 4, 60)
    ui.process.kill()
    ui.process.communicate()
    until(lambda: not running_in(ui.home), 60)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "*", ""])
def test_every_address_at_once_is_refused(project: Project, host: str) -> None:
    said = project.orrery("ui", "--host", host, code=2)
    assert len(said.splitlines()) == 1 and "expected the one address" in said


def test_what_is_gone_is_not_served(ui: Ui) -> None:
    with pytest.raises(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{ui.ports[0]}", timeout=5)
