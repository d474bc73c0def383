"""The history of a training in the columns of the source's metrics files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from trainers.phase_field.apply import Predictor, apply
from trainers.phase_field.config import ModelConfig
from trainers.phase_field.losses import losses
from trainers.study import Trained, Trajectories

Array = np.ndarray

PARTS = {"": "loss", "MAE ": "mae", "Autocorr ": "autocorrelation"}
"""The source's word for each column of the history."""


def source_history(config: ModelConfig, trained: Trained, test: Trajectories) -> pd.DataFrame:
    """Return Epoch, Train Loss, Validation Loss, Test Loss, Learning Rate; combined: MAE and Autocorr Loss as well.

    The source computes its test loss after every epoch; here it is known where weights are stored, NaN elsewhere: after
    the best and the last epoch and every `checkpoint_every`. A test set chooses nothing.
    """
    history = trained.history
    words = PARTS if config.loss.name == "combined" else {"": "loss"}
    tested = _test_losses(config, trained, test)
    columns = {"Epoch": history["epoch"]}
    for side, prefix in (("Train", ""), ("Validation", "validation_")):
        columns |= {f"{side} {word}Loss": history[prefix + name] for word, name in words.items()}
    for word, name in words.items():
        columns[f"Test {word}Loss"] = history["epoch"].map(lambda epoch, name=name: tested.get(epoch, {}).get(name))
    table = pd.DataFrame({**columns, "Learning Rate": history["learning_rate"]})
    return table.astype({name: float for name in table if name != "Epoch"})


def _test_losses(config: ModelConfig, trained: Trained, test: Trajectories) -> dict[int, dict[str, float]]:
    """Return the losses on a test set by epoch, with the largest lag of the phase of that epoch."""
    stored = {int(name[5:]): name for name in {key.partition("/")[0] for key in trained.weights} if name[:5] == "epoch"}
    stored |= {int(trained.counts["epochs"]): "last", int(trained.counts["best_epoch"]): "best"}
    phase_of = dict(zip(trained.history["epoch"], trained.history["phase"], strict=True))
    return {
        epoch: _losses(config, apply(config, trained, name), test, config.phases[phase_of[epoch]].max_lag)
        for epoch, name in stored.items()
    }


def _losses(config: ModelConfig, predictor: Predictor, test: Trajectories, max_lag: int) -> dict[str, float]:
    """Return the losses of what a network writes of a test set, over the channels that its training counts."""
    statistics = test.y.astype(np.float64)
    named = [np.asarray(test.parameters[name], np.float64) for name in config.parameters]
    parameters = np.stack(named, axis=1) if named else np.zeros((len(statistics), 0))
    truth = predictor.basis.scores(statistics)
    written = predictor.written(statistics[:, 0], parameters)
    if config.loss.parameters:
        constant = np.repeat(parameters[:, None], truth.shape[1], axis=1)
        truth = np.concatenate([truth, constant], axis=2)
    written = np.concatenate([truth[:, :1], written[:, 1:, : truth.shape[2]]], axis=1)
    made, true = (torch.from_numpy(np.ascontiguousarray(array)) for array in (written, truth))
    return {name: float(value) for name, value in losses(config.loss, made, true, max_lag).items()}
