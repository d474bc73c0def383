"""Paths of settings, `model.phases[0].steps`, and trees of settings that are changed by copying."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Place = tuple[str | int, ...]
"""Where a value stands in a tree of settings: keys and indices from the top."""

EACH = "*"
"""Path part that stands for every entry of a list."""

_PART = re.compile(r"\.?([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]{1,6}|\*)\]")


def dotted(place: Place) -> str:
    """Write a place as `model.phases[0].steps`."""
    text = "".join(f"[{part}]" if isinstance(part, int) or part == "*" else f".{part}" for part in place)
    return text.removeprefix(".")


def parse_path(text: str) -> Place:
    """Parse `model.phases[*].steps` into ("model", "phases", "*", "steps").

    Raises:
        ValueError: with what was given and an example.
    """
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        match = _PART.match(text, position)
        if not match or (match.group(0).startswith(".") != (match.group(1) is not None and position > 0)):
            raise ValueError(f"given the path {text!r}; expected one like model.phases[0].learning_rate")
        name, index = match.groups()
        parts.append(name if name else EACH if index == EACH else int(index))
        position = match.end()
    return tuple(parts)


def put(tree: Any, path: Place, value: Any) -> Any:
    """Return a copy of `tree` with `value` at `path`; see `update`."""
    return update(tree, path, lambda old: value)


def update(tree: Any, path: Place, change: Callable[[Any], Any], done: Place = ()) -> Any:
    """Return a copy of `tree` with what is at `path` changed; what is not on the path is shared with `tree`.

    Raises:
        LookupError: when the path meets something that is neither a mapping nor a list with that entry.
    """
    if not path:
        return change(tree)
    head, rest = path[0], path[1:]
    if isinstance(head, str) and head != EACH:
        if tree is not None and not isinstance(tree, dict):
            raise LookupError(f"{dotted(done) or 'the base'} is {tree!r}; expected a mapping that can hold {head}")
        inner = dict(tree) if tree else {}
        inner[head] = update(inner.get(head), rest, change, (*done, head))
        return inner
    if not isinstance(tree, list) or (head != EACH and int(head) >= len(tree)):
        entries = f"{len(tree)} entries" if isinstance(tree, list) else "no list"
        raise LookupError(f"{dotted(done)} has {entries} in the base; expected an entry [{head}]")
    indices = range(len(tree)) if head == EACH else (int(head),)
    return [update(entry, rest, change, (*done, i)) if i in indices else entry for i, entry in enumerate(tree)]


def merge(tree: Any, change: Any) -> Any:
    """Return `tree` with `change` merged in: mappings merge key by key, everything else is replaced."""
    if not isinstance(tree, Mapping) or not isinstance(change, Mapping):
        return change
    return {**tree, **{key: merge(tree[key], value) if key in tree else value for key, value in change.items()}}


def get(tree: Any, path: Place) -> Any:
    """Return the value at a path without `*`, or None if the path does not exist."""
    for part in path:
        if isinstance(tree, Mapping):
            tree = tree.get(part)
        elif isinstance(tree, list) and isinstance(part, int) and part < len(tree):
            tree = tree[part]
        else:
            return None
    return tree


def covers(path: Place, place: Place) -> bool:
    """Whether a path with `*` is the given place or lies above it."""
    return len(path) <= len(place) and all(_meet(own, other) for own, other in zip(path, place, strict=False))


def overlap(a: Place, b: Place) -> bool:
    """Whether two paths can set the same setting."""
    return all(_meet(x, y) or _meet(y, x) for x, y in zip(a, b, strict=False))


def _meet(part: str | int, other: str | int) -> bool:
    return part == other or (part == EACH and isinstance(other, int))


def flatten(tree: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield every leaf of nested mappings and lists; lists of plain values are leaves."""
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from flatten(value, (*place, key))
    elif isinstance(tree, list) and any(isinstance(entry, Mapping) for entry in tree):
        for index, entry in enumerate(tree):
            yield from flatten(entry, (*place, index))
    else:
        yield place, tree
