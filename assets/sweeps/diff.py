"""Differences between configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assets.identity.paths import dotted, flatten
from assets.sweeps.sweep import Configuration


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


def compare(configurations: Mapping[str, Configuration]) -> list[tuple[str, dict[str, Any]]]:
    """Return the settings that differ between configurations, defaults resolved."""
    return difference({label: configuration.settings() for label, configuration in configurations.items()})
