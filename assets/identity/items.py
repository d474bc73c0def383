"""Items of a configuration: hashes, labels and cohorts from validated configurations, without numerics."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from assets.identity.canonical import Item, canonical, short_digest
from assets.identity.labels import label
from assets.identity.paths import EACH, Place, parse_path
from trainers.study import Config, ModelConfigBase


def dataset_item(study: str, dataset: Config) -> Item:
    """Return the item of a dataset, addressed by its identity."""
    content = identity(dataset)
    address = short_digest("dataset", study, content)
    return Item(study, "dataset", address, label(content), canonical(dataset), identity=content)


def identity(dataset: Config) -> dict[str, Any]:
    """Return what identifies a dataset: its canonical form, or for a file its content instead of its place."""
    content = getattr(dataset, "identity", None)
    return content() if callable(content) else canonical(dataset)


def segments_item(dataset: Item, segmentation: Config, validation: Item | None = None) -> Item:
    """Return the item of a segmentation of a dataset, with validation data of its own or without."""
    form = canonical(segmentation)
    more = [validation.identity] if validation else []
    address = short_digest("segments", dataset.study, dataset.identity, form, *more)
    inputs = (dataset, validation) if validation else (dataset,)
    return Item(dataset.study, "segments", address, label(dataset.identity, form, *more), form, inputs)


def model_item(segments: Item, model: ModelConfigBase) -> Item:
    """Return the item of a model trained on segments."""
    form, dataset = canonical(model), segments.dataset.identity
    content = _identity_of_model(segments, form)
    sizes = {name: value for name, value in dataset.items() if name != "seed"}
    cohort = short_digest("cohort", segments.study, segments.config, without_shared(type(model), content), sizes)
    address = model_hash(segments, model)
    return Item(segments.study, "model", address, label(dataset, content), form, (segments,), cohort, model.at_once())


def model_hash(segments: Item, model: ModelConfigBase) -> str:
    """Return the address of a model trained on the datasets of `segments`; the model itself says how it cuts them."""
    content = _identity_of_model(segments, canonical(model))
    return short_digest("model", segments.study, segments.dataset.identity, content)


def _identity_of_model(segments: Item, form: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a canonical model in which validation data from a file are identified by content, not by path."""
    return {**form, "validation": segments.validation.identity} if segments.validation else form


def evaluation_item(model: Item, name: str, test: Item) -> Item:
    """Return the item of the evaluation of a model on a test set; the name of the test set is not hashed."""
    config, hash = {"model": dict(model.config), "test": name}, evaluation_hash(model.hash, test.hash)
    return Item(model.study, "evaluation", hash, model.label, config, (model, test), model.cohort)


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
