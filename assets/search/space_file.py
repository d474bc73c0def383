"""Read the space of a search file; what is wrong becomes one line with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

from pydantic import Field

from assets.identity.paths import Place, dotted, overlap, parse_path
from assets.search.space import Dimension, Entries, Entry, Fixed, Options, Range, Record, Space, label_of
from assets.sweeps.axes import SECTIONS, variants_of
from assets.sweeps.validate import InvalidError, validate
from assets.sweeps.yaml_loader import Document
from trainers.common.names import nearest
from trainers.study import Config

MAX_LENGTH = 100
"""Most entries of a list that is drawn."""


class Uniform(Config):
    """A number between two ends."""

    uniform: tuple[float, float]
    """Smallest and largest."""

    def entry(self) -> Range:
        """Return the range or list to draw from."""
        return Range(*_check_order(self.uniform))


class LogUniform(Config):
    """A number between two positive ends, evenly in its logarithm."""

    log_uniform: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]
    """Smallest and largest, both > 0."""

    def entry(self) -> Range:
        """Return the range or list to draw from."""
        return Range(*_check_order(self.log_uniform), log=True)


class Integer(Config):
    """An integer, both ends included."""

    integer: tuple[int, int]
    """Smallest and largest."""
    step: Annotated[int, Field(ge=1)] = 1
    """Difference between neighbouring values."""

    def entry(self) -> Range:
        """Return the range to draw from; it ends at the largest number that the steps reach."""
        low, high = _check_order(self.integer)
        return Range(low, high - (high - low) % self.step, whole=True, step=self.step)


class LogInteger(Config):
    """An integer, both ends included, evenly in its logarithm."""

    log_integer: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    """Smallest and largest, both >= 1."""

    def entry(self) -> Range:
        """Return the range or list to draw from."""
        return Range(*_check_order(self.log_integer), whole=True, log=True)


class Choice(Config):
    """One of some values, or of some named variants."""

    choice: Annotated[tuple[Any, ...], Field(min_length=1)] | Annotated[dict[str, dict[str, Any]], Field(min_length=1)]
    """A list of values, or {name: settings}."""

    def entry(self) -> Options:
        """Return the range or list to draw from."""
        values = tuple(self.choice)
        labels = tuple(map(label_of, values))
        if len({(type(label), label) for label in labels}) < len(labels):
            raise ValueError(f"given {list(values)}; expected values of which no two are equal")
        return Options(labels, values)


class ListOf(Config):
    """A list, drawn entry by entry."""

    list: Any
    """An entry: one of these kinds, or a record of them."""
    length: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0, le=MAX_LENGTH)]] | str
    """Fewest and most entries, or the name of the list that is as long."""

    def entry(self) -> Entries:
        """Return the range or list to draw from."""
        length = self.length if isinstance(self.length, str) else Range(*_check_order(self.length), whole=True)
        with _within("list"):
            return Entries(entry_of(self.list), length)


KINDS: dict[str, type[Any]] = {
    "uniform": Uniform,
    "log_uniform": LogUniform,
    "integer": Integer,
    "log_integer": LogInteger,
    "choice": Choice,
    "list": ListOf,
}


def read_space(document: Document, space: Mapping[str, Any], place: Place, problems: list[str]) -> Space:
    """Read the dimensions of a search; append a line to `problems` for every entry that is not a dimension."""
    dimensions: list[Dimension] = []
    for name, definition in space.items():
        try:
            dimensions.append(_dimension(name, definition))
        except InvalidError as error:
            problems += [document.problem((*place, name, *inner), text) for inner, text in error.findings]
        except ValueError as error:
            problems.append(document.problem((*place, name), str(error)))
    for dimension in dimensions:
        for text in (*_lengths(dimension, dimensions), *_overlaps(dimension, dimensions)):
            problems.append(document.problem((*place, dimension.name), text))
    return Space(tuple(dimensions))


def _dimension(name: str, definition: Any) -> Dimension:
    if not _is_kind(definition):
        raise ValueError(f"given {definition!r}; expected one of {', '.join(KINDS)}, such as {{uniform: [0.0, 1.0]}}")
    if isinstance(definition.get("choice"), Mapping):
        entry = _of_kind(definition)
        return Dimension(name, (), entry, dict(variants_of(name, definition["choice"])))
    path = parse_path(name)
    if not path or path[0] not in SECTIONS or path == ("model",):
        raise ValueError("expected a path that begins with dataset or model, such as model.width, or named variants")
    return Dimension(name, path, entry_of(definition))


def entry_of(definition: Any) -> Entry:
    """Return what an entry of a space says: a kind of draw, a record of entries, or a value.

    Raises:
        InvalidError, ValueError: it is none of them.
    """
    if _is_kind(definition):
        return _of_kind(definition)
    if not isinstance(definition, Mapping):
        return Fixed(definition)
    fields = {}
    for key, inner in definition.items():
        with _within(key):
            fields[key] = entry_of(inner)
    return Record(fields)


@contextmanager
def _within(key: str) -> Iterator[None]:
    """Prefix the places of errors inside an entry with its key."""
    try:
        yield
    except InvalidError as error:
        raise InvalidError([((key, *place), text) for place, text in error.findings]) from None
    except ValueError as error:
        raise InvalidError([((key,), str(error))]) from None


def _is_kind(definition: Any) -> bool:
    return isinstance(definition, Mapping) and (any(name in definition for name in KINDS) or _misspelt(definition))


def _misspelt(definition: Mapping[str, Any]) -> bool:
    """Whether a mapping looks like a range under a name that there is not, such as {unifrom: [0, 1]}."""
    return len(definition) == 1 and all(
        isinstance(v, list) and k not in KINDS and _near(k) for k, v in definition.items()
    )


def _near(name: str) -> bool:
    from difflib import get_close_matches

    return bool(get_close_matches(name, KINDS, n=1, cutoff=0.7))


def _of_kind(definition: Mapping[str, Any]) -> Any:
    name = next((name for name in KINDS if name in definition), None)
    if name is None:
        unknown = next(iter(definition))
        raise ValueError(f"unknown kind {unknown!r}; nearest: {', '.join(nearest(unknown, KINDS))}")
    return validate(KINDS[name], definition).entry()


def _check_order(ends: tuple[Any, Any]) -> tuple[Any, Any]:
    if ends[0] > ends[1]:
        raise ValueError(f"given {list(ends)}; expected [smallest, largest]")
    return ends


def _lengths(dimension: Dimension, others: list[Dimension]) -> Iterator[str]:
    """Yield what is wrong with the name of the list from which a list takes its length."""
    entry = dimension.entry
    if not isinstance(entry, Entries) or not isinstance(entry.length, str):
        return
    lists = [d.name for d in others if isinstance(d.entry, Entries) and not isinstance(d.entry.length, str)]
    if entry.length not in lists:
        choices = ", ".join(nearest(entry.length, lists)) or "none, as no other list is drawn"
        yield f"length: given {entry.length!r}; expected [fewest, most] or another list of this space: {choices}"


def _overlaps(dimension: Dimension, others: list[Dimension]) -> Iterator[str]:
    """Yield what an earlier dimension sets too."""
    for other in others[: others.index(dimension)]:
        if both := next((a for a in _paths(dimension) for b in _paths(other) if overlap(a, b)), None):
            yield f"given {dotted(both)}, which {other.name} sets too; expected one entry per setting"


def _paths(dimension: Dimension) -> set[Place]:
    if dimension.path:
        return {dimension.path}
    return {leaf for change in dimension.changes.values() for path, value in change for leaf in _ends(path, value)}


def _ends(path: Place, value: Any) -> Iterator[Place]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _ends((*path, key), inner)
    else:
        yield path
