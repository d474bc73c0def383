"""The sides of a comparison: stored models under the letters A, B, ... with their evaluations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assets.identity.items import evaluation_hash
from assets.report.find_model import find_model
from assets.statistics.sweep_table import dataset_of
from assets.store.store import Missing, Store
from trainers import STUDIES
from trainers.study import Study

if TYPE_CHECKING:
    import pandas as pd

LETTERS = "ABCDEFGH"


@dataclass(frozen=True)
class Side:
    """A stored model, whether it ended well or not."""

    letter: str
    manifest: Mapping[str, Any] = field(repr=False)
    settings: Mapping[str, Any] = field(repr=False)
    """Every setting, defaults resolved."""
    evaluations: Mapping[str, Mapping[str, Any]] = field(repr=False)
    """Manifests of the evaluations of this very model, by the address of the test set."""
    store: Store = field(repr=False)

    @property
    def study(self) -> Study:
        """The study of the model."""
        return STUDIES[self.manifest["study"]]

    @property
    def key(self) -> str:
        """Partition key of the model."""
        return self.manifest["key"]

    @property
    def name(self) -> str:
        """`<study>/<hash>`, by which commands and pages find it."""
        return f"{self.manifest['study']}/{self.manifest['hash']}"

    def holds(self, test: str) -> bool:
        """Whether it was evaluated on a test set, and ended well."""
        return self.evaluations.get(test, {}).get("status") == "ok"

    def table(self, test: str, name: str) -> pd.DataFrame | None:
        """Return a table of the evaluation on a test set; none where it has none of that name."""
        artifact = self.store.open(self.study.name, "evaluation", self.evaluations[test]["hash"])
        return artifact.table(name) if name in artifact.tables() else None

    def history(self) -> pd.DataFrame | None:
        """Return the history of the training, of a failed one as far as it got."""
        if "history.parquet" not in self.manifest["files"]:
            return None
        history = self.store.open(self.study.name, "model", self.manifest["hash"]).table("history")
        return history if len(history) else None


def sides_of(names: Sequence[str], store: Store) -> list[Side]:
    """Find the models that names mean, see `find_model`, and what there is of each.

    Raises:
        Missing: a model is not stored, is named twice, or is of another study than the first one.
    """
    if not 2 <= len(names) <= len(LETTERS):
        raise Missing(f"given {len(names)} models; expected 2 to {len(LETTERS)} to compare")
    found = [find_model(name, store) for name in names]
    places = [f"{one['study']}/{one['hash']}" for one in found]
    if twice := next((place for place in places if places.count(place) > 1), None):
        raise Missing(f"given {twice} twice; a comparison needs different models")
    if len(studies := dict.fromkeys(one["study"] for one in found)) > 1:
        raise Missing(f"given models of {' and '.join(studies)}; only models of one study can be compared")
    return [_side(letter, manifest, store) for letter, manifest in zip(LETTERS, found, strict=False)]


def _side(letter: str, manifest: Mapping[str, Any], store: Store) -> Side:
    study = manifest["study"]
    model = STUDIES[study].model.model_validate(manifest["config"])
    dataset = dataset_of(store, study, manifest)
    settings = {"dataset": dataset.model_dump(mode="json"), "model": model.model_dump(mode="json")}
    return Side(letter, manifest, settings, dict(_evaluations(manifest, store)), store)


def _evaluations(model: Mapping[str, Any], store: Store) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield test set and manifest of every evaluation of a model as it stands now, none of an older version of it."""
    this = (f"model/{model['hash']}", model["fingerprint"])
    for test in store.hashes(model["study"], "dataset"):
        manifest = store.manifest(model["study"], "evaluation", evaluation_hash(model["hash"], test))
        if manifest and this in manifest["parts"]["inputs"].items():
            yield test, manifest


def test_names(sides: Sequence[Side]) -> dict[str, str]:
    """Return the name of every test set by its address, as the first side that has it calls it; the smaller ones first.

    A name that two test sets bear is told apart by the address.
    """
    named: dict[str, str] = {}
    for side in sides:
        for test, manifest in side.evaluations.items():
            named.setdefault(test, manifest["config"]["test"])
    names = list(named.values())
    shown = {test: name if names.count(name) == 1 else f"{name} ({test})" for test, name in named.items()}
    return dict(sorted(shown.items(), key=lambda pair: _natural(pair[1])))


def _natural(name: str) -> list[Any]:
    """Order names with their numbers as numbers."""
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.split(r"(\d+)", name)]


def lacking(sides: Sequence[Side]) -> list[str]:
    """Say in one line each what failed, and which side was not evaluated on a test set that another one has."""
    named = test_names(sides)
    return [line for side in sides for line in _lacking(side, named)]


def _lacking(side: Side, named: Mapping[str, str]) -> Iterator[str]:
    if side.manifest["status"] != "ok":
        yield f"{side.letter} has no trained model: {_ended(side.manifest)}"
        return
    for test, manifest in side.evaluations.items():
        if manifest["status"] != "ok":
            yield f"{side.letter} on {named[test]}: {_ended(manifest)}"
    if absent := [name for test, name in named.items() if test not in side.evaluations]:
        yield f"{side.letter} was not evaluated on {', '.join(absent)}: run a sweep that asks for it"


def _ended(manifest: Mapping[str, Any]) -> str:
    detail = " ".join(str(manifest.get("failure", {}).get("detail", "")).split())
    return f"{manifest['status']}: {detail}" if detail else str(manifest["status"])
