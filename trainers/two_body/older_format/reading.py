"""An older sweep file while it is read: the present form as it grows, with decisions and problems."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Reading:
    """The parts of the present form as they are read, with decisions and problems."""

    base: dict[str, Any] = field(default_factory=lambda: {"dataset": {}, "model": {}})
    vary: dict[str, Any] = field(default_factory=dict)
    decisions: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def candidates(self, key: str, value: Any) -> list[Any]:
        """Return the candidates of a plain key; a scalar is a list of one."""
        values = list(value) if isinstance(value, list | tuple) else [value]
        if not values or any(isinstance(entry, list | tuple | Mapping) or entry is None for entry in values):
            self.problems.append(f"{key}: {json.dumps(value)} given; expected a list of candidates, each one value")
            return []
        return values

    def place(self, path: str, values: Sequence[Any]) -> None:
        """Write one candidate into the base, several as an axis."""
        if len(values) > 1:
            self.vary[path] = list(values)
        elif values:
            *parents, last = path.split(".")
            target = self.base
            for parent in parents:
                target = target.setdefault(parent, {})
            target[last] = values[0]
