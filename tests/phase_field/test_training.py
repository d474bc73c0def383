"""Trainings: phases, schedules, options, what they leave behind."""

from functools import cache

import numpy as np
import pytest

from trainers.common.named_arrays import below
from trainers.phase_field.apply import apply
from trainers.phase_field.config import DatasetConfig, ModelConfig, Phase
from trainers.phase_field.segment import segment
from trainers.phase_field.simulate import simulate
from trainers.phase_field.train import teacher_forcing, train
from trainers.study import Failed, Job, Trained

DATA = simulate(DatasetConfig(trajectories=36, grid=32, snapshots=16, duration=6.0, step=0.1, seed=5))
FIRST = {"epochs": 4, "learning_rate": 1e-2, "last_rate": 5e-3, "schedule": "warmup_cosine"}
FORCED = {**FIRST, "teacher_forcing": (0.7, 0.6), "noise": 0.05}
SECOND = {"epochs": 3, "learning_rate": 5e-3, "last_rate": 1e-3, "teacher_forcing": (0.6, 0.5), "max_lag": 12}
LSTM = {"hidden_size": 6, "batch_size": 8, "train_fraction": 0.75, "phases": (FORCED,)}
SCALED = {"kind": "scaled_time", "hidden_size": 8, "dropout": 0.0, "batch_size": 8, "phases": (FIRST,)}


@cache
def segments_of(config):
    return segment(config, DATA)


def outcome(report=lambda progress: False, state=None, **settings):
    config = ModelConfig(**settings)
    return next(train([Job("one", config, segments_of(config.segmentation()), state)], report))


@cache
def usual():
    return outcome(**LSTM)


@cache
def chain():
    return outcome(**LSTM | {"phases": (FORCED, SECOND)}, checkpoint_every=2)


def test_teacher_forcing_follows_its_formula():
    phase = Phase(epochs=100, teacher_forcing=(0.7, 0.6))
    assert [teacher_forcing(phase, e) for e in (0, 50, 100, 200)] == pytest.approx([0.7, 0.65, 0.6, 0.6])


def test_the_history_has_the_settings_of_each_epoch():
    history = chain().history
    assert history["phase"].tolist() == [0] * 4 + [1] * 3
    assert history["teacher_forcing"].tolist() == pytest.approx(
        [0.7, 0.675, 0.65, 0.625, 0.6, 0.6 - 0.1 / 3, 0.6 - 0.2 / 3]
    )
    assert history["noise"].tolist() == [0.05] * 4 + [0.0] * 3 and history["max_lag"].tolist() == [10] * 4 + [12] * 3


def test_the_rate_rises_from_half_then_falls_as_a_cosine_and_later_linearly():
    """Four epochs of 27 runs in batches of 8 are 16 steps, 5 of them rising; the history has the last of each epoch."""
    rates = chain().history["learning_rate"].to_numpy()
    steps = np.array([3, 7, 11, 15])
    cosine = 5e-3 + 5e-3 * (1 + np.cos(np.pi * (steps - 5) / 11)) / 2
    expected = np.where(steps < 5, 1e-2 * (0.5 + 0.5 * (steps + 1) / 5), cosine)
    np.testing.assert_allclose(rates[:4], expected, rtol=1e-12)
    np.testing.assert_allclose(rates[4:], 5e-3 - 4e-3 * np.array([3, 7, 11]) / 12, rtol=1e-12)


def test_the_rate_may_fall_linearly_after_its_rise():
    trained = outcome(**SCALED | {"phases": ({**FIRST, "schedule": "warmup_linear"},)})
    steps = np.array([11, 15])
    rates = trained.history["learning_rate"].to_numpy()[2:]
    per_epoch = 32 // 8
    total, rise = 4 * per_epoch, round(0.3 * 4 * per_epoch)
    np.testing.assert_allclose(rates, 1e-2 - 5e-3 * (steps - rise) / (total - rise), rtol=1e-12)


def test_a_phase_starts_from_the_best_of_the_one_before_or_from_its_last():
    """The first phase is too fast to end with its best; the second so slow that it stays where it starts."""
    fast, still = {**FORCED, "learning_rate": 0.1, "last_rate": 0.1}, {**SECOND, "learning_rate": 1e-9, "last_rate": 0}
    for start in ("best", "last"):
        weights = outcome(**LSTM | {"phases": (fast, still)}, start=start).weights
        best, last, end = (weights[f"{which}/output.bias"] for which in ("phase0/best", "phase0/last", "last"))
        assert np.abs(best - last).max() > 1e-3
        np.testing.assert_allclose(end, best if start == "best" else last, atol=1e-6)


def test_a_programme_begins_with_its_shorter_one_bit_for_bit():
    longer, shorter = chain().history.iloc[:4], usual().history
    assert longer.equals(shorter)
    resumed = outcome(**LSTM | {"phases": (FORCED, SECOND)}, checkpoint_every=2, state=usual().state)
    assert resumed.history.equals(chain().history)
    assert np.array_equal(resumed.weights["last/output.bias"], chain().weights["last/output.bias"])
    prefixes = ModelConfig(**LSTM | {"phases": (FORCED, SECOND)}).prefixes()
    assert [len(one.phases) for one in prefixes] == [1]


