"""Differences between configurations, and where the settings of one come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from assets.identity.labels import names
from assets.identity.paths import Place, dotted, flatten
from assets.sweeps.axes import sets, where
from assets.sweeps.sweep import Configuration, Row, Sweep
from assets.sweeps.sweep_file import Reading, read_sweep
from assets.sweeps.yaml_loader import SweepError
from trainers.common.names import nearest

Origin = Literal["default", "base", "vary"]


def difference(configs: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Return the settings that differ, as (dotted path, {label: value}), in the order of the settings.

    A label without a value lacks the setting, for instance because it has fewer phases. Resolve defaults first:
    `Configuration.settings`.
    """
    leaves = {label: {dotted(place): value for place, value in flatten(tree)} for label, tree in configs.items()}
    paths = dict.fromkeys(path for flat in leaves.values() for path in flat)
    rows = [(path, {label: flat[path] for label, flat in leaves.items() if path in flat}) for path in paths]
    return [(path, values) for path, values in rows if _differ(values, len(configs))]


def _differ(values: Mapping[str, Any], count: int) -> bool:
    first = next(iter(values.values()))
    return len(values) < count or any(value != first for value in values.values())


@dataclass(frozen=True)
class Setting:
    """A setting of a configuration and where it comes from."""

    path: str
    value: Any
    origin: Origin
    line: int | None = None
    """Line of the sweep file; none for a default."""


def origins(path: Path, key: str, root: Path | None = None) -> list[Setting]:
    """Return every setting of one configuration of a sweep file, defaults resolved, with its origin.

    Raises:
        SweepError: the file is wrong, or no row has that key.
    """
    reading, sweep = read_sweep(path, root)
    rows = [row for row in sweep.rows if names(key, row.configuration.item.hash, row.configuration.key)]
    if len(rows) != 1:
        choices = ", ".join(nearest(key, _keys(sweep)))
        raise SweepError([f"{reading.document.name}:1: {len(rows)} configurations {key!r}; nearest: {choices}"])
    return [_setting(reading, rows[0], place, value) for place, value in flatten(rows[0].configuration.settings())]


def _setting(reading: Reading, row: Row, place: Place, value: Any) -> Setting:
    indices = [axis.names.index(row.axes[axis.name]) for axis in reading.axes]
    settings: Any = reading.base
    for axis, index in zip(reading.axes, indices, strict=True):
        settings = axis.apply(settings, index)
    # What a preset sets stands in the file where its name stands.
    named = place[0] == "dataset" and not sets(settings, place)
    source: Place = ("dataset", "preset") if named else place
    here = where(reading.document, reading.axes, indices, source) if sets(settings, source) else None
    origin: Origin = "default" if here is None else "base" if here[0] == "base" else "vary"
    return Setting(dotted(place), value, origin, reading.document.line(here) if here else None)


def _keys(sweep: Sweep) -> list[str]:
    return [row.configuration.key for row in sweep.rows]


def compare(configurations: Mapping[str, Configuration]) -> list[tuple[str, dict[str, Any]]]:
    """Return the settings that differ between configurations, defaults resolved."""
    return difference({label: configuration.settings() for label, configuration in configurations.items()})
