"""Features and outputs of the network along all test orbits, at predicted and at true states."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trainers.study import Trajectories
from trainers.two_body.apply import Predictor
from trainers.two_body.models.feature_layers import FEATURE_LAYERS

MOST_ORBITS, MOST_STEPS = 100, 90
"""Orbits of the table, and steps of each: it stays small however large the test set is."""


def network_columns(predictor: Predictor, states: np.ndarray) -> dict[str, np.ndarray]:
    """Return features and outputs of the network at states (N, T, 6), each (N, T), by name; none without a network."""
    config = predictor.config
    if config.kind != "neural_ode":
        return {}
    features, outputs = predictor.features(states), predictor.outputs(states)
    named = {f"feature {name}": features[..., k] for k, name in enumerate(FEATURE_LAYERS[config.feature_layer].names)}
    return named | {f"output m{k}": outputs[..., k] for k in range(outputs.shape[-1])}


def feature_table(predictor: Predictor, rollout: np.ndarray, test: Trajectories) -> dict[str, pd.DataFrame]:
    """Return the table `features` of a model with a network; nothing for another one.

    `rollout` (N, T, 6) are the model's own states. At most 100 orbits, each at no more than 90 steps, evenly spread;
    one row per orbit and step. Columns: orbit, step, t, and of each feature and output its value at the model's own
    state and, with `_true`, at the true one.
    """
    stride = -(-test.t.shape[1] // MOST_STEPS)
    t, own, true = (values[:MOST_ORBITS, ::stride] for values in (test.t, rollout, test.y))
    predicted, at_truth = network_columns(predictor, own), network_columns(predictor, true)
    if not predicted:
        return {}
    orbit, step = np.indices(t.shape, dtype=np.int32)
    columns = {"orbit": orbit, "step": stride * step, "t": t}
    for name, values in predicted.items():
        columns |= {name: values.astype(np.float32), f"{name}_true": at_truth[name].astype(np.float32)}
    table = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
    return {"features": table[np.isfinite(table["t"])].reset_index(drop=True)}