def test_best_last_phases_and_every_kth_epoch_are_stored_and_can_be_used():
    trained, config = chain(), ModelConfig(**LSTM | {"phases": (FORCED, SECOND)}, checkpoint_every=2)
    for which in ("best", "last", "phase0/best", "phase0/last", "phase1/best", "epoch2", "epoch4", "epoch6"):
        curves = apply(config, trained, which).predict(DATA.y[:, 0], DATA.parameters)
        assert curves.shape == (36, 16, 5) and np.isfinite(curves).all()
    with pytest.raises(ValueError, match="no weights 'epoch5'; there are: best"):
        apply(config, trained, "epoch5")


def test_the_first_point_of_every_prediction_is_given():
    for settings in (LSTM, SCALED, {"kind": "ridge"}):
        config = ModelConfig(**settings)
        predictor = apply(config, outcome(**settings))
        curves = predictor.predict(DATA.y[:, 0], DATA.parameters)
        np.testing.assert_allclose(curves[:, 0], predictor.basis.scores(DATA.y[:, 0].astype(float)), atol=1e-12)


OPTIONS = [
    {"loss": {"name": "autocorrelation"}},
    {"loss": {"name": "combined"}},
    {"loss": {"name": "combined", "alpha": 0.3}},
    {"loss": {"parameters": True}},
    {"parameters": ("mobility", "gradient_coefficient")},
    {"components": 4},
    {"hidden_size": 7},
    {"num_layers": 1},
    {"dropout": 0.0},
    {"batch_size": 16},
    {"train_fraction": 0.5},
    {"split_seed": 1},
    {"seed": 1},
    {"phases": ({**FORCED, "teacher_forcing": (0.0, 0.0)},)},
    {"phases": ({**FORCED, "noise": 0.0},)},
    {"phases": ({**FORCED, "weight_decay": 1.0},)},
    {"phases": ({**FORCED, "clip_norm": 0.01},)},
    {"phases": ({**FORCED, "last_rate": 1e-4},)},
]


@pytest.mark.parametrize("settings", OPTIONS, ids=str)
def test_no_setting_is_ignored(settings):
    other = outcome(**LSTM | settings)
    assert isinstance(other, Trained) and np.isfinite(other.history["loss"]).all()
    assert not np.array_equal(other.weights["last/output.bias"], usual().weights["last/output.bias"])


def test_the_largest_lag_counts_in_the_autocorrelation_alone():
    short, long = (
        outcome(**LSTM | {"loss": {"name": "autocorrelation"}, "phases": ({**FORCED, "max_lag": lag},)})
        for lag in (5, 12)
    )
    assert not np.array_equal(short.weights["last/output.bias"], long.weights["last/output.bias"])


def test_validation_measures_the_same_whatever_the_loss():
    """It is the error of the free-running scores, without noise and forcing: that of the predictor."""
    segments = segments_of(ModelConfig(**LSTM).segmentation())
    for settings in ({}, {"loss": {"name": "autocorrelation", "parameters": True}}):
        trained = outcome(**LSTM | settings)
        predictor = apply(ModelConfig(**LSTM | settings), trained, "last")
        arrays = segments.phases[0]
        names = dict(zip(DATA.parameters, arrays["validation/parameters"].T, strict=True))
        curves = predictor.predict(arrays["validation/first"], names)
        expected = np.abs(curves - arrays["validation/scores"]).mean()
        assert trained.history["validation_scores_mae"].iloc[-1] == pytest.approx(expected, rel=1e-5)


def test_accumulated_halves_are_the_whole_batch():
    whole = outcome(**SCALED)
    halves = outcome(**SCALED, accumulate=2)
    np.testing.assert_allclose(halves.history["loss"], whole.history["loss"], rtol=1e-5)


@pytest.mark.parametrize("settings", [LSTM, SCALED], ids=["lstm", "scaled_time"])
def test_mixed_precision_changes_losses_by_rounding_alone(settings):
    single, mixed = outcome(**settings), outcome(**settings, mixed_precision=True)
    np.testing.assert_allclose(mixed.history["loss"], single.history["loss"], rtol=3e-2)
    assert not np.array_equal(mixed.history["loss"], single.history["loss"])


def test_the_three_rules_end_a_training():
    many = {**FIRST, "epochs": 40}
    flat = outcome(**SCALED | {"phases": ({**many, "learning_rate": 0.3, "last_rate": 0.3},)}, patience=2)
    assert flat.counts["epochs"] < 40
    gap = outcome(**SCALED | {"phases": (many,)}, largest_gap=1e-9)
    assert gap.counts["epochs"] < 40
    exploded = outcome(**SCALED, largest_gradient=1e-6)
    assert isinstance(exploded, Failed) and exploded.status == "diverged" and "norm of the gradient" in exploded.detail


TROUBLE = [
    {"batch_size": 16, "mixed_precision": False},
    {"phases": ({**FORCED, "clip_norm": 2.0},)},
    {"phases": ({**FORCED, "learning_rate": 5e-4, "last_rate": 5e-4},)},
    {"loss": {"name": "combined", "alpha": 0.3}},
    {"hidden_size": 512, "phases": ({**FORCED, "epochs": 1},)},
]


