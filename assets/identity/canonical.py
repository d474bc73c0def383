"""Identity of artifacts: canonical forms, hashes, and the items that a sweep consists of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

LayerName = Literal["dataset", "segments", "model", "evaluation", "part"]
"""`part` is one of the parts that a large dataset is simulated in; it lives until they are joined."""

LAYER_NAMES: tuple[LayerName, ...] = ("dataset", "segments", "model", "evaluation")

HASH_LENGTH = 12

compact = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode
"""Write JSON-like values as one text for equal values: sorted keys, no spaces."""


def canonical(config: BaseModel) -> dict[str, Any]:
    """Return the canonical form of a configuration: JSON types, fields at their default left out.

    A field with one possible value (`kind: Literal["lstm"]`) stays, because it tells the members of a union apart.
    """
    form = {}
    for name, default, is_tag in _fields(type(config)):
        value = getattr(config, name)
        if is_tag or value != default:
            form[name] = _plain(value)
    return form | {name: _plain(value) for name, value in (config.model_extra or {}).items()}


@cache
def _fields(kind: type[BaseModel]) -> tuple[tuple[str, Any, bool], ...]:
    """Return name, default, and whether there is one possible value, of every field."""
    return tuple(
        (
            name,
            field.get_default(call_default_factory=True),
            get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1,
        )
        for name, field in kind.model_fields.items()
    )


def _plain(value: Any) -> Any:
    """Return a value of a configuration as JSON types.

    Raises:
        TypeError: for a type without one obvious JSON form; use numbers, text, tuples, mappings or configurations.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value or 0.0
    if isinstance(value, BaseModel):
        return canonical(value)
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    raise TypeError(f"given a {type(value).__name__} in a configuration; expected numbers, text, tuples or mappings")


def digest(*parts: Any) -> str:
    """Hash JSON-like values: SHA-256 of the sorted, compact JSON, all 64 digits."""
    return hashlib.sha256(compact(parts).encode("ascii")).hexdigest()


def short_digest(*parts: Any) -> str:
    """Hash JSON-like values to the 12 hexadecimal digits that address an artifact."""
    return digest(*parts)[:HASH_LENGTH]


@dataclass(frozen=True)
class Item:
    """One artifact that a sweep needs: what it is made of, and of which other items.

    The inputs by layer: dataset (), segments (dataset,) or (dataset, validation dataset), model (segments,), evaluation
    (model, test dataset). Name them instead of counting: `item.model`, `item.segments`, `item.dataset`,
    `item.validation` and `item.test` reach through the layers between.
    """

    study: str
    layer: LayerName
    hash: str
    """Address in the store: 12 hexadecimal digits."""
    label: str = field(hash=False, compare=False)
    """Short text that distinguishes it, for people; not part of the identity."""
    config: Mapping[str, Any] = field(hash=False, compare=False)
    """JSON: the canonical dataset, segmentation or model configuration; {model, test} for an evaluation."""
    inputs: tuple[Item, ...] = ()
    cohort: str = ""
    """Model and evaluation items of one cohort share a compiled program."""
    at_once: int = field(default=1, hash=False, compare=False)
    """How many models of one cohort, on the same segments, are handed to their study in one call."""
    identity: Mapping[str, Any] = field(default_factory=dict, hash=False, compare=False)
    """Of a dataset, JSON: what its address is the hash of; for a file its content, while `config` has its path."""
    digits: int = field(default=HASH_LENGTH, hash=False, compare=False)
    """Digits of the hash in the key: as many as no other artifact of the catalogue shares."""

    @property
    def key(self) -> str:
        """Partition key: `<label>-<first digits of the hash>`."""
        digits = self.hash[: self.digits]
        return f"{self.label}-{digits}" if self.label else digits

    @property
    def address(self) -> tuple[str, str, str]:
        """Where the store keeps it: study, layer, hash."""
        return self.study, self.layer, self.hash

    @property
    def model(self) -> Item:
        """The model that an evaluation is of."""
        return self._input("evaluation", 0)

    @property
    def test(self) -> Item:
        """The dataset that an evaluation tests on."""
        return self._input("evaluation", 1)

    @property
    def segments(self) -> Item:
        """The segments that a model is trained on."""
        return self._input("model", 0) if self.layer != "evaluation" else self.model.segments

    @property
    def dataset(self) -> Item:
        """The dataset that segments are cut from."""
        return self._input("segments", 0) if self.layer not in ("model", "evaluation") else self.segments.dataset

    @property
    def validation(self) -> Item | None:
        """The validation dataset of segments, if it is one of its own."""
        segments = self if self.layer == "segments" else self.segments
        return segments.inputs[1] if len(segments.inputs) > 1 else None

    def _input(self, layer: LayerName, index: int) -> Item:
        if self.layer != layer:
            raise AttributeError(f"{self.layer} {self.key} has no such input; expected an item of layer {layer}")
        return self.inputs[index]

    def upstream(self) -> Iterator[Item]:
        """Yield every item below this one, inputs first."""
        for item in self.inputs:
            yield from item.upstream()
            yield item


@dataclass(frozen=True)
class Fingerprint:
    """What an artifact was made of; it is fresh while this does not change."""

    value: str
    config: str
    """Digest of its part of the configuration."""
    code: str
    """Code version of its stage."""
    inputs: Mapping[str, str] = field(hash=False)
    """Fingerprint of each input, by `<layer>/<hash>`."""
