"""Phases of the older sweep format: four parallel lists of candidates become one list of phases.

Each strategy key holds a list of candidates, each candidate a list with one entry per phase. The longest candidate sets
the number of phases P; a list of one entry is repeated P times; any other length is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

Candidate = Sequence[Any]


def is_number(value: Any) -> bool:
    """Return whether a value is a number, booleans excluded."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_window(value: Any) -> bool:
    """Return whether a value is a pair of numbers `[start, stop]`."""
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(is_number, value))


@dataclass(frozen=True)
class Strategy:
    """A strategy key: the field of a phase that it sets, its short name in labels, and a description of an entry."""

    field: str
    short: str
    entry: str
    is_entry: Callable[[Any], bool] = is_number


STRATEGIES: dict[str, Strategy] = {
    "steps_strategy": Strategy("steps", "steps", "number of steps"),
    "lr_strategy": Strategy("learning_rate", "lr", "learning rate"),
    "segment_length_strategy": Strategy("segment_length", "segment", "number of points"),
    "length_strategy": Strategy("window", "window", "window [start, stop]", is_window),
}


def read_candidates(key: str, value: Any) -> list[Candidate]:
    """Return the candidates of a strategy key.

    A bare entry outside any list can only mean one candidate of one phase.

    Raises:
        ValueError: the nesting has two readings, which the message gives, or none.
    """
    strategy = STRATEGIES[key]
    if strategy.is_entry(value):
        return [[value]]
    entries = list(value) if isinstance(value, list | tuple) else []
    bare = [strategy.is_entry(entry) for entry in entries]
    if not entries or not all(is_bare or _is_candidate(e, strategy) for e, is_bare in zip(entries, bare, strict=True)):
        raise ValueError(
            f"{key}: {json.dumps(value)} given; expected a list of candidates, each a list with one "
            f"{strategy.entry} per phase"
        )
    if any(bare) and len(entries) > 1:
        raise ValueError(_ambiguous(key, entries, bare))
    return [[entry] if is_bare else list(entry) for entry, is_bare in zip(entries, bare, strict=True)]


def combine(candidates: Mapping[str, Sequence[Candidate]]) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """Return the phases of every combination of candidates by name, and a line on every list that was repeated.

    Raises:
        ValueError: a candidate has neither one entry nor as many as the longest; one line per such candidate.
    """
    keys = [key for key in STRATEGIES if key in candidates]
    problems: dict[str, None] = {}
    repetitions: dict[str, None] = {}
    variants: dict[str, list[dict[str, Any]]] = {}
    for numbers in product(*(range(len(candidates[key])) for key in keys)):
        combination = {key: candidates[key][number] for key, number in zip(keys, numbers, strict=True)}
        longest = max(keys, key=lambda key: len(combination[key]))
        problems |= dict.fromkeys(_wrong_lengths(combination, longest))
        repetitions |= dict.fromkeys(_repetitions(combination, len(combination[longest])))
        name = "_".join(_name(STRATEGIES[key], combination[key]) for key in keys if len(candidates[key]) > 1)
        variants[name if name not in variants else f"{name}_{len(variants)}"] = _phases(
            combination, len(combination[longest])
        )
    if problems:
        raise ValueError("\n".join(problems))
    return variants, list(repetitions)


def _is_candidate(value: Any, strategy: Strategy) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0 and all(map(strategy.is_entry, value))


def _ambiguous(key: str, entries: Sequence[Any], bare: Sequence[bool]) -> str:
    strategy = STRATEGIES[key]
    separate = [[entry] if is_bare else entry for entry, is_bare in zip(entries, bare, strict=True)]
    if all(bare):
        other = f"1 candidate with {len(entries)} phases, {json.dumps([entries])}"
    else:
        nested = [entry for entry, is_bare in zip(entries, bare, strict=True) if not is_bare]
        other = f"{len(nested)} with the bare {strategy.entry} a mistake, {json.dumps(nested)}"
    return (
        f"{key}: {json.dumps(entries)} has two readings: {len(separate)} candidates, "
        f"{json.dumps(separate)}; or {other}; "
        f"write each candidate as a list with one {strategy.entry} per phase"
    )


def _wrong_lengths(combination: Mapping[str, Candidate], longest: str) -> Iterator[str]:
    most = len(combination[longest])
    for key, candidate in combination.items():
        if len(candidate) not in (1, most):
            yield (
                f"{key}: {json.dumps(candidate)} has {len(candidate)} entries; expected 1, or {most} as in "
                f"{longest} {json.dumps(combination[longest])}"
            )


def _repetitions(combination: Mapping[str, Candidate], most: int) -> Iterator[str]:
    for key, candidate in combination.items():
        if len(candidate) < most:
            yield f"{key} {json.dumps(candidate)} is repeated for all {most} phases"


def _phases(combination: Mapping[str, Candidate], most: int) -> list[dict[str, Any]]:
    full = {
        STRATEGIES[key].field: list(candidate) * (most if len(candidate) == 1 else 1)
        for key, candidate in combination.items()
    }
    return [{field: entries[phase] for field, entries in full.items() if phase < len(entries)} for phase in range(most)]


def _name(strategy: Strategy, candidate: Candidate) -> str:
    texts = ["to".join(f"{x:g}" for x in entry) if is_window(entry) else f"{entry:g}" for entry in candidate]
    if len(set(texts)) == 1:
        texts = [texts[0], *([f"x{len(texts)}"] if len(texts) > 1 else [])]
    return f"{strategy.short}-" + "-".join(texts)
