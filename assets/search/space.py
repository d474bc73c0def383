"""The space of a search: what may be drawn, and how draws become settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from assets.identity.canonical import compact
from assets.identity.paths import Place, merge, put, update

Scalar = str | int | float | bool | None

LENGTH = "length"

DIGITS = 4
"""Significant digits of a number that is drawn from a range."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float
    whole: bool = False
    log: bool = False
    step: int = 1

    @property
    def ends(self) -> tuple[float, ...]:
        """Values whose configurations are validated before a search starts."""
        return (self.low, self.high)

    def value(self, draw: Any) -> Any:
        """Return the setting of a number that was drawn: four significant digits, still inside."""
        return int(draw) if self.whole else min(max(float(f"{draw:.{DIGITS}g}"), self.low), self.high)


@dataclass(frozen=True)
class Options:
    """Some values, by the labels under which the sampler knows them: themselves, or their JSON."""

    labels: tuple[Scalar, ...]
    values: tuple[Any, ...] = field(hash=False)

    @property
    def ends(self) -> tuple[Scalar, ...]:
        """Values whose configurations are validated before a search starts."""
        return self.labels

    def value(self, draw: Any) -> Any:
        """Return the setting that a label stands for."""
        return self.values[self.labels.index(draw)]


@dataclass(frozen=True)
class Fixed:
    """A value within a record that is not drawn."""

    setting: Any


@dataclass(frozen=True)
class Entries:
    """A list whose entries are drawn one by one, and how long it is."""

    entry: Entry
    length: Range | str
    """A range, or the name of the list that is as long."""


@dataclass(frozen=True)
class Record:
    """A mapping whose fields are drawn one by one."""

    fields: Mapping[str, Entry]


Leaf = Range | Options
Entry = Leaf | Fixed | Entries | Record
Choose = Callable[[str, Leaf], Any]
"""Draw for a leaf of that name: a number within its range, or one of its labels."""


@dataclass(frozen=True)
class Dimension:
    """One key of `space`."""

    name: str
    path: Place
    """Setting that it makes; empty for named variants."""
    entry: Entry
    changes: Mapping[str, tuple[tuple[Place, Any], ...]] = field(default_factory=dict)
    """Settings of each named variant."""

    def apply(self, settings: Any, value: Any) -> Any:
        """Return settings with a value of this dimension: it replaces, a variant is merged."""
        if self.path:
            return put(settings, self.path, value)
        for path, change in self.changes[value]:
            settings = update(settings, path, partial(merge, change=change))
        return settings


@dataclass(frozen=True)
class Space:
    """All dimensions of a search, in the order of the file."""

    dimensions: tuple[Dimension, ...]

    def draw(self, choose: Choose) -> dict[str, Any]:
        """Return a value for every dimension, by name; a list that is as long as another is drawn after it."""
        values: dict[str, Any] = {}
        for dimension in sorted(self.dimensions, key=_follows):
            values[dimension.name] = _draw_entry(dimension.name, dimension.entry, choose, values)
        return {dimension.name: values[dimension.name] for dimension in self.dimensions}

    def settings(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
        """Return the settings of a trial.

        Raises:
            LookupError: a path meets something in the base that cannot hold it.
        """
        settings: Any = base
        for dimension in self.dimensions:
            settings = dimension.apply(settings, values[dimension.name])
        return settings

    def corners(self) -> Iterator[dict[str, Any]]:
        """Yield the ends of the space: everything at its low end, at its high end, and every option of every choice."""
        yield self.draw(lambda name, leaf: leaf.ends[0])
        yield self.draw(lambda name, leaf: leaf.ends[-1])
        for options in (leaf for dimension in self.dimensions for leaf in _options(dimension.entry)):
            for label in options.labels[1:]:
                yield self.draw(partial(_with_option, options, label))


def label_of(value: Any) -> Scalar:
    """Return the label under which a sampler knows an option."""
    return value if value is None or isinstance(value, Scalar) else compact(value)


def _follows(dimension: Dimension) -> bool:
    return isinstance(dimension.entry, Entries) and isinstance(dimension.entry.length, str)


def _draw_entry(name: str, entry: Entry, choose: Choose, values: Mapping[str, Any]) -> Any:
    if isinstance(entry, Fixed):
        return entry.setting
    if isinstance(entry, Record):
        return {key: _draw_entry(f"{name}.{key}", inner, choose, values) for key, inner in entry.fields.items()}
    if isinstance(entry, Entries):
        return [
            _draw_entry(f"{name}[{k}]", entry.entry, choose, values)
            for k in range(_length(name, entry, choose, values))
        ]
    return entry.value(choose(name, entry))


def _length(name: str, entry: Entries, choose: Choose, values: Mapping[str, Any]) -> int:
    if isinstance(entry.length, str):
        return len(values[entry.length])
    return entry.length.value(choose(f"{name}.{LENGTH}", entry.length))


def _options(entry: Entry) -> Iterator[Options]:
    if isinstance(entry, Options):
        yield entry
    elif isinstance(entry, Entries):
        yield from _options(entry.entry)
    elif isinstance(entry, Record):
        for inner in entry.fields.values():
            yield from _options(inner)


def _with_option(options: Options, label: Scalar, name: str, leaf: Leaf) -> Any:
    """Draw one option wherever it can be, the longest lists, and the low end of everything else."""
    if leaf is options:
        return label
    return leaf.ends[-1 if name.endswith(f".{LENGTH}") else 0]
