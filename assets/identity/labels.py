"""Keys of artifacts, `signed.s0-ae17a216`: a label for people, a hyphen, and the first digits of the hash.

The label has at most 19 characters that say what distinguishes an artifact. The digits identify it: commands accept a
key, a hash, or the beginning of either, and read only the digits where a name ends with them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from heapq import heapify, heappop, heapreplace
from itertools import takewhile
from typing import Any

MAX_LABEL = 19
"""So that a key with eight digits has 28 characters, which is what Dagster's list of partitions shows."""

KEY_DIGITS = 8
"""Digits of the hash in a key; more where two artifacts of a catalogue share the first eight."""

KEY = re.compile(r"[a-z0-9._-]{1,80}")
"""Grammar of partition keys, those of sweeps and searches (their file stems) included."""

DEFAULT = "default"
"""Label of a configuration that differs in nothing."""

_DIGITS = re.compile(r"(?:.*-)?([0-9a-f]{8,12})")


@dataclass(frozen=True)
class Token:
    """One part of a label: the short name of a setting, and its value."""

    name: str
    value: str
    text: bool = False
    """Whether the value is text, which may be cut; a number that is cut would be another number."""

    def __str__(self) -> str:
        return self.name + self.value.strip("._-")

    @lru_cache(maxsize=65_536)  # noqa: B019 (the tokens of a sweep's axes recur in each of its rows)
    def shorter(self) -> Token | None:
        """Return the token with one character less, or None where it cannot be shortened."""
        if len(self.name) > 1:
            return Token(self.name[:-1], self.value, self.text)
        words = re.split(r"([._-])", self.value)
        # A number within a text stays whole, too: `planar-100` is never cut to `planar-10`.
        lengths = {n: len(word) for n, word in enumerate(words) if self.text and word.isalpha() and len(word) > 1}
        if not lengths:
            return None
        longest = max(lengths, key=lambda n: lengths[n])
        words[longest] = words[longest][:-1]
        return Token(self.name, "".join(words), self.text)


def fit(tokens: Iterable[Token], ending: Iterable[Token] = ()) -> str:
    """Join tokens by dots to at most 19 characters: the longest are shortened, the ending is dropped last.

    >>> fit([Token("orbits", "100"), Token("", "logmag-unit-exp", text=True)], [Token("s", "0")])
    'orbi100.lo-un-ex.s0'
    """
    ending = list(ending)
    parts = [token for token in (*tokens, *ending) if str(token)]
    longest = [(-len(str(token)), n) for n, token in enumerate(parts) if token.shorter()]
    heapify(longest)
    excess = len(".".join(map(str, parts))) - MAX_LABEL
    while excess > 0 and longest:
        size, n = longest[0]
        shorter = parts[n].shorter() or parts[n]
        parts[n], excess = shorter, excess + len(str(shorter)) + size
        if shorter.shorter():
            heapreplace(longest, (-len(str(shorter)), n))
        else:
            heappop(longest)
    while len(joined := ".".join(map(str, parts))) > MAX_LABEL:
        parts.pop(max(0, len(parts) - len(ending) - 1))
    return re.sub(r"[^a-z0-9._-]", "", joined).strip("._-") or DEFAULT


def whole_words(text: str) -> str:
    """Return the label of a name of words: where it is too long it loses words, inner ones first, and no number.

    >>> whole_words("complex-planar-10-test")
    'complex-10-test'
    """
    words = text.split("-")
    while len("-".join(words)) > MAX_LABEL:
        spare = [n for n, word in enumerate(words) if n and word.isalpha()]
        if not spare:
            break
        inner = [n for n in spare if n < len(words) - 1]
        words.pop(max(inner or spare, key=lambda n: len(words[n])))
    return fit([Token("", "-".join(words), text=True)])


