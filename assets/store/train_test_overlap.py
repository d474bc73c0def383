"""Which test trajectories are training data: a digest of the states and parameters of each, compared bit for bit."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from assets.identity.canonical import Item
from assets.store.store import Store


def known_trajectories(evaluation: Item, store: Store) -> tuple[int, int]:
    """Return how many trajectories of the test set are in the training dataset, and how many the test set has."""
    known, tested = set(_digests(store, evaluation.dataset)), _digests(store, evaluation.test)
    return sum(one in known for one in tested), len(tested)


def _digests(store: Store, dataset: Item) -> tuple[str, ...]:
    artifact = store.open(*dataset.address)
    return _digests_of(str(artifact.path), artifact.manifest["fingerprint"])


@lru_cache(maxsize=64)
def _digests_of(path: str, fingerprint: str) -> tuple[str, ...]:
    """Digest every trajectory; two that look alike but have other parameters, such as two at rest, are not the same."""
    from assets.store.contract_files import read_trajectories

    store = Store(Path(path).parents[2])
    study, layer, address = Path(path).parts[-3:]
    told = read_trajectories(store.open(study, layer, address))
    numbers = np.array([told.parameters[name] for name in sorted(told.parameters)]).reshape(-1, len(told.y)).T
    rows = zip(told.y, np.ascontiguousarray(numbers), strict=True)
    return tuple(sha256(row.tobytes() + own.tobytes()).hexdigest() for row, own in rows)
