"""Keys of the artifacts of sweeps: labels that say what a sweep varies, and as many digits as tell them apart.

An artifact in several sweeps has one key. Its label comes from the first sweep that holds it, the default one before
the others and those in the order of their names, so that a sweep that is added behind them changes no key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from string import ascii_lowercase
from typing import Any, Literal

import trainers
from assets.identity.canonical import HASH_LENGTH, Item, compact
from assets.identity.items import dataset_item
from assets.identity.labels import (
    KEY_DIGITS,
    MAX_LABEL,
    Token,
    distinct,
    fit,
    scalar,
    setting_token,
    short_name,
    whole_words,
)
from assets.sweeps.sweep import Row, Sweep

Address = tuple[str, str, str]


def with_keys(sweeps: Iterable[Sweep]) -> list[Sweep]:
    """Return sweeps of which every artifact has one key that no other has."""
    sweeps = list(sweeps)
    labels: dict[Address, str] = {}
    for sweep in sorted(sweeps, key=lambda sweep: (not sweep.default, sweep.name)):
        for item, label in _labels(sweep):
            labels.setdefault(item.address, label)
    digits = _digits(labels)
    items: dict[Address, Item] = {}

    def with_key(item: Item) -> Item:
        address = item.address
        if address not in items:
            inputs = tuple(map(with_key, item.inputs))
            items[address] = replace(item, label=labels[address], digits=digits[address], inputs=inputs)
        return items[address] if items[address].config == item.config else _same_key(item, items[address])

    return [_with_items(sweep, with_key) for sweep in sweeps]


def _same_key(item: Item, twin: Item) -> Item:
    """Return an item with the key of an equal one, which may hold another name of the test set or place of a file."""
    return replace(item, label=twin.label, digits=twin.digits, inputs=twin.inputs)


def _with_items(sweep: Sweep, with_key: Any) -> Sweep:
    rows = tuple(
        Row(
            replace(row.configuration, item=with_key(row.configuration.item)),
            row.axes,
            tuple(map(with_key, row.evaluations)),
        )
        for row in sweep.rows
    )
    tests = {name: test and with_key(test) for name, test in sweep.tests.items()}
    return replace(sweep, rows=rows, tests=tests)


def _digits(addresses: Iterable[Address]) -> dict[Address, int]:
    """Return how many digits distinguish the hash of each artifact from all others of its study and layer."""
    digits = dict.fromkeys(addresses, KEY_DIGITS)
    for length in range(KEY_DIGITS, HASH_LENGTH):
        open_ones = [address for address, count in digits.items() if count == length]
        shared = Counter((study, layer, hash[:length]) for study, layer, hash in open_ones)
        digits |= {
            (study, layer, hash): length + 1
            for study, layer, hash in open_ones
            if shared[study, layer, hash[:length]] > 1
        }
    return digits


def _labels(sweep: Sweep) -> Iterator[tuple[Item, str]]:
    """Yield the label of every artifact of a sweep, as this sweep would name it."""
    tokens, presets = _axis_tokens(sweep), _presets(sweep.study)
    for name, test in sweep.tests.items():
        if test is not None:
            yield test, presets.get(test.hash) or _text(name)
    tests = dict(zip(sweep.tests, distinct(list(sweep.tests)), strict=True)) if len(sweep.tests) > 1 else {}
    for part in ("dataset", "validation", "segments"):
        for item, axes in _constant_axes(sweep, part):
            own = {axis: tokens[axis][compact(value)] for axis, value in axes.items() if axis in tokens}
            label = _label_of_tokens(own) if own else _constant_label(item, presets)
            yield item, presets.get(item.hash) or label
    for row in sweep.rows:
        axes = {axis: tokens[axis][compact(value)] for axis, value in row.axes.items() if axis in tokens}
        if all(map(is_seed, axes)):
            axes = {"": Token("", _slug(sweep.key), text=True), **axes}
        yield row.configuration.item, _label_of_tokens(axes)
        for name, item in zip(sweep.tests, row.evaluations, strict=True):
            yield item, _label_of_tokens(axes, *([_test_token(tests[name])] if name in tests else []))


def _test_token(text: str) -> Token:
    """Return the token of a test set; a number alone comes after a t."""
    return Token("", text, text=True) if text[:1].isalpha() else Token("t", text)


def is_seed(axis: str) -> bool:
    """Whether an axis repeats the others with other seeds."""
    return axis.rsplit(".", 1)[-1] == "seed"


def _label_of_tokens(tokens: Mapping[str, Token], *more: Token) -> str:
    """Return the label of tokens by axis: in the order of the axes, seeds after the others, then what is more."""
    head = [token for axis, token in tokens.items() if not is_seed(axis)]
    return fit(head, [*(token for axis, token in tokens.items() if is_seed(axis)), *more])


def _constant_label(item: Item, presets: Mapping[str, str]) -> str:
    """Return the label of what does not vary: that of its preset, or what differs from the defaults."""
    return item.label if item.layer == "dataset" else presets.get(item.dataset.hash, item.label)


@cache
def _presets(study: str) -> dict[str, str]:
    """Return the labels of the named datasets of a study, by hash.

    Of several names of one dataset the shortest that contains `train` or `test` counts, else the shortest.
    """
    presets = trainers.STUDIES[study].presets
    # The last name of a hash wins, so the best one comes last.
    order = sorted(presets, key=lambda name: ("train" in name or "test" in name, -len(name), name))
    return {dataset_item(study, presets[name]).hash: _text(name) for name in order}


def _text(text: str) -> str:
    return whole_words(_slug(text))


def _slug(text: str) -> str:
    return distinct([text])[0]


def _constant_axes(
    sweep: Sweep, part: Literal["dataset", "validation", "segments"]
) -> Iterator[tuple[Item, dict[str, Any]]]:
    """Yield the datasets, validation datasets or segments of a sweep, with the axes that vary only among others."""
    rows: dict[str, tuple[Item, list[Row]]] = {}
    for row in sweep.rows:
        segments = row.configuration.item.segments
        item = {"dataset": segments.dataset, "validation": segments.validation, "segments": segments}[part]
        if item is not None:
            rows.setdefault(item.hash, (item, []))[1].append(row)
    for item, own in rows.values():
        constant = {
            axis: own[0].axes[axis] for axis in sweep.axes if len({compact(row.axes[axis]) for row in own}) == 1
        }
        # A seed of the model is constant where `exclude` leaves one; data and segments do not depend on it.
        varied = {a: v for a, v in constant.items() if not is_seed(a) or a.startswith(("dataset", "model.validation"))}
        yield item, varied if len(rows) > 1 else {}


def _axis_tokens(sweep: Sweep) -> dict[str, dict[str, Token]]:
    """Return the token of every value of every axis that varies, or of every axis where none does."""
    values = {
        axis: list({compact(row.axes[axis]): row.axes[axis] for row in sweep.rows}.values()) for axis in sweep.axes
    }
    varied = {axis: entries for axis, entries in values.items() if len(entries) > 1}
    return {axis: dict(_tokens(axis, entries)) for axis, entries in (varied or values).items()}


def _tokens(axis: str, values: Sequence[Any]) -> Iterator[tuple[str, Token]]:
    if is_seed(axis):
        first = "s" if axis.startswith("model") or axis == "seed" else axis[0]
        yield from ((compact(value), Token(first, scalar(value))) for value in values)
    elif all(isinstance(value, str) for value in values):
        texts = distinct(values)
        # A number alone would not say of what it is: `length-6` stays as it is.
        if len(set(texts)) < len(texts) or not all(text[:1].isalpha() for text in texts):
            texts = [_slug(value) for value in values]
        yield from ((compact(value), Token("", text, text=True)) for value, text in zip(values, texts, strict=True))
    else:
        for number, value in enumerate(values):
            token = setting_token(axis, value) if _is_plain(value) else None
            if token is None or len(str(token)) > MAX_LABEL // 2:
                # Records and long lists say too much for a label: the first is a, the second b.
                token = Token(short_name(axis) + "-", ascii_lowercase[number] if number < 26 else str(number))
            yield compact(value), token


def _is_plain(value: Any) -> bool:
    entries = value if isinstance(value, list | tuple) else [value]
    return not any(isinstance(entry, dict | list | tuple) for entry in entries)
