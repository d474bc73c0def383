"""Tasks and outcomes: what the engine hands to a worker and what comes back, each as one line of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from assets.identity.canonical import Fingerprint, Item
from assets.stages.pruning import Pruning
from trainers.study import Place, Status


@dataclass(frozen=True)
class Task:
    """One artifact to make, with the fingerprint that it had when the run was planned."""

    item: Item
    fingerprint: Fingerprint
    pruning: Pruning | None = field(default=None, hash=False, compare=False)
    """The rule by which a training may end early; it is no part of what is made."""


@dataclass(frozen=True)
class Outcome:
    """How a task ended."""

    item: Item
    status: Status
    place: Place
    detail: str
    seconds: float
    """By the monotonic clock."""

    def to_json(self) -> dict[str, Any]:
        """Return everything but the item as one flat mapping of JSON values."""
        return {"status": self.status, **asdict(self.place), "detail": self.detail, "seconds": self.seconds}

    @classmethod
    def from_json(cls, item: Item, value: Mapping[str, Any]) -> Outcome:
        """Return the outcome that `to_json` described; further entries of `value` are left alone."""
        place = Place(**{name: value[name] for name in ("stage", "phase", "step")})
        return cls(item, value["status"], place, value["detail"], value["seconds"])


def task_to_json(task: Task) -> dict[str, Any]:
    """Return a task as JSON values."""
    pruning = {"pruning": task.pruning.json()} if task.pruning else {}
    return {"item": _item_to_json(task.item), "fingerprint": asdict(task.fingerprint), **pruning}


def task_from_json(value: Mapping[str, Any]) -> Task:
    """Return the task that `task_to_json` described."""
    pruning = Pruning.of_json(value["pruning"]) if "pruning" in value else None
    return Task(_item_from_json(value["item"]), Fingerprint(**value["fingerprint"]), pruning)


def _item_to_json(item: Item) -> dict[str, Any]:
    plain = {name: getattr(item, name) for name in ("study", "layer", "hash", "label", "digits", "cohort", "at_once")}
    mappings = {"config": dict(item.config), "identity": dict(item.identity)}
    return plain | mappings | {"inputs": [_item_to_json(entry) for entry in item.inputs]}


def _item_from_json(value: Mapping[str, Any]) -> Item:
    return Item(**(dict(value) | {"inputs": tuple(_item_from_json(entry) for entry in value["inputs"])}))