@pytest.mark.parametrize("settings", TROUBLE, ids=str)
def test_the_advice_of_the_source_for_trouble_is_a_setting_each(settings):
    assert isinstance(outcome(**LSTM | settings), Trained)


def test_without_validation_runs_no_times_are_deduced():
    settings = SCALED | {"train_fraction": 1.0}
    trained = outcome(**settings)
    predictor = apply(ModelConfig(**settings), trained)
    curves = predictor.predict(DATA.y[:, 0], DATA.parameters)
    with pytest.raises(ValueError, match="trained without validation runs"):
        predictor.times(curves, curves, DATA.parameters)
    with pytest.raises(ValueError, match="mobility has 36 values for 2 first snapshots"):
        predictor.predict(DATA.y[:2, 0], DATA.parameters)


@pytest.mark.parametrize("kind", ["persistence", "mean_curve", "ridge", "nearest", "master_curve"])
def test_a_baseline_takes_no_steps_and_finds_its_training_runs_again(kind):
    config = ModelConfig(kind=kind, train_fraction=0.75)
    trained = outcome(**config.model_dump(exclude_defaults=True))
    arrays = segments_of(config.segmentation()).phases[0]
    named = dict(zip(DATA.parameters, arrays["train/parameters"].T, strict=True))
    curves = apply(config, trained).predict(arrays["train/first"], named)
    error = np.abs(curves - arrays["train/scores"]).mean()
    constant = np.abs(trained.fitted["scores_mean"] - arrays["train/scores"]).mean()
    assert trained.counts["steps"] == 0 and {"nearest": error < 1e-12, "ridge": error < constant / 4}.get(kind, True)
    assert kind == "persistence" or error < constant


def test_the_master_curve_is_one_curve_of_scaled_time():
    config = ModelConfig(kind="master_curve")
    predictor = apply(config, outcome(kind="master_curve"))
    one = predictor.predict(DATA.y[:1, 0], {"mobility": [1.0], "gradient_coefficient": [0.5], "mean": [0.5]})
    two = predictor.predict(DATA.y[:1, 0], {"mobility": [2.0], "gradient_coefficient": [1.0], "mean": [0.4]})
    np.testing.assert_allclose(one, two)


CONTINUED = LSTM | {"phases": (FORCED, {**SECOND, "start_epoch": 2}), "checkpoint_every": 2}


def test_a_phase_starts_from_the_weights_of_the_epoch_that_it_names():
    still = {**SECOND, "epochs": 1, "learning_rate": 1e-12, "last_rate": 1e-12, "noise": 0.0, "start_epoch": 2}
    one = outcome(**CONTINUED | {"phases": (FORCED, still)})
    start, first = below("epoch2", one.weights), below("phase0/best", one.weights)
    assert one.counts["epochs"] == 5 and one.history["epoch"].tolist() == [1, 2, 3, 4, 5]
    for name, value in below("last", one.weights).items():
        np.testing.assert_allclose(value, start[name], atol=1e-8)
    assert any(not np.allclose(value, start[name], atol=1e-4) for name, value in first.items())
    for which in ("best", "last"):
        for name, value in below(f"phase0/{which}", chain().weights).items():
            assert np.array_equal(one.weights[f"phase0/{which}/{name}"], value), "the phases before stay as they were"


@pytest.mark.parametrize("epochs", [1, 3, 4, 5, 6])
def test_a_training_that_goes_on_from_an_epoch_resumes_to_the_same_bits(epochs):
    reports = []
    stopped = outcome(lambda progress: reports.append(progress) or len(reports) == epochs, **CONTINUED)
    assert {report.total_steps for report in reports} == {28}
    whole, resumed = outcome(**CONTINUED), outcome(state=stopped.state, **CONTINUED)
    assert whole.weights.keys() == resumed.weights.keys()
    assert all(np.array_equal(whole.weights[name], value) for name, value in resumed.weights.items())
    assert whole.history.equals(resumed.history)


def test_it_goes_on_from_the_stored_end_of_its_first_phase():
    whole = outcome(**CONTINUED)
    first = outcome(**CONTINUED | {"phases": (FORCED,)})
    warm = outcome(state=first.state, **CONTINUED)
    assert all(np.array_equal(whole.weights[name], value) for name, value in warm.weights.items())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"checkpoint_every": 0}, "phase 1: start_epoch is 2 with checkpoint_every 0"),
        ({"checkpoint_every": 3}, "expected a multiple of it, up to the 4 epochs before the phase"),
        ({"checkpoint_every": 1, "phases": ({**FORCED, "start_epoch": 1},)}, "up to the 0 epochs"),
        ({"patience": 3}, "with patience or largest_gap"),
        ({"optimiser_state": "keep"}, "expected 'reset'"),
    ],
)
def test_an_epoch_that_is_not_stored_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        ModelConfig(**CONTINUED | settings)


def test_weights_of_another_phase_are_those_of_its_group():
    assert set(below("phase0/best", chain().weights)) == set(below("best", chain().weights))
