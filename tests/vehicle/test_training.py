"""Training through the simulation: every dynamics, horizons, epochs, resuming, what a history says."""

import numpy as np
import pytest

from trainers.study import Job, Trained
from trainers.vehicle import STUDY
from trainers.vehicle.config import DatasetConfig, ModelConfig
from trainers.vehicle.dynamics.registry import dynamics_named

pytestmark = pytest.mark.training

DATA = STUDY.simulate(DatasetConfig(cars=12, runs=2, points=82, seed=3))
BASE = {"hidden": (16,), "substeps": 2, "window": 21, "batch_size": 32, "train_fraction": 0.8}


def trained(report=lambda progress: False, state=None, **settings) -> Trained:
    model = ModelConfig.model_validate({**BASE, **settings})
    segments = STUDY.segment(model.segmentation(), DATA)
    (made,) = STUDY.train([Job("a", model, segments, state)], report)
    assert isinstance(made, Trained), made
    return made


@pytest.mark.parametrize("dynamics", ["singletrack", "singletrack-augmented", "mlp-dynamics", "pacejka"])
def test_every_dynamics_trains(dynamics):
    settings = {"dynamics": dynamics, "dynamics_hidden": 4, "phases": [{"steps": 40, "learning_rate": 3e-3}]}
    made = trained(**settings)
    losses = made.history["loss"].to_numpy()
    assert np.isfinite(losses).all() and losses[-5:].mean() < losses[:5].mean()
    outputs = dynamics_named(dynamics, hidden=4).layout.size
    assert made.weights["best/layers.1.bias"].shape == (outputs,)
    assert made.counts["parameters"] == sum(made.weights[f"last/layers.{k}.{w}"].size for k in range(2)
                                            for w in ("weight", "bias"))  # fmt: skip


def test_one_step_trains_without_rolling_out():
    made = trained(kind="one_step", phases=[{"steps": 30, "learning_rate": 3e-3}])
    assert made.history["loss"].iloc[-5:].mean() < made.history["loss"].iloc[:5].mean()


def test_a_horizon_grows_or_switches_and_the_history_says_so():
    switch = trained(phases=[{"steps": 12, "horizon": {"first": 5, "over": 6, "growth": "switch"}}])
    assert switch.history["horizon"].tolist() == [5] * 6 + [21] * 6
    grows = trained(phases=[{"steps": 12, "horizon": {"first": 5, "over": 8}}]).history["horizon"]
    assert grows.iloc[0] == 5 and grows.iloc[-1] == 21 and (np.diff(grows) >= 0).all() and np.diff(grows).max() <= 2
    whole = trained(phases=[{"steps": 12}]).history
    assert switch.history["loss"][0] < whole["loss"][0], "fewer points have a smaller error"


def test_validation_comes_once_per_epoch_and_the_best_is_kept():
    made = trained(phases=[{"steps": 20, "learning_rate": 1e-2}])
    windows = made.counts["train_segments"]
    epoch = -(-windows // 32)
    measured = made.history.loc[made.history["validation_loss"].notna(), "step"].tolist()
    assert measured == sorted({*range(epoch, 21, epoch), 20})
    assert made.history["epoch"].tolist() == [k // epoch for k in range(20)]
    best = made.history["validation_loss"].min()
    assert best <= made.history["validation_loss"].iloc[-1]
    assert made.state["position/score"] == pytest.approx(best)


def test_a_plateau_lowers_the_rate_and_goes_on_with_the_same_optimiser():
    phase = {"steps": 30, "learning_rate": 0.5, "schedule": "plateau", "plateau_patience": 1, "plateau_factor": 0.5}
    made = trained(phases=[phase], validate_every=3)
    rates = made.history["learning_rate"].to_numpy()
    assert set(np.round(rates[1:] / rates[:-1], 6)) == {0.5, 1.0}
    counters = [int(made.state[n]) for n in made.state if n.startswith("optimiser/") and made.state[n].ndim == 0]
    assert counters == [30], "the moments are those of all steps: nothing was built anew"


def test_a_training_that_is_stopped_resumes_to_the_same_bits():
    settings = {"phases": [{"steps": 8, "horizon": {"first": 5, "over": 6}}, {"steps": 6}], "validate_every": 2}
    states = {}
    whole = trained(lambda progress: bool(states.update({progress.step: progress.state()})), **settings)
    for step in (4, 8, 10):
        again = trained(state=states[step], **settings)
        assert again.history.equals(whole.history)
        assert all(np.array_equal(again.weights[name], whole.weights[name]) for name in whole.weights)


def test_losses_of_training_and_validation_may_differ():
    made = trained(phases=[{"steps": 4}], validation_loss={"name": "yaw_normalized", "towards_default": 0.0})
    plain = trained(phases=[{"steps": 4}])
    assert np.array_equal(made.history["loss"], plain.history["loss"])
    assert made.history["validation_loss"].iloc[-1] != plain.history["validation_loss"].iloc[-1]


def test_a_loss_that_is_not_finite_is_an_outcome():
    model = ModelConfig.model_validate({**BASE, "phases": [{"steps": 30, "learning_rate": 10.0}], "clip_norm": 0.0,
                                        "loss": {"towards_default": 1e38}})  # fmt: skip
    segments = STUDY.segment(model.segmentation(), DATA)
    (failed,) = STUDY.train([Job("a", model, segments)])
    assert failed.status == "diverged" and failed.place.stage == "train"


def test_the_penalty_keeps_what_the_rollout_cannot_tell_apart_at_the_default():
    """mu against C_S, m against I: without it they drift with the network's own chance."""
    spread = {}
    for weight in (0.0, 0.1):
        made = trained(phases=[{"steps": 60, "learning_rate": 1e-2}], loss={"towards_default": weight})
        spread[weight] = made.history["towards_default"].iloc[-1]
    assert spread[0.1] < 0.7 * spread[0.0]
