"""The models of a comparison: stored models under the letters A, B, ... with their evaluations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assets.identity.items import evaluation_hash
from assets.report.comparison.find_model import find_model
from assets.statistics.sweep_table import dataset_of
from assets.store.manifest import Manifest
from assets.store.store import Missing, Store
from trainers import STUDIES
from trainers.study import Study

if TYPE_CHECKING:
    import pandas as pd

LETTERS = "ABCDEFGH"


@dataclass(frozen=True)
class ComparedModel:
    """A stored model, whatever its status."""

    letter: str
    manifest: Manifest = field(repr=False)
    settings: Mapping[str, Any] = field(repr=False)
    """Every setting, defaults resolved."""
    evaluations: Mapping[str, Manifest] = field(repr=False)
    """Manifests of the evaluations of this version of the model, by the address of the test set."""
    store: Store = field(repr=False)

    @property
    def study(self) -> Study:
        """The study of the model, with the headline metrics that rank its kind."""
        study = STUDIES[self.manifest["study"]]
        return study.of(study.model.model_validate(self.settings["model"]))

    @property
    def key(self) -> str:
        """Partition key of the model."""
        return self.manifest["key"]

    @property
    def name(self) -> str:
        """`<study>/<hash>`, as commands and pages accept it."""
        return f"{self.manifest['study']}/{self.manifest['hash']}"

    def holds(self, test: str) -> bool:
        """Whether its evaluation on a test set is stored and ok."""
        return test in self.evaluations and self.evaluations[test]["status"] == "ok"

    def table(self, test: str, name: str) -> pd.DataFrame | None:
        """Return a table of the evaluation on a test set; None where it has none of that name."""
        artifact = self.store.open(self.study.name, "evaluation", self.evaluations[test]["hash"])
        return artifact.table(name) if name in artifact.tables() else None

    def history(self) -> pd.DataFrame | None:
        """Return the history of the training, of a failed one up to its end; None where it has no step."""
        if "history.parquet" not in self.manifest["files"]:
            return None
        history = self.store.open(self.study.name, "model", self.manifest["hash"]).table("history")
        return history if len(history) else None


def compared_models(names: Sequence[str], store: Store, fewest: int = 2) -> list[ComparedModel]:
    """Find the models that names mean, see `find_model`, with their settings and evaluations.

    Raises:
        Missing: a model is not stored, is named twice, or is of another study than the first one.
    """
    if not fewest <= len(names) <= len(LETTERS):
        raise Missing(f"given {len(names)} models; expected {fewest} to {len(LETTERS)}")
    manifests = [find_model(name, store) for name in names]
    places = [f"{manifest['study']}/{manifest['hash']}" for manifest in manifests]
    if twice := next((place for place in places if places.count(place) > 1), None):
        raise Missing(f"given {twice} twice; a comparison needs different models")
    if len(studies := dict.fromkeys(manifest["study"] for manifest in manifests)) > 1:
        raise Missing(f"given models of {' and '.join(studies)}; only models of one study can be compared")
    models = []
    for letter, manifest in zip(LETTERS, manifests, strict=False):
        study = manifest["study"]
        dataset = dataset_of(store, study, manifest)
        model = STUDIES[study].model.model_validate(manifest["config"])
        settings = {"dataset": dataset.model_dump(mode="json"), "model": model.model_dump(mode="json")}
        models.append(ComparedModel(letter, manifest, settings, dict(_evaluations(manifest, store)), store))
    return models


def _evaluations(model: Manifest, store: Store) -> Iterator[tuple[str, Manifest]]:
    """Yield test set and manifest of every evaluation of the present version of a model."""
    this = (f"model/{model['hash']}", model["fingerprint"])
    for test in store.hashes(model["study"], "dataset"):
        manifest = store.manifest(model["study"], "evaluation", evaluation_hash(model["hash"], test))
        if manifest and this in manifest["parts"]["inputs"].items():
            yield test, manifest


def test_names(models: Sequence[ComparedModel]) -> dict[str, str]:
    """Return the name of every test set by its address, from the first model that has it, in natural order.

    Where two test sets have the same name, the address is added to it.
    """

    def natural(pair: tuple[str, str]) -> list[Any]:
        parts = re.split(r"(\d+)", pair[1])
        return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]

    by_address: dict[str, str] = {}
    for model in models:
        for test, manifest in model.evaluations.items():
            by_address.setdefault(test, manifest["config"]["test"])
    names = list(by_address.values())
    distinct = {test: name if names.count(name) == 1 else f"{name} ({test})" for test, name in by_address.items()}
    return dict(sorted(distinct.items(), key=natural))


def missing_results(models: Sequence[ComparedModel]) -> Iterator[str]:
    """Yield one line for each failure, and for each model without an evaluation that another one has."""
    names = test_names(models)
    for model in models:
        if model.manifest["status"] != "ok":
            yield f"{model.letter} has no trained model: {_reason(model.manifest)}"
            continue
        for test, manifest in model.evaluations.items():
            if manifest["status"] != "ok":
                yield f"{model.letter} on {names[test]}: {_reason(manifest)}"
        if absent := [name for test, name in names.items() if test not in model.evaluations]:
            yield f"{model.letter} was not evaluated on {', '.join(absent)}: run a sweep that has these test sets"


def _reason(manifest: Manifest) -> str:
    detail = " ".join(manifest["failure"]["detail"].split()) if manifest["failure"] else ""
    return f"{manifest['status']}: {detail}" if detail else manifest["status"]
