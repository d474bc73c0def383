"""Losses by their formulas, every option of the training, and outcomes other than a model."""

from functools import cache

import numpy as np
import pytest
import torch

from trainers.preference_dynamics.apply import apply
from trainers.preference_dynamics.config import DatasetConfig, ModelConfig
from trainers.preference_dynamics.losses import LOSSES
from trainers.preference_dynamics.segment import segment
from trainers.preference_dynamics.simulate import simulate
from trainers.preference_dynamics.train import train
from trainers.study import Failed, Job, Trained

DATA = simulate(DatasetConfig(trajectories=60, points=41, seed=5))
SMALL = {"filters": (4,), "kernels": (3,), "hidden": (8,), "batch_size": 32, "epochs": 3, "learning_rate": 1e-2}


@cache
def segments_of(config):
    return segment(config, DATA)


def outcome(report=lambda progress: False, state=None, **settings):
    config = ModelConfig(**SMALL | settings)
    return next(train([Job("one", config, segments_of(config.segmentation()), state)], report))


def test_losses_follow_their_formulas():
    error, weight = torch.tensor([[0.5, -2.0], [1.5, 0.0]]), torch.tensor([1.0, 3.0])
    log_std = torch.tensor([[0.0, 1.0], [-1.0, 2.0]])
    trained = {name: float(loss(error, log_std, weight)) for name, loss in LOSSES.items()}
    e, w, s = (part.double().numpy() for part in (error, weight, log_std))
    huber = np.where(np.abs(e) < 1, e**2 / 2, np.abs(e) - 0.5)
    expected = {"mse": w * e**2, "mae": w * np.abs(e), "huber": w * huber, "nll": w * (e**2 * np.exp(-2 * s) / 2 + s)}
    assert trained == pytest.approx({name: values.mean() for name, values in expected.items()}, rel=1e-6)


OPTIONS = [
    {"loss": {"name": "mae"}},
    {"loss": {"name": "huber"}},
    {"loss": {"forecast_weight": 0.0}},
    {"loss": {"residual": 1.0}},
    {"loss": {"standardise": True}},
    {"optimiser": "adamw", "weight_decay": 0.1},
    {"schedule": "warmup_cosine"},
    {"activation": "gelu"},
    {"clip_norm": 0.01},
    {"dropout": 0.0},
    {"bins": 4},
    {"seed": 1},
]


@pytest.mark.parametrize("settings", OPTIONS, ids=str)
def test_no_setting_is_ignored(settings):
    usual, other = _usual(), outcome(**settings)
    assert isinstance(other, Trained) and np.isfinite(other.history["loss"]).all()
    names = [name for name in other.weights if name.startswith("last/convolutions")]
    assert any(not np.array_equal(other.weights[name], usual.weights[name]) for name in names)


@cache
def _usual():
    return outcome()


@pytest.mark.parametrize("kind", ["cnn", "cnn_features"])
def test_every_kind_of_network_learns_and_estimates_its_targets(kind):
    trained = outcome(kind=kind, targets="parameters", epochs=6)
    assert trained.history["loss"].iloc[-1] < trained.history["loss"].iloc[0]
    estimate = apply(ModelConfig(**SMALL | {"kind": kind, "targets": "parameters"}), trained).predict(DATA.y, DATA.t[0])
    assert estimate.unknowns.shape == (60, 4) and estimate.forecast.shape == (60, 0) and not estimate.flagged.any()


def test_the_horizon_may_be_longer_than_one_point():
    trained = outcome(horizon=5)
    estimate = apply(ModelConfig(**SMALL | {"horizon": 5}), trained).predict(DATA.y, DATA.t[0])
    assert estimate.forecast.shape == (60, 10)


def test_forecast_points_do_not_influence_a_prediction():
    predictor = apply(ModelConfig(**SMALL), _usual())
    unknown = DATA.y.copy()
    unknown[:, -1] = np.nan
    one, other = predictor.predict(DATA.y, DATA.t[0]), predictor.predict(unknown, DATA.t[0])
    assert np.array_equal(one.unknowns, other.unknowns) and np.array_equal(one.forecast, other.forecast)


def test_best_and_last_weights_can_both_be_used_and_others_are_refused():
    config, trained = ModelConfig(**SMALL), _usual()
    assert apply(config, trained, "last").config == config
    with pytest.raises(ValueError, match="there are: best, last"):
        apply(config, trained, "first")


def test_a_diverging_loss_is_an_outcome():
    trained = outcome(normaliser="none", loss={"residual": 1e38})
    assert isinstance(trained, Failed) and trained.status == "diverged"
    assert "in epoch 1; lower the rate; no epoch succeeded before" in trained.detail and trained.partial is None


def test_without_a_validation_set_the_training_loss_decides():
    trained = outcome(train_fraction=1.0)
    assert trained.counts["no_validation"] == 1 and trained.history["validation_loss"].isna().all()
    assert trained.counts["best_epoch"] == trained.history["epoch"][trained.history["loss"].idxmin()]


def test_a_state_of_a_longer_training_is_refused():
    with pytest.raises(ValueError, match="beyond the configuration's 1"):
        outcome(epochs=1, state=_usual().state)


def test_a_state_after_patience_has_run_out_trains_no_further():
    first = outcome(epochs=50, patience=1, learning_rate=0.5)
    again = outcome(epochs=50, patience=1, learning_rate=0.5, state=first.state)
    assert first.counts["epochs"] < 50 and again.history.equals(first.history)
    assert all(np.array_equal(first.weights[name], again.weights[name]) for name in first.weights)
