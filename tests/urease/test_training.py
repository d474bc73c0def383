"""Every option of the training, what is drawn anew, schedules, calibration, baselines and outcomes."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingRegressor

from trainers.common.named_arrays import below
from trainers.study import Failed, Job, Trained
from trainers.urease.apply import apply
from trainers.urease.bounded import to_normal
from trainers.urease.config import DatasetConfig, ModelConfig
from trainers.urease.curves.curves import Curves
from trainers.urease.inference.trees import SETTINGS, apply_trees, tree_features, tree_weights
from trainers.urease.segment import segment
from trainers.urease.simulate import simulate
from trainers.urease.train import _Samples, schedule_of, train

pytestmark = pytest.mark.training

DATA = simulate(DatasetConfig(trajectories=160, seed=5, duration=60.0))
TEST = simulate(DatasetConfig(trajectories=20, seed=6, duration=60.0))
SMALL = {
    "durations": (30.0, 60.0),
    "filters": (4,),
    "known_hidden": (8,),
    "components": 6,
    "batch_size": 32,
    "epochs": 3,
    "learning_rate": 5e-3,
    "schedule": {"name": "cosine", "warmup_epochs": 1},
}
POSTERIOR = SMALL | {"embedding": (16,), "flow": {"transforms": 1, "hidden": (8,), "bins": 4}}
GAUSSIAN = SMALL | {"kind": "gaussian"}


@cache
def segments_of(config):
    return segment(config, DATA)


def outcome(settings, report=lambda progress: False, state=None, **changes):
    config = ModelConfig.model_validate({**settings, **changes})
    return next(train([Job("one", config, segments_of(config.segmentation()), state)], report))


@cache
def usual(kind):
    return outcome(POSTERIOR if kind == "posterior" else GAUSSIAN)


OPTIONS = [
    ("posterior", {"pooling": {"name": "average"}}),
    ("posterior", {"pooling": {"start_bias": 3.0}}),
    ("posterior", {"pooling": {"heads": 1}}),
    ("posterior", {"components": 0}),
    ("posterior", {"filters": ()}),
    ("posterior", {"kernel": 5}),
    ("posterior", {"redraw": False}),
    ("posterior", {"dropout": 0.2}),
    ("posterior", {"weight_decay": 0.1}),
    ("posterior", {"clip_norm": 0.01}),
    ("posterior", {"schedule": {"name": "constant", "warmup_epochs": 1}}),
    ("posterior", {"batch_size": 16}),
    ("posterior", {"seed": 1}),
    ("gaussian", {"gaussian": {"log_variance": (0.5, 2.0)}}),
    ("gaussian", {"gaussian": {"variance_weight": 1.0}}),
    ("gaussian", {"gaussian": {"variance_weight": 1.0, "variance_target": 0.9}}),
    ("gaussian", {"head_hidden": 8}),
    ("gaussian", {"dropout": 0.2}),
]


@pytest.mark.parametrize(("kind", "changes"), OPTIONS, ids=str)
def test_no_setting_is_ignored(kind, changes):
    other = outcome(POSTERIOR if kind == "posterior" else GAUSSIAN, **changes)
    assert isinstance(other, Trained) and np.isfinite(other.history["loss"]).all()
    if changes == {"gaussian": {"variance_weight": 1.0, "variance_target": 0.9}}:
        before = outcome(GAUSSIAN, gaussian={"variance_weight": 1.0}).history["loss"]
    else:
        before = usual(kind).history["loss"]
    assert not np.array_equal(other.history["loss"], before)


def test_the_loss_falls_and_the_variance_term_is_logged():
    for kind in ("posterior", "gaussian"):
        history = usual(kind).history
        assert history["loss"].iloc[-1] < history["loss"].iloc[0] and "gradient_norm" in history
    assert {"nll", "variance_term", "validation_nll"} <= set(usual("gaussian").history)


def test_noise_offset_and_drift_are_drawn_anew_and_agree_with_the_simulator():
    config = ModelConfig.model_validate(SMALL)
    samples = _Samples(Job("one", config, segments_of(config.segmentation())), "train")
    index = torch.zeros(4000, dtype=torch.long)
    one, other = (samples.reading(index, torch.Generator().manual_seed(seed)).numpy() for seed in (1, 2))
    assert not np.array_equal(one, other)
    spread = one.std(axis=0)[:31]
    # single readings: noise .01, offset uniform in +-.05, and a drift that is small before 30 s
    assert spread == pytest.approx(np.hypot(0.01, 0.1 / 12**0.5), rel=0.05)
    low, high = one.mean(axis=1).min(), one.mean(axis=1).max()
    assert high - low == pytest.approx(0.1, abs=0.015)


def test_an_unknown_offset_is_never_drawn_anew():
    data = simulate(DatasetConfig(family="v1", trajectories=20, duration=30.0))
    config = ModelConfig.model_validate(SMALL | {"durations": (30.0,)})
    samples = _Samples(Job("one", config, segment(config.segmentation(), data)), "train")
    drawn = samples.reading(torch.zeros(2000, dtype=torch.long), torch.Generator().manual_seed(0)).numpy()
    assert drawn.std(axis=0) == pytest.approx(0.01, rel=0.1)


# -- schedules


def test_the_rate_rises_over_the_warm_up_and_then_the_plateau_acts():
    changes = {
        "epochs": 14,
        "schedule": {"name": "plateau", "warmup_epochs": 5, "patience": 2, "factor": 0.5, "floor": 1e-4},
        "learning_rate": 1e-3,
        "clip_norm": 1e-9,  # nothing is learned, so that the loss stalls
    }
    rates = outcome(GAUSSIAN, **changes).history["learning_rate"].to_numpy()
    assert rates[:5] == pytest.approx(1e-3 * np.arange(1, 6) / 5) and (np.diff(rates[5:]) <= 0).all()
    assert rates[-1] < 0.5e-3 and rates.min() >= 1e-4


def test_the_schedule_of_a_configuration_in_the_terms_of_the_shared_loop():
    config = ModelConfig(epochs=50)
    schedule = schedule_of(config)
    assert (schedule.warmup, schedule.factor, schedule.patience) == (0.1, 0.7, 10)
    assert schedule.floor * config.learning_rate == pytest.approx(1e-6)


# -- outcomes


def test_a_stopped_training_goes_on_to_the_same_bits():
    states = []
    outcome(POSTERIOR, lambda progress: bool(states.append(dict(progress.state())) or True))
    resumed, whole = outcome(POSTERIOR, state=states[0]), usual("posterior")
    assert all(np.array_equal(resumed.weights[name], whole.weights[name]) for name in whole.weights)
    assert np.array_equal(resumed.fitted["levels"], whole.fitted["levels"])


def test_weights_of_another_pooling_are_refused_in_one_line():
    config = ModelConfig.model_validate(POSTERIOR | {"pooling": {"name": "average"}})
    predictor = apply(config, usual("posterior"))
    with pytest.raises(ValueError, match="do not fit this network"):
        predictor.samples(predictor.curves(TEST), 0, 10)


def test_a_loss_that_leaves_the_finite_is_an_outcome():
    config = ModelConfig.model_validate(POSTERIOR)
    segments = segments_of(config.segmentation())
    arrays = {**segments.phases[0], "train/truth": np.full_like(segments.phases[0]["train/truth"], np.nan)}
    failed = next(train([Job("one", config, replace(segments, phases=(arrays,)))]))
    assert isinstance(failed, Failed) and failed.status == "diverged" and "lower the rate" in failed.detail


def test_a_gpu_is_refused_and_auto_computes_on_the_cpu():
    config = ModelConfig.model_validate(POSTERIOR)
    job = Job("one", config, segments_of(config.segmentation()), device="gpu")
    with pytest.raises(ValueError, match="expected cpu or auto"):
        next(train([job]))


def test_early_stopping_ends_a_training():
    assert outcome(GAUSSIAN, epochs=40, patience=2, learning_rate=0.5).counts["epochs"] < 40


def test_best_and_last_can_both_be_used_and_others_are_refused():
    config, trained = ModelConfig.model_validate(POSTERIOR), usual("posterior")
    assert apply(config, trained, "last").config == config
    with pytest.raises(ValueError, match="there are: best, last"):
        apply(config, trained, "first")


# -- predictors


@pytest.mark.parametrize("kind", ["posterior", "gaussian"])
def test_samples_agree_with_the_density_and_do_not_depend_on_company(kind):
    config = ModelConfig.model_validate(POSTERIOR if kind == "posterior" else GAUSSIAN)
    predictor = apply(config, usual(kind))
    curves = predictor.curves(TEST)
    samples = predictor.samples(curves, 1, 2000)
    assert samples.shape == (2000, 20, 2)
    alone = predictor.samples(curves.take(slice(0, 3)), 1, 2000)
    if kind == "posterior":
        assert alone == pytest.approx(samples[:, :3], rel=1e-3, abs=1e-6)
        low, high = predictor.box
        assert (samples >= low).all() and (samples <= high).all()
    # entropy by samples: E[log q] over its own samples is largest; shifted ones are less likely
    own = np.mean([predictor.log_density(curves, 1, samples[k]) for k in range(20)])
    mixed = np.mean([predictor.log_density(curves, 1, samples[k][::-1]) for k in range(20)])
    assert own > mixed


def test_the_truth_does_not_reach_a_prediction():
    config = ModelConfig.model_validate(POSTERIOR)
    predictor = apply(config, usual("posterior"))
    hidden = ("fraction", "k_d", "pH_offset", "pH_drift", "tau_probe", "gas_rate", "gas_level", "ramp")
    parameters = {n: np.full_like(v, np.nan) if n in hidden else v for n, v in TEST.parameters.items()}
    y = TEST.y.copy()
    y[:, :, 1] = np.nan  # the channel without noise
    blind = replace(TEST, parameters=parameters, y=y)
    seen, unseen = (predictor.samples(predictor.curves(data), 0, 50) for data in (TEST, blind))
    assert np.array_equal(seen, unseen)


def test_levels_make_validation_intervals_cover_what_they_promise():
    config = ModelConfig.model_validate(GAUSSIAN)
    trained = usual("gaussian")
    predictor = apply(config, trained)
    arrays = below("validation", segments_of(config.segmentation()).phases[0])
    curves = Curves(*(np.asarray(arrays[name], float) for name in Curves._fields))
    samples = predictor.samples(curves, 0, 200, seed=1)
    low, high = predictor.interval(samples, 0, 0.9)
    inside = ((low <= arrays["truth"]) & (arrays["truth"] <= high)).mean(axis=0)
    assert trained.fitted["levels"].shape == (2, 2, 201) and inside == pytest.approx(0.9, abs=0.07)


def test_baselines_take_no_steps():
    for kind in ("constant", "trees"):
        trained = outcome({"durations": SMALL["durations"]}, kind=kind)
        assert trained.counts["steps"] == 0 and trained.fitted["levels"].shape[:2] == (2, 2)


def test_trees_as_arrays_are_those_of_the_library():
    from trainers.urease.curves.curves import Curves

    config = ModelConfig(durations=(30.0, 60.0), kind="trees")
    segments = segment(config.segmentation(), DATA)
    weights = tree_weights(segments, config.durations, seed=0)
    arrays = below("train", segments.phases[0])
    curves = Curves(*(arrays[name] for name in Curves._fields))
    features = [tree_features(curves, prefix) for prefix in config.durations]
    low, high = (segments.fitted[name][:2] for name in ("prior_low", "prior_high"))
    target = to_normal(arrays["truth"], low, high)
    for k in range(2):
        library = HistGradientBoostingRegressor(**SETTINGS, random_state=0)
        library.fit(np.concatenate(features), np.tile(target[:, k], 2))
        for part in features:
            assert apply_trees(weights, part, 2)[:, k] == pytest.approx(library.predict(part), abs=1e-9)