def label(*settings: Mapping[str, Any]) -> str:
    """Return a label of the settings of canonical configurations, such as `orbits10.points36`; the seed comes last."""
    values: dict[str, list[Any]] = {}
    for tree in settings:
        for name, value in _leaves(tree):
            values.setdefault(name, []).append(value)
    tokens = {name: setting_token(name, entries) for name, entries in values.items()}
    seed = list(_scalars(values["seed"][-1])) if "seed" in values else []
    seeds = [Token("s", "-".join(map(scalar, seed)))] if seed else []
    return fit([token for name, token in tokens.items() if name != "seed"], seeds)


def _leaves(tree: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield name and value of every setting; of a list of records, the values of a name one after another."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value)
        elif isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value):
            for name in dict.fromkeys(name for entry in value for name in entry):
                yield name, [entry.get(name, "def") for entry in value]
        else:
            yield key, value


def setting_token(name: str, value: Any) -> Token:
    """Return the token of one setting: text speaks for itself, anything else comes after its name."""
    entries = list(dict.fromkeys(_scalars(value)))
    if entries and all(isinstance(entry, str) for entry in entries):
        return Token("", "-".join(map(scalar, entries)), text=True)
    return Token(short_name(name), "-".join(map(scalar, entries)))


def _scalars(value: Any) -> Iterator[Any]:
    """Yield the plain values within a value, those of its lists and records included."""
    if isinstance(value, list | tuple | dict):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _scalars(entry)
    else:
        yield value


def distinct(texts: Sequence[str]) -> list[str]:
    """Return the parts that distinguish texts: without the words that all end with, and those that most begin with.

    >>> distinct(["mlp_4D_signed", "mlp_4D_unit_softplus"])
    ['signed', 'unit-softplus']
    """
    words = [[word for word in re.split(r"[^a-z0-9.]+", text.lower()) if word] or [DEFAULT] for text in texts]
    if len(words) > 1:
        first, count = Counter(entry[0] for entry in words).most_common(1)[0]
        alike = [entry for entry in words if entry[0] == first]
        front = min(_shared(alike), min(map(len, alike)) - 1) if 2 * count > len(words) else 0
        shorter = [entry[front:] if entry[0] == first else entry for entry in words]
        back = min(_shared([entry[::-1] for entry in shorter]), min(map(len, shorter)) - 1)
        shorter = [entry[: len(entry) - back] for entry in shorter]
        words = shorter if len(set(map(tuple, shorter))) == len(set(map(tuple, words))) else words
    return ["-".join(entry).strip(".") for entry in words]


def _shared(words: Sequence[Sequence[str]]) -> int:
    """Return with how many equal words all texts begin."""
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*words, strict=False)))


@cache
def short_name(name: str) -> str:
    """Return a short name: the initials of several words (`lr`), one word as it is (`steps`)."""
    words = name.rsplit(".", 1)[-1].lower().split("_")
    return (words[0] if len(words) == 1 else "".join(word[:1] for word in words))[:MAX_LABEL]


@lru_cache(maxsize=4096, typed=True)
def scalar(value: Any) -> str:
    """Write a number, truth value or text in the grammar of keys."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return re.sub(r"e([+-])0*", r"e\1", f"{value:.6g}").replace("e+", "e")
    if re.fullmatch(r"[0-9a-f]{64}", str(value)):
        return str(value)[:8]
    return re.sub(r"[^a-z0-9._-]+", "-", str(value).lower()).strip("-.")


def digits_of(name: str) -> str:
    """Return the digits with which a key or hash ends; nothing where there are not eight or more.

    >>> digits_of("signed.s0-ae17a216"), digits_of("ae17a216ffff"), digits_of("signed.s0")
    ('ae17a216', 'ae17a216ffff', '')
    """
    match = _DIGITS.fullmatch(name)
    return match[1] if match else ""


def names(name: str, hash: str, key: str = "") -> bool:
    """Tell whether `name` is a key, a hash, or the beginning of either, of the artifact with this hash and key."""
    if digits := digits_of(name):
        return hash.startswith(digits)
    return bool(name) and (hash.startswith(name) or key.startswith(name))
