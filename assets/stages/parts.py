"""Simulation in parts: several workers simulate parts of a large dataset, and the dataset is their join.

A part is an artifact of its own (layer `part`), so that a finished one survives a stop or a kill. It is removed when
the dataset that it is part of is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from assets.identity.canonical import Fingerprint, Item, LayerName, digest, short_digest
from assets.stages.tasks import Task
from assets.store.contract_files import read_trajectories
from assets.store.store import Damaged, Missing, Store
from assets.sweeps.file_dataset import is_file
from trainers import STUDIES
from trainers.study import DatasetConfigBase, Trajectories

if TYPE_CHECKING:
    import numpy as np

PART: LayerName = "part"

BY_TRAJECTORY = ("t", "y", "inputs", "parameters", "drift")
"""Fields with a trajectory axis, joined along it; all others are equal in all parts."""


def parts_of(item: Item) -> tuple[Item, ...]:
    """Return the parts that a dataset is simulated in; none where it is made in one call."""
    if item.layer != "dataset" or is_file(item.config) or item.study not in STUDIES:
        return ()
    config = STUDIES[item.study].dataset.model_validate(item.config)
    count = config.parts() if isinstance(config, DatasetConfigBase) else 1
    return tuple(_part(item, number, count) for number in range(count)) if count > 1 else ()


def _part(item: Item, number: int, count: int) -> Item:
    hash = short_digest(PART, item.study, item.hash, number, count)
    names = {"hash": item.hash, "label": item.label}
    config = {"dataset": dict(item.config), **names, "part": number, "parts": count}
    return Item(item.study, PART, hash, f"part{number + 1}of{count}", config)


def missing_parts(task: Task, store: Store) -> list[Task]:
    """Return the tasks of the parts of a dataset that are not stored."""
    parts = (_part_task(part, task.fingerprint) for part in parts_of(task.item))
    return [part for part in parts if not _is_stored(part, store)]


def _part_task(part: Item, whole: Fingerprint) -> Task:
    """Return the task of a part: that of an item without inputs, with the code version of its dataset."""
    value = digest(part.study, part.layer, part.hash, whole.code, {})
    return Task(part, Fingerprint(value, part.hash, whole.code, {}))


def _is_stored(part: Task, store: Store) -> bool:
    manifest = store.manifest(*part.item.address)
    return bool(manifest and manifest["status"] == "ok" and manifest["fingerprint"] == part.fingerprint.value)


def simulate_parts(item: Item, fingerprint: Fingerprint, store: Store) -> Trajectories:
    """Return a dataset from its parts: stored ones are read, the others are simulated here."""
    config = STUDIES[item.study].dataset.model_validate(item.config)
    parts = []
    for number, part in enumerate(parts_of(item)):
        stored = _read(_part_task(part, fingerprint), store)
        parts.append(STUDIES[item.study].simulate(config, number) if stored is None else stored)
    return join(parts)


def _read(part: Task, store: Store) -> Trajectories | None:
    try:
        return read_trajectories(store.open(*part.item.address)) if _is_stored(part, store) else None
    except (Damaged, Missing):
        return None


def seconds_of_parts(item: Item, store: Store) -> float:
    """Return how long the stored parts of a dataset took together [s]."""
    manifests = [store.manifest(*part.address) for part in parts_of(item)]
    return sum(manifest["timings"].get("simulate", 0.0) for manifest in manifests if manifest)


def remove_parts(item: Item, store: Store) -> None:
    """Remove the parts of a dataset from the store."""
    for part in parts_of(item):
        if store.manifest(*part.address) is not None:
            store.remove(*part.address)


def join(parts: Sequence[Trajectories]) -> Trajectories:
    """Join trajectories along their axis N, in order; NaN pads those that are shorter than the longest.

    Raises:
        ValueError: parts differ in what a set shares: names, units, roles, arrays, meta, types of numbers.
    """
    shared = [field.name for field in fields(Trajectories) if field.name not in BY_TRAJECTORY]
    for name in shared:
        for number, part in enumerate(parts[1:], start=2):
            if not _equal(here := getattr(part, name), first := getattr(parts[0], name)):
                raise ValueError(f"{name} of part {number} differs from that of part 1: {here!r}, {first!r}")
    joined = {name: _join(name, [getattr(part, name) for part in parts]) for name in BY_TRAJECTORY}
    return Trajectories(**joined, **{name: getattr(parts[0], name) for name in shared})


def _equal(one: Any, other: Any) -> bool:
    import numpy as np

    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return bool(one == other)


def _join(name: str, values: Sequence[Any]) -> Any:
    """Join arrays, or mappings of arrays, along their first axis."""
    import numpy as np

    if all(value is None for value in values):
        return None
    if all(isinstance(value, Mapping) and value.keys() == values[0].keys() for value in values):
        return {entry: _join(f"{name}/{entry}", [value[entry] for value in values]) for entry in values[0]}
    kinds = {(value.dtype, value.shape[2:]) if isinstance(value, np.ndarray) else type(value) for value in values}
    if len(kinds) > 1 or not isinstance(values[0], np.ndarray):
        raise ValueError(f"{name} differs between parts in what it holds, its type or its shape; expected the same")
    return np.concatenate(list(_pad(values)))


def _pad(arrays: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield arrays (N, T, ...) with NaN at the end of their second axis up to the longest one."""
    import numpy as np

    longest = max((array.shape[1] for array in arrays if array.ndim > 1), default=0)
    for array in arrays:
        missing = longest - array.shape[1] if array.ndim > 1 else 0
        width = [(0, 0), (0, missing), *[(0, 0)] * (array.ndim - 2)]
        yield np.pad(array, width, constant_values=np.nan) if missing else array
