"""The pipeline of one plain configuration, from dataset to evaluation, in this process and without an orchestrator."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assets.identity.canonical import Item
from assets.identity.items import dataset_item, evaluation_item, model_item, segments_item
from assets.stages.freshness import Planner
from assets.stages.make import run
from assets.stages.tasks import Outcome
from assets.store.store import Store
from tests.installed_studies import INSTALLED
from tests.plain_study import STUDY
from tests.plain_study.config import PRESETS, DatasetConfig, ModelConfig
from trainers import STUDIES

LASTING = ("key", "label", "status", "config", "fingerprint", "parts", "rows", "seed", "failure", "data")

TWO_PHASES = ({"steps": 20}, {"steps": 20, "segment_length": 4})


def register(patch: pytest.MonkeyPatch) -> None:
    """Let this process and its workers know the plain study."""
    patch.setitem(STUDIES, STUDY.name, STUDY)
    patch.setenv("PYTHONPATH", str(INSTALLED))


def chain(dataset: DatasetConfig = DatasetConfig(trajectories=4), **settings: Any) -> tuple[Item, ...]:
    """Return dataset, segments, model, test set and evaluation of one configuration."""
    config = ModelConfig.model_validate({"phases": TWO_PHASES} | settings)
    segments = segments_item(dataset_item(STUDY.name, dataset), config.segmentation())
    model, test = model_item(segments, config), dataset_item(STUDY.name, PRESETS["test"])
    return (*model.upstream(), model, test, evaluation_item(model, "test", test))


def make(store: Store, *items: Item) -> Iterator[Outcome]:
    """Make what is due of some items and can be made."""
    for item in items:
        planner = Planner(store)
        if planner.verdict(item).due and not any(planner.verdict(one).due for one in item.inputs):
            yield run(item, planner.fingerprint(item), store)


def manifests(store: Path, layer: str = "*") -> dict[str, dict]:
    """Return every manifest of the plain study by layer and hash, without what differs between two equal runs.

    Reports are left out: they tell times.
    """
    files = sorted(store.glob(f"plain/{layer}/[0-9a-f]*/manifest.json"))
    paths = [path for path in files if path.parts[-3] != "report"]
    return {f"{path.parts[-3]}/{path.parts[-2]}": lasting(json.loads(path.read_text())) for path in paths}


def lasting(manifest: dict) -> dict:
    """Return the part of a manifest that two equal runs share: no times, and of the files those without times."""
    fields = {name: manifest[name] for name in LASTING if name in manifest}
    return fields | {"files": {n: entry["sha256"] for n, entry in manifest["files"].items() if n != "trained.json"}}
