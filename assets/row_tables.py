"""Everything that the store holds of one trained model on one test set, as tables by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assets.artifacts import read_evaluation, read_segments, read_trajectories
from assets.identity import Item
from assets.store import Store

if TYPE_CHECKING:
    import pandas as pd


def tables_of(evaluation: Item, store: Store) -> dict[str, pd.DataFrame]:
    """Return the tables of an evaluation, with the history and the training data of its model beside them.

    history: of the training. training: the dataset, one row per trajectory and step (trajectory, step, t, channels,
    trains); trajectories: its parameters (trajectory, trains, ...); `trains` tells training from validation.
    """
    model = evaluation.inputs[0]
    history = store.open(*model.address).table("history")
    return training_tables(model, store) | {"history": history} | evaluation_tables(evaluation, store)


def evaluation_tables(evaluation: Item, store: Store) -> dict[str, pd.DataFrame]:
    """Return the tables of an evaluation, its summary among them."""
    made = read_evaluation(store.open(*evaluation.address))
    return {"summary": made.summary, **made.tables}


def training_tables(model: Item, store: Store) -> dict[str, pd.DataFrame]:
    """Return the dataset of a model as the tables training and trajectories."""
    import numpy as np
    import pandas as pd

    segments = model.inputs[0]
    made = read_trajectories(store.open(*segments.inputs[0].address))
    count, points = made.t.shape
    trains = np.isin(np.arange(count), read_segments(store.open(*segments.address)).train)
    which, step = np.indices(made.t.shape)
    training = pd.DataFrame({"trajectory": which.ravel(), "step": step.ravel(), "t": made.t.ravel()})
    training[list(made.names)] = made.y.reshape(count * points, -1)
    training["trains"] = np.repeat(trains, points)
    parameters = {name: np.asarray(values) for name, values in made.parameters.items()}
    return {
        "training": training[np.isfinite(training["t"])].reset_index(drop=True),
        "trajectories": pd.DataFrame({"trajectory": np.arange(count), "trains": trains, **parameters}),
    }
