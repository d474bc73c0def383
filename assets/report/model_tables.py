"""The tables of one trained model on one test set, by name: evaluation, history, training data."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from assets.store.contract_files import read_evaluation, read_segments, read_trajectories
from assets.store.manifest import Manifest
from assets.store.store import Store
from trainers.study import Trajectories

if TYPE_CHECKING:
    import pandas as pd


def tables_of(study: str, hash: str, store: Store) -> dict[str, pd.DataFrame]:
    """Return the tables of the evaluation with a hash, and the history and training data of its model.

    history: of the training. segments: the counts of each training phase, one row per phase. training, trajectories
    and facts: see `dataset_tables`. The others are those of the evaluation, its summary among them.
    """
    artifact = store.open(study, "evaluation", hash)
    evaluation, model = read_evaluation(artifact), store.open(study, "model", input_of(artifact.manifest, "model"))
    history = {"history": model.table("history")}
    return training_tables(model.manifest, store) | history | {"summary": evaluation.summary, **evaluation.tables}


def training_tables(model: Manifest, store: Store) -> dict[str, pd.DataFrame]:
    """Return the tables segments, training, trajectories and facts of a model, given its manifest."""
    import pandas as pd

    segments = read_segments(store.open(model["study"], "segments", input_of(model, "segments")))
    counts = pd.DataFrame([dict(row) for row in segments.counts])
    return {"segments": counts, **dataset_tables(training_data(model, store), segments.train.tolist())}


def training_data(model: Manifest, store: Store) -> Trajectories:
    """Return the training dataset of a model, given its manifest."""
    cuts = store.open(model["study"], "segments", input_of(model, "segments"))
    return read_trajectories(store.open(model["study"], "dataset", input_of(cuts.manifest, "dataset")))


def dataset_tables(trajectories: Trajectories, train: Collection[int] | None = None) -> dict[str, pd.DataFrame]:
    """Return the tables training, trajectories and facts of a dataset, of which the trajectories `train` train.

    training: one row per trajectory and step (trajectory, step, t, channels, trains). trajectories: its parameters
    (trajectory, trains, ...). `trains` is true for training data, false for validation; without `train` all do.
    facts: one row of what holds for the whole set.
    """
    import numpy as np
    import pandas as pd

    count, points = trajectories.t.shape
    trains = np.ones(count, bool) if train is None else np.isin(np.arange(count), list(train))
    which, step = np.indices(trajectories.t.shape)
    training = pd.DataFrame({"trajectory": which.ravel(), "step": step.ravel(), "t": trajectories.t.ravel()})
    training[list(trajectories.names)] = trajectories.y.reshape(count * points, -1)
    training["trains"] = np.repeat(trains, points)
    parameters = {name: np.asarray(values) for name, values in trajectories.parameters.items()}
    return {
        "training": training[np.isfinite(training["t"])].reset_index(drop=True),
        "trajectories": pd.DataFrame({"trajectory": np.arange(count), "trains": trains, **parameters}),
        "facts": pd.DataFrame([dict(trajectories.meta)]),
    }


def input_of(manifest: Manifest, layer: str) -> str:
    """Return the hash of the input of an artifact in a layer."""
    return next(name.split("/")[1] for name in manifest["parts"]["inputs"] if name.startswith(f"{layer}/"))
