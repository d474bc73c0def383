"""`orrery ui` as a person uses it: it says where it is, follows the sweep files, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from docs.browser import browser, installed
from tests.faults.pipeline import register
from tests.faults.project import PlainProject, plain_project
from tests.homes import begin_home
from tests.orchestration.serving import Served, free_port
from tests.test_house import is_pickle

pytestmark = pytest.mark.ui

LAYERS = ("dataset", "segments", "model", "evaluation", "leaderboard", "report")
EVENTS = """query ($path: [String!]!) { assetNodeOrError(assetKey: {path: $path}) { ... on AssetNode {
  assetMaterializations(limit: 20) { partition metadataEntries {
    __typename label ... on MarkdownMetadataEntry { mdStr } ... on UrlMetadataEntry { url }
    ... on TableSchemaMetadataEntry { schema { columns { name type } } } ... on IntMetadataEntry { intValue }
    ... on FloatMetadataEntry { floatValue } } } } } }"""
PARTITIONS = """query ($path: [String!]!) { assetNodeOrError(assetKey: {path: $path}) {
  ... on AssetNode { partitionKeys } } }"""
STALE = """query ($path: [String!]!, $key: String!) { assetNodeOrError(assetKey: {path: $path}) {
  ... on AssetNode { staleStatus(partition: $key) staleCauses(partition: $key) { reason } } } }"""
LAUNCH = """mutation ($job: ExecutionParams!) { launchRun(executionParams: $job) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""


def running_in(home: Path) -> list[psutil.Process]:
    """Return every process whose environment names a home."""
    processes = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("ORRERY_HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                processes.append(process)
        except psutil.Error:
            continue
    return processes


class Ui:
    """A running `orrery ui` of one project."""

    def __init__(self, project: PlainProject) -> None:
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
        output = ""
        for line in self.process.stdout:
            output += line
            if "Ctrl-C" in line:
                break
        return output

    def end(self, number: signal.Signals) -> str:
        """Send a signal, and return what it said until its end."""
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=60)
        return output


def until(condition: Callable[[], object], seconds: float) -> float:
    """Wait until something is so; return how long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it did not come about"
        time.sleep(0.2)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainProject]:
    """A project in which one sweep has run, is tracked, and has its report."""
    with pytest.MonkeyPatch.context() as patch:
        register(patch)
        patch.setattr(PlainProject, "environment", property(tracked))
        project = plain_project(tmp_path_factory.mktemp("user interface"))
        begin_home(project.home)
        project.orrery("run", project.sweep(axes="model.seed: [0, 1]"))
        yield project


def tracked(project: PlainProject) -> dict[str, str]:
    return super(PlainProject, project).environment | {
        "PYTHONUNBUFFERED": "1",
        "ORRERY_REPORT": "on",
        "ORRERY_TRACKING": "on",
    }


@pytest.fixture(scope="module")
def ui(project: PlainProject) -> Iterator[Ui]:
    ui = Ui(project)
    assert f"http://127.0.0.1:{ui.ports[0]} " in (output := ui.wait_until_it_serves()), output
    assert f"http://127.0.0.1:{ui.ports[1]} " in output
    until(lambda: keys(ui), 60)
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


def keys(ui: Ui) -> list[str]:
    """Return the partitions of the models that the Dagster UI shows."""
    answer = ui.desk.graphql(PARTITIONS, path=["plain", "model"])
    return answer["data"]["assetNodeOrError"].get("partitionKeys", [])


def events(ui: Ui, layer: str) -> list[dict]:
    """Return the metadata of every materialization that the UI shows of a layer, by label."""
    answer = ui.desk.graphql(EVENTS, path=["plain", layer])["data"]["assetNodeOrError"]
    events = answer["assetMaterializations"]
    return [{entry["label"]: entry for entry in event["metadataEntries"]} for event in events]


@pytest.mark.parametrize("layer", LAYERS)
def test_every_link_on_a_partition_page_answers(ui: Ui, layer: str) -> None:
    pages = events(ui, layer)
    assert len(pages) == {"segments": 1, "leaderboard": 1, "report": 1}.get(layer, 2)
    for page in pages:
        links = re.findall(r"\]\((/[^)]+)\)", page["links"]["mdStr"])
        links += [entry["url"] for entry in page.values() if entry["__typename"] == "UrlMetadataEntry"]
        pages_named = {link.split("/")[1].split("?")[0].split("#")[0] for link in links}
        of_a_model = (
            {"report", "failures", "compare", "figures", "mlflow"} if layer in ("model", "evaluation") else set()
        )
        assert pages_named >= {"files"} | of_a_model
        for link in links:
            assert follow(ui, link), link


def follow(ui: Ui, link: str) -> bool:
    """Go where a link of a partition page leads; return whether something answers there."""
    answer = ui.desk.ask(link.partition("#")[0])
    if answer.status == 307 and (place := answer.headers["location"]).startswith("http"):
        assert place == f"http://127.0.0.1:{ui.ports[1]}", "the MLflow UI of this home"
        run = link.rpartition("/")[2]
        return Served(ui.ports[1]).ask(f"/api/2.0/mlflow/runs/get?run_id={run}").json["run"]["info"]["run_id"] == run
    if answer.status == 307:
        answer = ui.desk.ask(answer.headers["location"])
    return answer.status == 200


def test_a_model_page_has_a_picture_its_columns_and_numbers_that_plot(ui: Ui) -> None:
    for page in events(ui, "model"):
        assert page["loss"]["mdStr"].startswith("![loss](data:image/png;base64,") and len(page["loss"]["mdStr"]) < 500
        columns = {column["name"]: column["type"] for column in page["dagster/column_schema"]["schema"]["columns"]}
        assert columns == {"phase": "int64", "step": "int64", "learning_rate": "float64", "loss": "float64"}
        assert page["dagster/row_count"]["intValue"] == 60 and page["seconds/train"]["floatValue"] > 0
    for page in events(ui, "evaluation"):
        assert page["test/step_error"]["floatValue"] > 0


def test_what_the_store_calls_fresh_is_not_stale_in_the_ui(ui: Ui) -> None:
    for layer in ("dataset", "segments", "model", "evaluation"):
        answer = ui.desk.graphql(PARTITIONS, path=["plain", layer])["data"]["assetNodeOrError"]
        for key in answer["partitionKeys"]:
            status = ui.desk.graphql(STALE, path=["plain", layer], key=key)["data"]["assetNodeOrError"]
            assert status == {"staleStatus": "FRESH", "staleCauses": []}, (layer, key)


def test_a_saved_sweep_file_shows_its_partitions_within_ten_seconds(ui: Ui, project: PlainProject) -> None:
    assert len(keys(ui)) == 2
    project.sweep("long", axes="model.seed: [7]", pause=0.2, phases="[{steps: 100000}]")
    began = time.monotonic()
    while len(keys(ui)) < 3:
        text = ui.desk.ask("/").text
        assert "has changed" in text or len(keys(ui)) == 3, "neither the partitions nor a banner"
        assert time.monotonic() - began < 60
        time.sleep(0.2)
    seconds = time.monotonic() - began
    print(f"shown after {seconds:.1f} s")
    until(lambda: "has changed" not in ui.desk.ask("/").text, 60)
    assert seconds < 10 * max(1.0, os.getloadavg()[0]), "of a machine that has nothing else to do"


@pytest.mark.skipif(installed() is None, reason="needs Chromium")
def test_an_open_page_of_the_dagster_ui_shows_new_partitions(ui: Ui, project: PlainProject) -> None:
    with browser() as tab:
        tab.open(f"http://127.0.0.1:{ui.ports[0]}/assets/plain/model?view=partitions", 1400, 900)
        tab.shows(f"{len(keys(ui))} Partitions Selected")
        project.sweep("further", axes="model.seed: [8, 9]")
        seconds = tab.shows("5 Partitions Selected")
    print(f"shown after {seconds:.1f} s")
    (project.root / "sweeps/plain/further.yaml").unlink()
    until(lambda: len(keys(ui)) == 3, 60)
    assert seconds < 10 * max(1.0, os.getloadavg()[0])


def launch(ui: Ui, sweep: str) -> None:
    """Start the job of a sweep as the UI does."""
    selector = {"repositoryLocationName": "orrery", "repositoryName": "__repository__", "jobName": "plain_sweep"}
    job = {"selector": selector, "runConfigData": {"ops": {"sweep": {"config": {"sweep": sweep}}}}}
    launched = ui.desk.graphql(LAUNCH, job=job)["data"]["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched


def training(ui: Ui) -> list[dict]:
    return [job for job in ui.desk.ask("/live/state").json if job["layer"] == "model" and job["curve"]]


def manifest(project: PlainProject, seed: int = 7) -> dict:
    """Return the manifest of the long training, or of the one with another seed; an empty one if there is none."""
    models = [project.manifest("model", key.split("/")[1]) for key in project.manifests("model")]
    return next((one for one in models if one["config"].get("seed") == seed), {})


def test_the_stop_button_ends_a_training_that_runs_and_its_best_is_kept(ui: Ui, project: PlainProject) -> None:
    launch(ui, "plain/long")
    until(lambda: training(ui), 120)
    (job,) = training(ui)
    body = {"study": job["study"], "hash": job["hash"]}
    assert ui.desk.ask("/live/stop", "POST", body).json == {"stopping": True}
    until(lambda: not ui.desk.ask("/live/state").json, 120)
    until(lambda: manifest(project)["status"] == "interrupted", 120)


def test_one_ctrl_c_ends_the_ui_and_its_run_and_the_next_run_resumes(ui: Ui, project: PlainProject) -> None:
    """The run that the UI started, its workers, daemon, MLflow: nothing is left, the training is kept."""
    name = project.sweep("evening", axes="model.seed: [8]", pause=0.2, phases="[{steps: 600}]")
    until(lambda: len(keys(ui)) == 4 and not project.left(), 60)
    launch(ui, name)
    until(lambda: training(ui), 120)
    began = time.monotonic()
    assert "orrery: stopped" in ui.end(signal.SIGINT)
    print(f"stopped after {time.monotonic() - began:.1f} s")
    assert ui.process.returncode == 0
    until(lambda: not running_in(ui.home), 60)
    stopped = manifest(project, seed=8)
    assert stopped["status"] == "interrupted" and 0 < stopped["failure"]["step"] < 600
    assert "trained 1, evaluated 1, cached 0, failed 0" in project.orrery("run", name)
    assert manifest(project, seed=8)["resumed"] == {"step": stopped["failure"]["step"], "refused": []}
    assert not project.left()


def test_no_file_that_any_of_it_wrote_is_a_pickle(project: PlainProject) -> None:
    files = [path for path in project.home.rglob("*") if path.is_file()]
    assert {"dagster", "mlflow", "store", "logs"} <= {path.relative_to(project.home).parts[0] for path in files}
    assert not [path for path in files if is_pickle(path.read_bytes())]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_it_starts_leaves_nothing(project: PlainProject, number: signal.Signals) -> None:
    ui = Ui(project)
    until(lambda: len(running_in(ui.home)) >= 4, 60)
    assert "orrery: stopped" in ui.end(number)
    until(lambda: not running_in(ui.home), 60)


def test_a_killed_ui_leaves_no_process(project: PlainProject) -> None:
    ui = Ui(project)
    until(lambda: len(running_in(ui.home)) >= 4, 60)
    ui.process.kill()
    ui.process.communicate()
    until(lambda: not running_in(ui.home), 60)


def test_a_ui_that_has_ended_serves_nothing(ui: Ui) -> None:
    with pytest.raises(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{ui.ports[0]}", timeout=5)
