"""Labels: what differs from the defaults, in short. Decoration of a key; the hash beside it is the identity."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

MAX_KEY = 80
MAX_LABEL = MAX_KEY - 13
"""A key is a label, a hyphen and 12 digits."""

KEY = re.compile(r"[a-z0-9._-]{1,80}")
"""Grammar of partition keys."""

MAX_TOKEN = 36

DEFAULT = "default"
"""Label of a configuration that differs in nothing."""


def label(*settings: Mapping[str, Any]) -> str:
    """Return a label for canonical configurations, such as `orbits100.mlp_4d_abs.steps500-5000.lr0.001.seed2`."""
    tokens: dict[str, list[str]] = {}
    for tree in settings:
        for name, value in _entries(tree):
            tokens.setdefault(name, []).append(value)
    seeds = [_token(name, values) for name, values in tokens.items() if name == "seed"]
    return fit([_token(name, values) for name, values in tokens.items() if name != "seed"], seeds)


def _entries(tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield short name and value of every setting; in a list of records, one value per record."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _entries(value)
        elif isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value):
            for name in dict.fromkeys(name for entry in value for name in entry):
                yield _short(name), "-".join(dict.fromkeys(_slug(entry.get(name, "def")) for entry in value))
        else:
            yield _short(key), _slug(value)


def fit(tokens: Iterable[str], ending: Iterable[str] = (), length: int = MAX_LABEL) -> str:
    """Join tokens by dots, cutting the first ones so that the ending stays."""
    tail = ".".join(ending)[:length]
    room = length - len(tail) - bool(tail)
    head = ".".join(token for token in tokens if token)[: max(room, 0)].strip("._-")
    return ".".join(part for part in (head, tail) if part) or DEFAULT


@cache
def _short(name: str) -> str:
    """Return a short name: the initials of several words (`lr`), one word as it is (`steps`)."""
    words = name.lower().split("_")
    return words[0] if len(words) == 1 else "".join(word[:1] for word in words)


def _token(name: str, values: list[str]) -> str:
    """Return text as it is, as it speaks for itself, and everything else after its name."""
    text = "-".join(values)[:MAX_TOKEN]
    speaks = text[:1].isalpha() and not text.startswith("def")
    return re.sub(r"[^a-z0-9._-]", "", text if speaks else name + text)


def _slug(value: Any) -> str:
    """Write a value in the grammar of keys; text begins with a letter, everything else with a digit or sign."""
    if isinstance(value, dict):
        return "-".join(f"{_short(name)}{_slug(inner)}" for name, inner in value.items())
    return "-".join(_slug(entry) for entry in value) if isinstance(value, list | tuple) else _scalar(value)


@lru_cache(maxsize=4096, typed=True)
def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return re.sub(r"e([+-])0*", r"e\1", f"{value:.6g}").replace("e+", "e")
    if re.fullmatch(r"[0-9a-f]{64}", str(value)):
        return str(value)[:8]
    return re.sub(r"[^a-z0-9._-]+", "-", str(value).lower()).strip("-.")
