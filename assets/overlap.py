"""Which test trajectories are training data: a digest per trajectory, compared bit for bit."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from assets.identity import Item
from assets.store import Store


def known_trajectories(evaluation: Item, store: Store) -> tuple[int, int]:
    """Return how many trajectories of the test set are in the training dataset, and how many the test set has."""
    model, test = evaluation.inputs
    tested = _digests(store, test)
    return len(tested & _digests(store, model.inputs[0].inputs[0])), len(tested)


def _digests(store: Store, dataset: Item) -> frozenset[str]:
    artifact = store.open(*dataset.address)
    return _digests_of(str(artifact.path), artifact.manifest["fingerprint"])


@lru_cache(maxsize=64)
def _digests_of(path: str, fingerprint: str) -> frozenset[str]:
    from assets.artifacts import read_trajectories

    store = Store(Path(path).parents[2])
    study, layer, address = Path(path).parts[-3:]
    rows = read_trajectories(store.open(study, layer, address)).y
    return frozenset(sha256(row.tobytes()).hexdigest() for row in rows)
