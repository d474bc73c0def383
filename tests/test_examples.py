"""What the documents show works: the notebook, the Python use, every sweep file."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

from assets.search.search_file import load
from assets.sweeps.sweep_file import load_sweep
from tests.documents import ROOT, blocks, read, replaced

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


def test_the_notebook_is_kept_without_output() -> None:
    assert not any(cell.get("outputs") for cell in nbformat.read(NOTEBOOK, as_version=4).cells)


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


def test_every_metric_is_documented(smoke: Path) -> None:
    import assets

    table = assets.table("two_body/smoke")
    measured = set(assets.load("two_body", table["key"][0]).evaluations["complex_planar_1_test"].summary["metric"])
    documented = set(
        re.findall(r"`([a-z_0-9]+)`", "".join(re.findall(r"^\| (`.*?) \|", read("docs/two_body.md"), re.M)))
    )
    assert measured - documented == set()
    assert documented - measured - {"mlp_4D", "mse_weight"} == set()
