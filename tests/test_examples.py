"""What the documents show works: the notebook, the Python use, every sweep file."""

import ast
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient
from typer.testing import CliRunner

from assets.identity.items import dataset_item, model_item, segments_item
from assets.search.search_file import load
from assets.stages.freshness import Planner
from assets.stages.make import run
from assets.store.store import Store
from assets.sweeps.sweep_file import load_sweep
from orchestration.cli import app
from tests.documents import ROOT, blocks, read, replaced
from trainers import STUDIES

NOTEBOOK = ROOT / "examples" / "quickstart.ipynb"


def run_notebook(path: Path, sweep: str) -> nbformat.NotebookNode:
    """Run a notebook on another sweep than the one it names."""
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    cells[0].source = replaced(cells[0].source, **{"two_body/heads": sweep})
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(ROOT)}}).execute()
    return notebook


def test_the_notebook_plots_an_orbit_of_a_stored_model(smoke: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MPLBACKEND")
    outputs = [output for cell in run_notebook(NOTEBOOK, "two_body/smoke").cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 1
    assert "acceleration_error_own_state" in outputs[-1]["data"]["text/plain"]


@pytest.mark.training
def test_the_notebook_of_urease_shows_what_a_longer_prefix_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MPLBACKEND")
    notebook = nbformat.read(ROOT / "examples" / "urease.ipynb", as_version=4)
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 1
    spread = ast.literal_eval(outputs[-1]["data"]["text/plain"])
    assert spread[30.0][1] > 0.8 and spread[300.0][1] < 0.6 and spread[300.0][0] < spread[30.0][0] < 0.3


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_output(path: Path) -> None:
    assert not any(cell.get("outputs") for cell in nbformat.read(path, as_version=4).cells)


SMALL = {
    "phase_field": (
        {"trajectories": 40, "grid": 32, "snapshots": 31, "step": 0.1},
        {
            "kind": "ridge",
            "parameters": ["mobility", "gradient_coefficient", "mean", "amplitude"],
            "train_fraction": 0.75,
        },
    ),
    "vehicle": ({"cars": 4, "runs": 2}, {"kind": "prior_mean", "refine": {"steps": 4}, "train_fraction": 0.75}),
}
"""A dataset and a model without training, for the notebook of each study."""


@pytest.mark.training
@pytest.mark.parametrize("name", SMALL)
def test_the_notebook_of_a_study_draws_its_model(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORRERY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home" / "dagster"))
    monkeypatch.delenv("MPLBACKEND")
    study, store = STUDIES[name], Store()
    settings, model_settings = SMALL[name]
    config = study.model.model_validate(model_settings)
    dataset = dataset_item(study.name, study.dataset.model_validate(settings))
    model = model_item(segments_item(dataset, config.segmentation()), config)
    for item in (dataset, model.segments, model):
        assert run(item, Planner(store).fingerprint(item), store).status == "ok"
    notebook = nbformat.read(ROOT / "examples" / f"{name}.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = cells[0].source.splitlines()
    assert sum("results" in line for line in shown) == 2, "the lines that choose a model"
    kept = [line for line in shown if "results" not in line]
    cells[0].source = replaced("\n".join(kept), **{'best["key"]': repr(model.key)})
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 1


@pytest.mark.training
def test_the_python_use_of_the_readme_works() -> None:
    (code,) = blocks("README.md", "python")
    names: dict = {}
    small = replaced(code, **{'"steps": 1000': '"steps": 2', "complex_planar_10": "complex_planar_1"})
    exec(compile(small, "README.md", "exec"), names)
    assert np.isfinite(names["field"].acceleration(names["test"].y[0, 0])).all()
    assert "acceleration_error_own_state" in set(names["result"].summary["metric"])


SWEEPS = [
    text for name in ("README.md", "docs/configuration.md") for text in blocks(name, "yaml") if text.startswith("study")
]


@pytest.mark.parametrize(("text", "rows"), zip(SWEEPS, (6, 20), strict=True))
def test_the_sweeps_in_documents_load(text: str, rows: int, tmp_path: Path) -> None:
    file = tmp_path / "shown.yaml"
    file.write_text(text)
    sweep = load_sweep(file)
    assert len(sweep.rows) == rows
    assert not sweep.warnings


def test_the_searches_in_documents_load(tmp_path: Path) -> None:
    whole, *variants = blocks("docs/searches.md", "yaml")
    (named,) = variants
    for text in (whole, whole + named):
        file = tmp_path / "shown.yaml"
        file.write_text(text)
        search = load(file)
        assert not search.warnings and len(search.corners) >= 3


def test_the_dataset_of_your_own_loads(tmp_path: Path) -> None:
    columns = pd.DataFrame({name: [0.0, 1.0] for name in ("orbit", "t", "x", "y", "z", "vx", "vy", "vz")})
    columns.assign(orbit=0).to_parquet(tmp_path / "orbits.parquet")
    (text,) = (text for text in blocks("docs/configuration.md", "yaml") if text.startswith("base"))
    file = tmp_path / "own.yaml"
    file.write_text("study: two_body\n" + replaced(text, **{"data/orbits.parquet": f"{tmp_path}/orbits.parquet"}))
    (row,) = load_sweep(file).rows
    assert row.configuration.dataset.file.endswith("orbits.parquet")


BEHAVIOUR = {"first": [1.0, 0.0, 0.8, 1.5, -2.0, -0.5], "second": [0.6, 0.0, 2.0, 0.7, 1.5, 1.0]}
"""The unknowns of the example series, in the flat order; noise of 1 % was added."""


@pytest.fixture(scope="module")
def behaviour_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Store a model of least squares that knows the range of the unknowns, and return its key."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("examples") / "home"
        patch.setenv("ORRERY_HOME", str(home))
        patch.setenv("DAGSTER_HOME", str(home / "dagster"))
        patch.chdir(ROOT)
        study, store = STUDIES["preference_dynamics"], Store()
        config = study.model.model_validate({"kind": "fit", "refine": {"steps": 30, "starts": 10}})
        dataset = dataset_item(study.name, study.dataset.model_validate({"trajectories": 20}))
        model = model_item(segments_item(dataset, config.segmentation()), config)
        for item in (dataset, model.segments, model):
            assert run(item, Planner(store).fingerprint(item), store).status == "ok"
        yield model.key


def shown_fit(name: str, key: str) -> list[str]:
    """Return the arguments of `orrery fit` as a document shows it."""
    (text,) = (text for text in blocks(name, "bash") if text.startswith("orrery fit"))
    return shlex.split(replaced(text, **{"<key>": key}).replace("\\\n", " "))[1:]


def test_the_fit_in_the_documents_recovers_the_unknowns_of_the_example(behaviour_model: str, tmp_path: Path) -> None:
    arguments = shown_fit("docs/commands.md", behaviour_model)
    out = tmp_path / arguments[arguments.index("--out") + 1]
    arguments[arguments.index("--out") + 1] = str(out)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    rows = pd.read_csv(out / "estimates.csv", keep_default_na=False)
    assert list(dict.fromkeys(rows["trajectory"])) == list(BEHAVIOUR)
    clear = (rows["caveat"] == "").to_numpy()
    error = np.abs(rows["estimate"] - np.concatenate(list(BEHAVIOUR.values())))
    assert clear.sum() >= 9 and error[clear].max() < 0.2
    pictures = {path.stem for path in out.glob("*.png")}
    assert pictures == {"estimates_with_intervals", "measured_and_predicted"}


def test_yaml_python_and_command_say_the_same(behaviour_model: str, tmp_path: Path) -> None:
    (text,) = (text for text in blocks("docs/commands.md", "yaml") if text.startswith("file"))
    (tmp_path / "own.yaml").write_text(text)
    (code,) = (text for text in blocks("docs/commands.md", "python") if "model.fit" in text)
    names: dict = {}
    exec(compile(replaced(code, **{"<key>": behaviour_model}), "commands.md", "exec"), names)
    estimates = names["fit"].estimates["estimate"]
    shown = shown_fit("docs/preference_dynamics.md", behaviour_model)
    for arguments in (shown, ["fit", behaviour_model, str(tmp_path / "own.yaml"), "--out", str(tmp_path / "fit")]):
        done = CliRunner().invoke(app, [*arguments, "--json"])
        assert done.exit_code == 0, done.output
        assert [row["estimate"] for row in json.loads(done.stdout)["estimates"]] == list(estimates)


def test_every_metric_is_documented(smoke: Path) -> None:
    import assets

    table = assets.table("two_body/smoke")
    measured = set(assets.load("two_body", table["key"][0]).evaluations["complex_planar_1_test"].summary["metric"])
    of_orbits, heading, _ = read("docs/two_body.md").partition("## Dynamics of any state")
    assert heading
    documented = set(re.findall(r"`([a-z_0-9]+)`", "".join(re.findall(r"^\| (`.*?) \|", of_orbits, re.M))))
    assert measured - documented == set()
    assert documented - measured - {"mlp_4D", "mse_weight"} == set()
