"""Which trajectories two datasets share: a digest of the states and parameters of each, compared bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from assets.identity.canonical import Item
from assets.store.store import Store
from trainers.study import Trajectories


def known_trajectories(evaluation: Item, store: Store) -> tuple[int, int]:
    """Return how many trajectories of the test set are in the training dataset, and how many the test set has."""
    training, test = set(_digests(store, evaluation.dataset)), _digests(store, evaluation.test)
    return sum(one in training for one in test), len(test)


def check_validation(training: Trajectories, validation: Trajectories) -> None:
    """Check that validation data are of the kind of the training data, and are other data.

    Raises:
        ValueError: other channels or units, or a trajectory that trains as well.
    """
    for name in ("names", "units", "time_unit", "input_names", "input_units"):
        value, expected = getattr(validation, name), getattr(training, name)
        if value != expected:
            raise ValueError(f"validation data have {name} {value}; expected {expected}, as the training data have")
    training_digests = set(digests_of(training))
    shared = [number for number, digest in enumerate(digests_of(validation)) if digest in training_digests]
    if shared:
        count = f"{len(shared)} of {len(validation.t)} validation trajectories"
        raise ValueError(f"{count} train as well, number {shared[0]} first; expected the dataset with another seed")


def check_test(training: Mapping[str, Any], test: Trajectories) -> None:
    """Check that a test set is in the units of the training data.

    training: the stored description of the training data.

    Raises:
        ValueError: the times, or a channel or control input that both have, are in another unit.
    """
    pairs = [("the time", training["time_unit"], test.time_unit)]
    for what, names, units in (("channel", "names", "units"), ("control input", "input_names", "input_units")):
        own = dict(zip(getattr(test, names), getattr(test, units), strict=True))
        expected = dict(zip(training[names], training[units], strict=True))
        pairs += [(f"{what} {name!r}", expected[name], unit) for name, unit in own.items() if name in expected]
    for name, expected_unit, unit in pairs:
        if unit != expected_unit:
            raise ValueError(
                f"the test set has {name} in {unit!r}; the model was trained on {expected_unit!r}: convert"
            )


def digests_of(data: Trajectories) -> tuple[str, ...]:
    """Digest every trajectory; two that look alike but have other parameters, such as two at rest, are not the same."""
    numbers = np.array([data.parameters[name] for name in sorted(data.parameters)]).reshape(-1, len(data.y)).T
    rows = zip(data.y, np.ascontiguousarray(numbers), strict=True)
    return tuple(sha256(row.tobytes() + own.tobytes()).hexdigest() for row, own in rows)


def _digests(store: Store, dataset: Item) -> tuple[str, ...]:
    artifact = store.open(*dataset.address)
    return _digests_of(str(artifact.path), artifact.manifest["fingerprint"])


@lru_cache(maxsize=64)
def _digests_of(path: str, fingerprint: str) -> tuple[str, ...]:
    from assets.store.contract_files import read_trajectories

    store = Store(Path(path).parents[2])
    study, layer, address = Path(path).parts[-3:]
    return digests_of(read_trajectories(store.open(study, layer, address)))
