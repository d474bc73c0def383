"""Safe YAML: plain data with the line of every setting, and one line for everything that is refused."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from assets.identity.paths import Place, dotted

MAX_BYTES = 1_000_000
MAX_NODES = 200_000
MAX_DEPTH = 40
MAX_DIGITS = 40

_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
# YAML 1.1 reads these as true and false, 1.2 as text: the country code `no` would depend on the reader.
_TRUTH_OF_YAML_1_1 = re.compile(r"y|yes|n|no|on|off", re.IGNORECASE)
_TAG = "tag:yaml.org,2002:"


class SweepError(Exception):
    """A file that cannot be used; `problems` holds one line for each thing that is wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class Duplicate:
    """A key that a mapping holds twice."""

    place: Place
    first: int
    second: int
    identical: bool


@dataclass(frozen=True)
class Document:
    """A parsed file: plain data and the line of every key and list entry."""

    name: str
    data: dict[str, Any]
    lines: Mapping[Place, int] = field(repr=False)
    duplicates: tuple[Duplicate, ...] = ()

    def line(self, place: Place) -> int:
        """Return the line of a place, or of the nearest place around it that the file holds."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def problem(self, place: Place, text: str, key: str | None = None) -> str:
        """Return `file:line: key: text` on one line."""
        path = dotted(place) if key is None else key
        return one_line(f"{self.name}:{self.line(place)}: {path + ': ' if path else ''}{text}")

    def line_of(self, problem: str) -> int:
        """Return the line that a problem of this file names."""
        number = problem.removeprefix(one_line(self.name) + ":").split(":", 1)[0]
        return int(number) if number.isdecimal() else 0


def one_line(text: str) -> str:
    """Put a text on one printable line."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))


def read_document(path: Path, name: str | None = None) -> Document:
    """Read one YAML 1.2 file.

    Raises:
        SweepError: not a readable UTF-8 file below 1 MB, not YAML, not one mapping, or it holds a tab as indentation,
            a tag, a directive, NaN, infinity, a number in an unusual form, YAML 1.1 truth values (`no`), or
            aliases that expand to more than 200,000 values.
    """
    title = name or str(path)
    return parse(_text(path, title), title)


def _text(path: Path, name: str) -> str:
    try:
        if not path.is_file():
            raise SweepError([one_line(f"{name}:1: no such file; expected a YAML file")])
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise SweepError([one_line(f"{name}:1: the file has {size} bytes; expected at most {MAX_BYTES}")])
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SweepError([one_line(f"{name}:1: byte {error.start} is not UTF-8; save the file as UTF-8")]) from None
    except (OSError, ValueError) as error:
        raise SweepError([one_line(f"{name}:1: cannot be read: {error}")]) from None


def parse(text: str, name: str = "text") -> Document:
    """Parse YAML text; see `read_document`."""
    if len(text) > MAX_BYTES:
        raise SweepError([f"{name}:1: the text has {len(text)} characters; expected at most {MAX_BYTES}"])
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("%"):
            raise SweepError(
                [one_line(f"{name}:{number}: given the directive {line[:40]!r}; expected none; remove it")]
            )
    root = _compose(text, name)
    if not isinstance(root, MappingNode):
        raise SweepError([f"{name}:1: expected a mapping with the keys study, base and vary"])
    reader = _Reader(name)
    data = reader.value(root, ())
    if reader.problems:
        raise SweepError(reader.problems)
    return Document(name, data, reader.lines, tuple(reader.duplicates))


def _compose(text: str, name: str) -> Node | None:
    try:
        return YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        hint = "; indent with spaces, not tabs" if "\\t" in str(error.problem) else ""
        raise SweepError([one_line(f"{name}:{line}: not YAML: {error.problem or error.context}{hint}")]) from None
    except RecursionError:
        raise SweepError([f"{name}:1: nested too deeply; expected at most {MAX_DEPTH} levels"]) from None
    except (YAMLError, ValueError, OverflowError) as error:
        raise SweepError([one_line(f"{name}:1: not YAML: {error}")]) from None


