"""Older sweep files: read as they are, or written in the present form with a comment on each decision."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

import trainers
from assets.identity.paths import Place, dotted, parse_path
from assets.sweeps.yaml_loader import Document, SweepError, one_line, read_document
from trainers.study import Study

MARK = "parameters"
"""A file with this key at its top has the older form."""

PRESENT = ("study", "base", "vary", "search")
"""A file with one of these keys at its top, and without `parameters`, has the present form."""

PARTS = (MARK, "data")
"""What an older file must hold at its top."""


@dataclass(frozen=True)
class Additions:
    """What a user adds to an older file that lacks it."""

    dataset: str = ""
    """Name of the training dataset."""
    dated: str = ""
    """Day on which the file was used, as `2025-11-05`: it decides between meanings of a name."""

    @property
    def given(self) -> dict[str, str]:
        """What is added, as keys of the older file."""
        return {name: text for name, text in asdict(self).items() if text}


NOTHING = Additions()


@dataclass(frozen=True)
class Translation:
    """An older file in the present form."""

    document: Document
    """Data in the present form; a place has the line of the older key that it stems from, where that is known."""
    decisions: tuple[str, ...]
    """`path: why`, every choice that the older file left open."""
    warnings: tuple[str, ...]


def is_older(document: Document) -> bool:
    """Whether a file has the older form, or is a fragment of such a file."""
    return MARK in document.data or bool(_fragment(document))


def _fragment(document: Document) -> list[str]:
    """Return the keys at the top that only older files have; none where the file has the present form."""
    if any(key in document.data for key in PRESENT):
        return []
    return [key for key in document.data if key in ("wandb", "data") or str(key).endswith("_strategy")]


def convert(path: Path, additions: Additions = NOTHING) -> str:
    """Return an older sweep file as YAML in the present form, with a comment on each decision.

    Raises:
        SweepError: the file is not of the older form, or has a structure with two readings.
    """
    document = read_document(Path(path))
    if not is_older(document):
        raise SweepError([document.problem((), f"has no key {MARK!r}; it is in the present form already")])
    translation = translate(document, Path(path), additions)
    return to_yaml(translation, Path(path).name)


def translate(document: Document, path: Path, additions: Additions = NOTHING) -> Translation:
    """Translate an older document by the reader of its study.

    Raises:
        SweepError: a line for each offending key.
    """
    warnings = _duplicates(document)
    if MARK not in document.data:
        raise SweepError([_incomplete(document)])
    study = _study(document, path)
    assert study.older is not None
    try:
        data = dict(study.older(document.data | additions.given))
    except ValueError as error:
        lines_of_problems = [_with_line(document, line) for line in str(error).splitlines()]
        raise SweepError(sorted(lines_of_problems, key=document.line_of)) from None
    decisions = tuple(str(decision) for decision in data.pop("decisions", ()))
    lines: dict[Place, int] = {(): 1, ("base",): document.line((MARK,)), ("vary",): document.line((MARK,))}
    present = replace(document, data={"study": study.name} | data, lines=lines, duplicates=())
    return Translation(present, decisions, tuple(warnings))


def _incomplete(document: Document) -> str:
    """Say what a fragment of an older file lacks."""
    missing = [f"{part}:" for part in PARTS if part not in document.data]
    loose = [key for key in document.data if key not in ("wandb", "data")]
    below = f", with {', '.join(loose[:3])}{', ...' if len(loose) > 3 else ''} below {MARK}:" if loose else ""
    text = f"a fragment of a file of the older format; {' and '.join(missing)} missing; expected both at the top{below}"
    return document.problem((), f"{text}; add what is missing")


def _duplicates(document: Document) -> list[str]:
    """Warn of equal blocks; refuse different ones under one key."""
    warnings, problems = [], []
    for duplicate in document.duplicates:
        where = one_line(f"{document.name}:{duplicate.second}: {dotted(duplicate.place)}: given twice")
        if duplicate.identical:
            warnings.append(f"{where}, with equal content as in line {duplicate.first}; it counts once")
        else:
            problems.append(f"{where}, and differently in line {duplicate.first}; expected once; remove one")
    if problems:
        raise SweepError(problems)
    return warnings


def _study(document: Document, path: Path) -> Study:
    """Return the study of an older file: the one that it names, that its folder names, or the only one there is."""
    readers = {name: study for name, study in trainers.STUDIES.items() if study.older is not None}
    named = document.data.get("study", path.resolve().parent.name)
    if isinstance(named, str) and named in readers:
        return readers[named]
    if "study" not in document.data and len(readers) == 1:
        return next(iter(readers.values()))
    names = ", ".join(readers) or "none"
    text = f"given {named!r}; the older form can be read for: {names}; add study: <name> or write the present form"
    raise SweepError([document.problem(("study",), text, "study")])


def _with_line(document: Document, line: str) -> str:
    """Put file and line before what a reader says as `key: text`."""
    key = line.split(":", 1)[0].strip()
    name = key.rsplit(".", 1)[-1]
    places = [place for place in document.lines if place and place[-1] == name]
    place: Place = min(places, key=len, default=(MARK,))
    return document.problem(place, line, "")


def to_yaml(translation: Translation, source: str) -> str:
    """Write the present form as YAML with a comment on each decision."""
    tree = _tree(translation.document.data)
    loose = [f"Converted from {source}."]
    for decision in translation.decisions:
        if not _comment(tree, decision):
            loose.append(decision)
    return _dump(tree, loose)


def sweep_yaml(data: Mapping[str, Any], comment: Sequence[str]) -> str:
    """Write the keys of a sweep file as YAML below some lines of comment; what is empty is left out."""
    return _dump(_tree(data), comment)


def _tree(data: Mapping[str, Any]) -> CommentedMap:
    return _block({key: value for key, value in data.items() if value not in ({}, [], "")})


def _dump(tree: CommentedMap, comment: Sequence[str]) -> str:
    tree.yaml_set_start_comment("\n".join(one_line(text) for text in comment))
    stream = io.StringIO()
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 110
    yaml.dump(tree, stream)
    return stream.getvalue()


def _block(value: Mapping[str, Any]) -> CommentedMap:
    return CommentedMap({key: _node(inner) for key, inner in value.items()})


def _node(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _block(value)
    if isinstance(value, list):
        nested = any(isinstance(entry, Mapping) for entry in value)
        entries = CommentedSeq([_flow(entry) for entry in value])
        if not nested:
            entries.fa.set_flow_style()
        return entries
    return value


def _flow(value: Any) -> Any:
    """Return nested values on one line."""
    if isinstance(value, Mapping):
        node: Any = CommentedMap({key: _flow(inner) for key, inner in value.items()})
    elif isinstance(value, list):
        node = CommentedSeq([_flow(entry) for entry in value])
    else:
        return value
    node.fa.set_flow_style()
    return node


def _comment(tree: CommentedMap, decision: str) -> bool:
    """Put a decision above the setting that it is about; false where the file has no such setting."""
    key, _, text = decision.partition(": ")
    for parent, name in _settings(tree, key):
        if isinstance(parent, CommentedMap) and name in parent:
            depth = _depth(tree, parent)
            parent.yaml_set_comment_before_after_key(name, before=one_line(text), indent=2 * depth)
            return True
    return False


def _settings(tree: CommentedMap, key: str) -> list[tuple[Any, str]]:
    """Return where a decision may belong: the axis of that name, the setting in the base, the key of the file."""
    candidates: list[tuple[Any, str]] = [(tree.get("vary"), key)]
    try:
        path = [part for part in parse_path(key) if isinstance(part, str)]
    except ValueError:
        return candidates
    parent: Any = tree.get("base")
    for part in path[:-1]:
        parent = parent.get(part) if isinstance(parent, CommentedMap) else None
    return [*candidates, (parent, path[-1]), (tree.get("vary"), path[-1]), (tree, key)]


def _depth(tree: CommentedMap, node: CommentedMap, depth: int = 0) -> int:
    if tree is node:
        return depth
    inner = (_depth(value, node, depth + 1) for value in tree.values() if isinstance(value, CommentedMap))
    return max(inner, default=-1)
