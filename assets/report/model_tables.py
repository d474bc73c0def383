"""Everything that the store holds of one trained model on one test set, as tables by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assets.store.contract_files import read_evaluation, read_segments, read_trajectories
from assets.store.manifest import Manifest
from assets.store.store import Store

if TYPE_CHECKING:
    import pandas as pd


def tables_of(study: str, evaluation: str, store: Store) -> dict[str, pd.DataFrame]:
    """Return the tables of the evaluation at an address, with the history and the training data of its model beside.

    history: of the training. segments: how each training phase cut the orbits, one row per phase. training: the
    dataset, one row per trajectory and step (trajectory, step, t, channels, trains); trajectories: its parameters
    (trajectory, trains, ...); `trains` tells training from validation. The others are those of the evaluation, its
    summary among them.
    """
    artifact = store.open(study, "evaluation", evaluation)
    made, model = read_evaluation(artifact), store.open(study, "model", input_of(artifact.manifest, "model"))
    history = {"history": model.table("history")}
    return training_tables(model.manifest, store) | history | {"summary": made.summary, **made.tables}


def training_tables(model: Manifest, store: Store) -> dict[str, pd.DataFrame]:
    """Return what a model was trained on, given its manifest, as the tables segments, training and trajectories."""
    import numpy as np
    import pandas as pd

    cut = store.open(model["study"], "segments", input_of(model, "segments"))
    data = store.open(model["study"], "dataset", input_of(cut.manifest, "dataset"))
    segments, made = read_segments(cut), read_trajectories(data)
    count, points = made.t.shape
    trains = np.isin(np.arange(count), segments.train)
    which, step = np.indices(made.t.shape)
    training = pd.DataFrame({"trajectory": which.ravel(), "step": step.ravel(), "t": made.t.ravel()})
    training[list(made.names)] = made.y.reshape(count * points, -1)
    training["trains"] = np.repeat(trains, points)
    parameters = {name: np.asarray(values) for name, values in made.parameters.items()}
    return {
        "segments": pd.DataFrame([dict(row) for row in segments.counts]),
        "training": training[np.isfinite(training["t"])].reset_index(drop=True),
        "trajectories": pd.DataFrame({"trajectory": np.arange(count), "trains": trains, **parameters}),
    }


def input_of(manifest: Manifest, layer: str) -> str:
    """Return the address of the input of a layer that an artifact was made of."""
    return next(name.split("/")[1] for name in manifest["parts"]["inputs"] if name.startswith(f"{layer}/"))