class _Reader:
    """Turn nodes into plain data, noting lines, duplicates and everything that is refused."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Place, int] = {}
        self.duplicates: list[Duplicate] = []
        self.problems: list[str] = []
        self._nodes = 0

    def value(self, node: Node, place: Place) -> Any:
        self.lines.setdefault(place, node.start_mark.line + 1)
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise SweepError(
                [f"{self.name}:{self.lines[place]}: more than {MAX_NODES} values once aliases are expanded"]
            )
        if len(place) > MAX_DEPTH:
            raise SweepError([f"{self.name}:{self.lines[place]}: nested more than {MAX_DEPTH} levels deep"])
        if isinstance(node, MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, place)
        if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
            return [self.value(child, (*place, index)) for index, child in enumerate(node.value)]
        if isinstance(node, ScalarNode):
            return self._scalar(node, place)
        return self._refuse(node, place, f"given the tag {node.tag!r}; expected plain data; remove the tag")

    def _mapping(self, node: MappingNode, place: Place) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode) or key_node.tag == _TAG + "merge":
                self._refuse(key_node, place, "given a key that is no text; expected a plain name before the colon")
                continue
            key = key_node.value
            here, line = (*place, key), key_node.start_mark.line + 1
            first = self.lines.get(here, line)  # of a key that is given twice the first value and its line count
            self.lines[here] = line if key not in mapping else first
            value = self.value(value_node, here)
            if key in mapping:
                self.duplicates.append(Duplicate(here, first, line, mapping[key] == value))
            mapping.setdefault(self._printable(key_node, key, place), value)
        return mapping

    def _scalar(self, node: ScalarNode, place: Place) -> Any:
        plain = node.style is None
        reader = _SCALARS.get(str(node.tag))
        if reader is None:
            if node.tag in (_TAG + "timestamp", _TAG + "value", _TAG + "merge"):
                return node.value
            return self._refuse(node, place, f"given the tag {node.tag!r}; expected plain data; remove the tag")
        if plain and _TRUTH_OF_YAML_1_1.fullmatch(node.value):
            text = f"given {node.value}, which some readers take for a truth value; write true, false or {node.value!r}"
            return self._refuse(node, place, text)
        try:
            return self._printable(node, reader(node.value), place)
        except ValueError as error:
            return self._refuse(node, place, str(error))

    def _printable(self, node: Node, value: Any, place: Place) -> Any:
        if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
            return self._refuse(node, place, "given half of a surrogate pair; expected Unicode text")
        return value

    def _refuse(self, node: Node, place: Place, text: str) -> None:
        key = dotted(place)
        line = node.start_mark.line + 1
        self.problems.append(one_line(f"{self.name}:{line}: {key + ': ' if key else ''}{text}"))


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text) or len(text) > MAX_DIGITS:
        raise ValueError(f"given {text[:MAX_DIGITS]}; expected a plain decimal number; {_advice(text)}")
    return int(text)


def _advice(text: str) -> str:
    digits = text.lstrip("+-0").replace("_", "") or "0"
    number = f"write {digits} or " if digits.isdecimal() and len(digits) <= MAX_DIGITS else ""
    return f"{number}put it in quotes if it is text"


def _decimal(text: str) -> float:
    if not _DECIMAL.fullmatch(text) or len(text) > MAX_DIGITS or not math.isfinite(float(text)):
        raise ValueError(f"given {text[:MAX_DIGITS]}; expected a finite decimal number such as 0.5 or 1e-6")
    return float(text)


def _truth(text: str) -> bool:
    return text.lower() == "true"


_SCALARS: dict[str, Callable[[str], Any]] = {
    _TAG + "str": str,
    _TAG + "null": lambda text: None,
    _TAG + "bool": _truth,
    _TAG + "int": _whole,
    _TAG + "float": _decimal,
}
