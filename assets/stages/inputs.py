"""Read the stored inputs of a stage; the last few stay in memory.

A worker that stays with a cohort needs the same segments and test sets again and does not read them twice. The arrays
are read-only, so that one training cannot change what the next one sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from assets.identity.canonical import Fingerprint, Item, LayerName
from assets.stages.layers import LAYERS
from assets.store.store import Missing, Store

CACHED = 4


class InputError(ValueError):
    """A stored input is not the one that the run was planned with."""


def read_inputs(item: Item, fingerprint: Fingerprint, store: Store) -> list[Any]:
    """Read what an item is made of: trajectories, segments, a trained model.

    Raises:
        Missing: an input is not stored, or its making failed.
        InputError: an input was made again, differently, since the fingerprint was taken.
    """
    return [_read(entry, fingerprint.inputs.get(f"{entry.layer}/{entry.hash}"), store) for entry in item.inputs]


def _read(item: Item, planned: str | None, store: Store) -> Any:
    manifest = store.manifest(*item.address)
    if manifest is None:
        raise Missing(f"{item.layer} {item.key} is not in the store; run the sweep that needs it")
    if manifest["status"] != "ok":
        raise Missing(f"{item.layer} {item.key} ended as {manifest['status']}; nothing can be made of it")
    if planned is not None and manifest["fingerprint"] != planned:
        raise InputError(f"{item.layer} {item.key} was made again since this run was planned; run the sweep again")
    return _load(store.root, item.layer, item.address, manifest["created"])


@lru_cache(maxsize=CACHED)
def _load(root: Path, layer: LayerName, address: tuple[str, str, str], created: str) -> Any:
    value = LAYERS[layer].read(Store(root).open(*address))
    _freeze(vars(value).values())
    return value


def _freeze(values: Iterable[Any]) -> None:
    """Make every array in nested mappings and tuples read-only."""
    import numpy as np

    for value in values:
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
        elif isinstance(value, Mapping):
            _freeze(value.values())
        elif isinstance(value, tuple):
            _freeze(value)
