"""What a sweep left, for people and notebooks: one trained model, or the table of a sweep."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assets.stages.freshness import Planner
from assets.statistics.costs import costs_of_evaluation, costs_of_model
from assets.store.contract_files import read_evaluation, read_trained
from assets.store.lookup import hash_named
from assets.store.store import Missing, Store
from trainers import STUDIES
from trainers.study import Config, Evaluation, ModelConfigBase, Trained

if TYPE_CHECKING:
    import pandas as pd

    from assets.sweeps.sweep import Row, Sweep


@dataclass(frozen=True)
class Loaded:
    """A trained model from the store, with what it was made of."""

    study: str
    key: str
    config: ModelConfigBase
    dataset: Config
    trained: Trained
    manifest: Mapping[str, Any] = field(repr=False)
    store: Store = field(repr=False)

    @property
    def history(self) -> pd.DataFrame:
        """Losses by step."""
        return self.trained.history

    @cached_property
    def predictor(self) -> Any:
        """The predictor in the study's own terms."""
        return STUDIES[self.study].apply(self.config, self.trained)

    @cached_property
    def evaluations(self) -> dict[str, Evaluation]:
        """Every stored evaluation of this very model, by the name of its test set."""
        this = (f"model/{self.manifest['hash']}", self.manifest["fingerprint"])
        found = {}
        for hash in self.store.hashes(self.study, "evaluation"):
            manifest = self.store.manifest(self.study, "evaluation", hash)
            if manifest and manifest["status"] == "ok" and this in manifest["parts"]["inputs"].items():
                found[manifest["config"]["test"]] = read_evaluation(self.store.open(self.study, "evaluation", hash))
        return found


def load(study: str, key: str, store: Store | None = None) -> Loaded:
    """Load a trained model by its partition key, its hash, or the beginning of either.

    Raises:
        Missing: there is none, or it failed; one line with what to do.
    """
    store = store or Store()
    if study not in STUDIES:
        raise Missing(f"unknown study {study!r}; expected one of {', '.join(STUDIES)}")
    artifact = store.open(study, "model", hash_named(store, study, "model", key))
    manifest = artifact.manifest
    if manifest["status"] != "ok":
        raise Missing(f"{manifest['key']} has no trained model: {manifest['status']}; see `orrery show {study}/{key}`")
    return Loaded(
        study,
        manifest["key"],
        STUDIES[study].model.model_validate(manifest["config"]),
        dataset_of(store, study, manifest),
        read_trained(artifact),
        manifest,
        store,
    )


def dataset_of(store: Store, study: str, model: Mapping[str, Any]) -> Config:
    """Return the configuration of the dataset that a model was trained on, given the manifest of the model.

    Raises:
        Missing: what it was made of is not in the store any more.
    """
    from assets.sweeps.file_dataset import FileDataset, is_file

    manifest = model
    for layer in ("segments", "dataset"):
        address = next(name for name in manifest["parts"]["inputs"] if name.startswith(f"{layer}/"))
        manifest = store.manifest(study, layer, address.split("/")[1]) or {}
        if not manifest:
            raise Missing(f"{address} of {study}, which {model['key']} was made of, is not in the store; run its sweep")
    kind = FileDataset if is_file(manifest["config"]) else STUDIES[study].dataset
    return kind.model_validate(manifest["config"])


def sweep_table(sweep: Sweep, store: Store) -> pd.DataFrame:
    """Return a tidy table: one row per configuration and test set.

    Columns: the sweep's axes, key, hash, dataset, the counts of the segmentation's last phase, what each stage cost
    (`assets/statistics/costs.py`), fingerprint, commit, status, test, test_dataset, code (of training and of
    evaluation), unit of the first headline metric, and one per metric, the study's headline first. A row that is
    not `ok` has NaN for its metrics.
    """
    import pandas as pd

    planner = Planner(store)
    return pd.DataFrame([record for row in sweep.rows for record in _records(row, sweep, store, planner)])


def _records(row: Row, sweep: Sweep, store: Store, planner: Planner) -> list[dict[str, Any]]:
    model = row.configuration.item
    manifest = store.manifest(*model.address) or {}
    common = {
        **row.axes,
        "key": model.key,
        "hash": model.hash,
        "dataset": model.dataset.key,
        **_counts(model.segments, store),
        **costs_of_model(model, store),
        "fingerprint": manifest.get("fingerprint", "")[:12],
        "commit": (manifest.get("commit") or "")[:12],
    }
    records = []
    for name, item in zip(sweep.tests, row.evaluations, strict=True):
        status = _status(planner, store, model, item)
        told = {
            **costs_of_evaluation(item, store),
            "status": status,
            "test": name,
            "test_dataset": item.test.key,
            "code": _code(store, model, item),
        }
        headline = STUDIES[sweep.study].headline
        metrics = {"unit": "", **dict.fromkeys(headline, math.nan)}
        metrics |= _metrics(store, item, headline[0]) if status == "ok" else {}
        records.append({**common, **told, **metrics})
    return records


def _code(store: Store, *items: Any) -> str:
    """Return the code versions of the stages that made a number, eight digits each, training first."""
    manifests = [store.manifest(*item.address) or {} for item in items]
    return "/".join(manifest["parts"]["code"][:8] for manifest in manifests if manifest)


def _status(planner: Planner, store: Store, model: Any, evaluation: Any) -> str:
    """Return `ok`, the status of the first stored failure, or the state that keeps the row from being there."""
    for item in (model, evaluation):
        verdict = planner.verdict(item)
        if verdict.state != "fresh":
            manifest = store.manifest(*item.address) or {}
            return manifest["status"] if verdict.state in ("settled", "retry") else verdict.state
    return "ok"


def _metrics(store: Store, item: Any, first: str) -> dict[str, Any]:
    """Return the value of every metric, and the unit of the first headline metric."""
    summary = store.open(*item.address).table("summary").set_index("metric")
    return {"unit": summary["unit"].get(first, ""), **summary["value"].astype(float)}


def _counts(segments: Any, store: Store) -> dict[str, Any]:
    """Return the counts of the last phase of a segmentation: orbits, segments, ratio."""
    phases = (store.manifest(*segments.address) or {}).get("counts") or [{}]
    return {name: value for name, value in phases[-1].items() if name != "phase"}
