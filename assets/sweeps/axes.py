"""Expand a sweep: its base, its axes and what it excludes become one mapping of settings per combination."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import prod
from typing import Any

from assets.identity.paths import Place, covers, dotted, merge, overlap, parse_path, put, update
from assets.sweeps.yaml_loader import Document
from trainers.common.names import nearest

MAX_COMBINATIONS = 100_000
SECTIONS = ("dataset", "model")


@dataclass(frozen=True)
class Axis:
    """One key of `vary`: values of a setting, or named variants that are merged into the base."""

    name: str
    path: Place
    """Setting that the values take; empty for named variants."""
    names: tuple[Any, ...]
    """What a table shows: the values, or the names of the variants."""
    changes: tuple[tuple[tuple[Place, Any], ...], ...]
    """Per entry the settings it makes."""
    place: Place
    """Where the axis stands in the file."""
    listed: bool = True

    @property
    def seeds(self) -> bool:
        """Whether this axis repeats the others with other seeds."""
        return self.path[-1:] == ("seed",)

    def apply(self, settings: Any, index: int) -> Any:
        """Return settings with the entry `index`: values replace, variants are merged."""
        for path, value in self.changes[index]:
            settings = put(settings, path, value) if self.path else update(settings, path, partial(merge, change=value))
        return settings

    def where(self, index: int, setting: Place) -> Place | None:
        """Return where in the file the entry `index` makes a setting, or None where it does not."""
        for path, value in reversed(self.changes[index]):
            if covers(path, setting) and sets(value, setting[len(path) :]):
                if not self.path:
                    return (*self.place, self.names[index], dotted(path), *setting[len(path) :])
                return (*self.place, index, *setting[len(path) :]) if self.listed else self.place
        return None


def sets(value: Any, rest: Place) -> bool:
    """Whether a merged value decides the setting at `rest` below it."""
    for part in rest:
        if isinstance(value, Mapping):
            if part not in value:
                return False
            value = value[part]
        elif isinstance(value, list) and isinstance(part, int):
            if part >= len(value):
                return False
            value = value[part]
        else:
            return True
    return True


@dataclass(frozen=True)
class Combination:
    """One entry of each axis, and the settings they make together with the base."""

    indices: tuple[int, ...]
    settings: Mapping[str, Any]


def read_axes(document: Document, vary: Mapping[str, Any], problems: list[str]) -> tuple[Axis, ...]:
    """Read the axes of a sweep; append a line to `problems` for everything that is no axis."""
    axes: list[Axis] = []
    for name, entries in vary.items():
        place = ("vary", name)
        try:
            axes.append(
                _variants(name, entries, place) if isinstance(entries, Mapping) else _values(name, entries, place)
            )
        except ValueError as error:
            problems.append(document.problem(place, str(error)))
    for second, axis in enumerate(axes):
        for other in axes[:second]:
            if both := _common(axis, other):
                text = f"given {dotted(both)}, which the axis {other.name} sets too; expected one axis per setting"
                problems.append(document.problem(axis.place, text))
    return tuple(axes)


def _values(name: str, entries: Any, place: Place) -> Axis:
    path = _section_path(name)
    if path == ("model",):
        raise ValueError("given the whole model as an axis; expected settings such as model.seed, or named variants")
    listed = isinstance(entries, list)
    values = tuple(entries) if listed else (entries,)
    if not values:
        raise ValueError("given no value; expected a list of at least one")
    return Axis(name, path, values, tuple(((path, value),) for value in values), place, listed)


def _variants(name: str, variants: Mapping[str, Any], place: Place) -> Axis:
    if not variants:
        raise ValueError("given no variant; expected a mapping of at least one name to settings")
    changes = variants_of(name, variants)
    return Axis(name, (), tuple(changes), tuple(changes.values()), place)


def variants_of(name: str, variants: Mapping[str, Any]) -> dict[str, tuple[tuple[Place, Any], ...]]:
    """Return the settings that each named variant merges into the base.

    Raises:
        ValueError: the name is that of a setting, or a variant is no mapping of settings.
    """
    if name.split(".")[0].split("[")[0] in SECTIONS:
        raise ValueError("given a mapping; expected a list of values, or an axis of another name for named variants")
    changes = {}
    for variant, settings in variants.items():
        if not isinstance(settings, Mapping):
            raise ValueError(
                f"the variant {variant} is {settings!r}; expected a mapping with the keys dataset or model"
            )
        changes[variant] = tuple((_section_path(key), value) for key, value in settings.items())
    return changes


def _section_path(text: str) -> Place:
    path = parse_path(text)
    if not path or path[0] not in SECTIONS:
        raise ValueError(f"given {text!r}; expected a path that begins with dataset or model, such as model.seed")
    return path


def _common(axis: Axis, other: Axis) -> Place | None:
    """Return a setting that two axes both set, or None; a later axis may refine what an earlier one sets."""
    for mine in _leaves(axis):
        for yours in _leaves(other):
            if len(mine) <= len(yours) and overlap(mine, yours):
                return mine
    return None


def _leaves(axis: Axis) -> set[Place]:
    return {leaf for change in axis.changes for path, value in change for leaf in _ends(path, value, not axis.path)}


def _ends(path: Place, value: Any, merged: bool) -> Iterator[Place]:
    if merged and isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _ends((*path, key), inner, merged)
    else:
        yield path


def read_exclusions(
    document: Document, exclude: Sequence[Mapping[str, Any]], axes: Sequence[Axis], problems: list[str]
) -> list[dict[int, set[int]]]:
    """Read `exclude` as, per entry, the excluded indices of some axes."""
    position = {axis.name: index for index, axis in enumerate(axes)}
    rules = []
    for number, entry in enumerate(exclude):
        rule: dict[int, set[int]] = {}
        for name, value_or_list in entry.items():
            place = ("exclude", number, name)
            if name not in position:
                choices = ", ".join(nearest(name, position)) or "none, as nothing varies"
                problems.append(document.problem(place, f"no such axis; nearest: {choices}"))
                continue
            axis = axes[position[name]]
            rule[position[name]] = _indices(document, place, axis, value_or_list, problems)
        if not rule:
            problems.append(
                document.problem(("exclude", number), "given no axis; expected a mapping of axes to values")
            )
        rules.append(rule)
    return rules


def _indices(document: Document, place: Place, axis: Axis, value_or_list: Any, problems: list[str]) -> set[int]:
    values = [value_or_list] if value_or_list in axis.names or not isinstance(value_or_list, list) else value_or_list
    for value in values:
        if value not in axis.names:
            choices = ", ".join(str(name) for name in axis.names[:8])
            problems.append(document.problem(place, f"given {value!r}; expected values of this axis: {choices}"))
    return {index for index, name in enumerate(axis.names) if name in values}


def combinations(
    document: Document,
    base: Mapping[str, Any],
    axes: Sequence[Axis],
    rules: Sequence[Mapping[int, set[int]]],
    problems: list[str],
) -> list[Combination]:
    """Expand all combinations, every setting at one seed before the second seed."""
    count = prod(len(axis.names) for axis in axes)
    if count > MAX_COMBINATIONS:
        text = f"given {count} combinations; expected at most {MAX_COMBINATIONS}; split the sweep"
        problems.append(document.problem(("vary",), text))
        return []
    # Axes of seeds come first in the product, so that they vary slowest.
    order = sorted(range(len(axes)), key=lambda index: not axes[index].seeds)
    rows_of_indices = []
    for entry in product(*(range(len(axes[index].names)) for index in order)):
        indices = tuple(entry[order.index(index)] for index in range(len(axes)))
        if any(all(indices[axis] in excluded for axis, excluded in rule.items()) for rule in rules):
            continue
        rows_of_indices.append(indices)
    if not rows_of_indices:
        problems.append(document.problem(("exclude",), "every combination is excluded; expected at least one to stay"))
    return list(_apply_all(document, base, axes, rows_of_indices, problems))


def _apply_all(
    document: Document,
    base: Mapping[str, Any],
    axes: Sequence[Axis],
    rows_of_indices: list[tuple[int, ...]],
    problems: list[str],
) -> Iterator[Combination]:
    for indices in rows_of_indices:
        settings: Any = base
        try:
            for axis, index in zip(axes, indices, strict=True):
                place = axis.place
                settings = axis.apply(settings, index)
            yield Combination(indices, settings)
        except LookupError as error:  # of the axis at `place`, the last that was applied
            line = document.problem(place, str(error.args[0]))
            if line not in problems:
                problems.append(line)


def where(document: Document, axes: Sequence[Axis], indices: Sequence[int], setting: Place) -> Place | None:
    """Return where the file sets a setting of a combination, or None where it keeps its default."""
    for axis, index in reversed(list(zip(axes, indices, strict=True))):
        if (place := axis.where(index, setting)) is not None:
            return place
    return ("base", *setting) if sets(document.data.get("base", {}), setting) else None
