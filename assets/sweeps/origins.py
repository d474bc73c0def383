"""Every setting of a sweep file with its values, and where each comes from: an axis, the base, a preset, a default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assets.identity.canonical import compact
from assets.identity.paths import Place, dotted, flatten, parse_path
from assets.sweeps.axes import sets
from assets.sweeps.sweep import Sweep
from assets.sweeps.sweep_file import Reading
from assets.sweeps.yaml_loader import read_document

DEFAULT = "default of the study"


@dataclass(frozen=True)
class Origin:
    """One setting of a sweep."""

    setting: str
    values: tuple[Any, ...]
    """The distinct values over all rows, in their order."""
    origin: str
    """`default of the study`, or file, line and what stands there."""


def origins(sweep: Sweep) -> list[Origin]:
    """Return every setting of a sweep with its values and its origin, in the order of the settings.

    Raises:
        SweepError: the file of the sweep can no longer be read.
    """
    reading = Reading(read_document(sweep.path, sweep.path.name), sweep.path)
    reading.sweep()
    values: dict[str, dict[str, Any]] = {}
    for row in sweep.rows:
        for place, value in flatten(row.configuration.settings()):
            values.setdefault(dotted(place), {}).setdefault(compact(value), value)
    return [
        Origin(path, tuple(by_text.values()), _origin(reading, parse_path(path))) for path, by_text in values.items()
    ]


def _origin(reading: Reading, setting: Place) -> str:
    """Return where a setting is made: of several places the one that prevails, an axis over the base."""
    for axis in reversed(reading.axes):
        places = (axis.where(index, setting) for index in range(len(axis.names)))
        if place := next(filter(None, places), None):
            return f"{_line(reading, place)}: axis {axis.name}"
    section, rest = reading.base.get(str(setting[0])), setting[1:]
    place = ("base", *setting)
    if isinstance(section, str):
        return f"{_line(reading, place)}: preset {section}"
    if section is not None and sets(section, rest):
        return f"{_line(reading, place)}: base"
    if isinstance(section, Mapping) and isinstance(section.get("preset"), str):
        return f"{_line(reading, ('base', setting[0], 'preset'))}: preset {section['preset']}"
    return DEFAULT


def _line(reading: Reading, place: Place) -> str:
    return f"{reading.document.name}:{reading.document.line(place)}"
