"""Items of a configuration: hashes, labels and cohorts from validated configurations, without numerics."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from assets.identity.canonical import Item, canonical, short_digest
from assets.identity.labels import fit, label
from assets.identity.paths import EACH, Place, parse_path
from trainers.study import Config, ModelConfigBase


def dataset_item(study: str, dataset: Config) -> Item:
    """Return the item of a dataset, addressed by its canonical form."""
    form = canonical(dataset)
    return Item(study, "dataset", short_digest("dataset", study, identity(dataset)), label(identity(dataset)), form)


def identity(dataset: Config) -> dict[str, Any]:
    """Return what a dataset is identified by: its canonical form, or for a file its content instead of its place."""
    content = getattr(dataset, "identity", None)
    return content() if callable(content) else canonical(dataset)


def segments_item(study: str, dataset: Item, known: Mapping[str, Any], segmentation: Config) -> Item:
    """Return the item of a segmentation of a dataset; `known` is the identity of the dataset."""
    form = canonical(segmentation)
    hash = short_digest("segments", study, known, form)
    return Item(study, "segments", hash, label(known, form), form, (dataset,))


def model_item(segments: Item, known: Mapping[str, Any], model: ModelConfigBase) -> Item:
    """Return the item of a model trained on segments; `known` is the identity of the dataset."""
    form = canonical(model)
    study = segments.study
    hash = model_hash(study, known, model)
    sizes = {name: value for name, value in known.items() if name != "seed"}
    cohort = short_digest("cohort", study, segments.config, without_shared(type(model), form), sizes)
    return Item(study, "model", hash, label(known, form), form, (segments,), cohort, model.at_once())


def model_hash(study: str, known: Mapping[str, Any], model: ModelConfigBase) -> str:
    """Return the address of a model; `known` is the identity of the dataset."""
    return short_digest("model", study, known, canonical(model))


def evaluation_item(model: Item, name: str, test: Item) -> Item:
    """Return the item of the evaluation of a model on a test set; the name of the test set is decoration."""
    text = fit([model.label, "on", test.label])
    config = {"model": dict(model.config), "test": name}
    return Item(
        model.study, "evaluation", evaluation_hash(model.hash, test.hash), text, config, (model, test), model.cohort
    )


def evaluation_hash(model: str, test: str) -> str:
    """Return the address of the evaluation of a model on a test set, from the addresses of both."""
    return short_digest("evaluation", model, test)


def without_shared(kind: type[ModelConfigBase], form: Mapping[str, Any]) -> dict[str, Any]:
    """Return a canonical model without the settings that may differ within a cohort."""
    rest = dict(form)
    for path in _shared(kind):
        if len(path) > 1 and path[0] not in rest:
            default = canonical_default(kind, str(path[0]))
            if default is not None:
                rest[str(path[0])] = default
        rest = _without(rest, path)
    return rest


@cache
def _shared(kind: type[ModelConfigBase]) -> tuple[Place, ...]:
    return tuple(parse_path(path) for path in kind.shared)


@cache
def canonical_default(kind: type[Config], name: str) -> Any:
    """Return the canonical form of the default of one field, or None where it has none."""
    field = kind.model_fields.get(name)
    if field is None or field.is_required():
        return None
    value = field.get_default(call_default_factory=True)
    return [canonical(entry) for entry in value] if isinstance(value, tuple) else canonical(value)


def _without(tree: Any, path: Place) -> Any:
    """Return a copy of a tree that lacks a path."""
    head, rest = path[0], path[1:]
    if head == EACH:
        return [_without(entry, rest) for entry in tree] if isinstance(tree, list) else tree
    if not isinstance(tree, Mapping) or head not in tree:
        return tree
    if not rest:
        return {key: value for key, value in tree.items() if key != head}
    return {**tree, head: _without(tree[head], rest)}
