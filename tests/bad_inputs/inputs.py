"""Inputs in the manner of public bug reports: sweeps and data that go wrong where a check is missing."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from assets.search.search import Search
from assets.search.search_file import load
from assets.stages.freshness import Planner
from assets.stages.make import run
from assets.statistics.sweep_table import sweep_table
from assets.store.store import Store
from assets.sweeps.file_dataset import FileDataset
from assets.sweeps.sweep import Sweep
from tests.documents import ROOT

FOLDER = ROOT / "tests/bad_inputs"


def path_of(name: str) -> Path:
    return FOLDER / "sweeps" / f"{name}.yaml"


def settings(name: str) -> dict[str, Any]:
    return json.loads(json.dumps(YAML(typ="safe").load(path_of(name))))


def write(folder: Path, content: Mapping[str, Any], name: str = "own") -> Path:
    """Write a sweep; JSON is YAML."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.yaml"
    file.write_text(json.dumps(content))
    return file


def loaded(file: Path) -> Sweep:
    sweep = load(file)
    assert not isinstance(sweep, Search)
    return sweep


def made(sweep: Sweep) -> pd.DataFrame:
    """Make everything that a sweep needs in this process, and return its table."""
    store = Store()
    for item in dict.fromkeys(item for row in sweep.rows for item in row.items()):
        run(item, Planner(store).fingerprint(item), store)
    return sweep_table(sweep, store)


def dataset(file: str, **changes: Any) -> FileDataset:
    """Describe a file of `data` as orbits in DU and TU, whose columns have the names of the channels."""
    own = settings("order")["base"]["dataset"] | {"file": f"tests/bad_inputs/data/{file}"}
    if file.endswith("npz"):
        own["trajectory"] = None
    return FileDataset.model_validate(own | changes)
