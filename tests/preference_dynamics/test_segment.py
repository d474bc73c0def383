"""Features of hand-made series, the split, dropped series, and targets in the network's units and back."""

from dataclasses import replace

import numpy as np
import pytest

from trainers.preference_dynamics.config import DatasetConfig, ModelConfig
from trainers.preference_dynamics.segment import segment
from trainers.preference_dynamics.series.features import cycles, initial_values, log_scale, peaks, summary
from trainers.preference_dynamics.series.inputs import Inputs, inputs_of
from trainers.preference_dynamics.series.targets import targets_of
from trainers.preference_dynamics.simulate import simulate
from trainers.preference_dynamics.system.equations import actions_of, unknown_names

DATA = simulate(DatasetConfig(trajectories=34, points=61, seed=3))
T = np.arange(201.0)


def series(*channels):
    """Return one series (1, T, C)."""
    return np.stack(channels, axis=1)[None]


def test_peaks_of_a_sine_have_its_period_and_height():
    count, gap, gap_std, height, height_std = peaks(series(5 + 3 * np.cos(2 * np.pi * T / 20), 0 * T), T)[0, :5]
    assert (count, gap, height) == (9, 20, 8) and abs(gap_std) < 1e-12 and abs(height_std) < 1e-12
    still = peaks(series(0 * T, 0 * T), T)[0]
    assert still[0] == 0 and np.isnan(still[1:5]).all()


def test_limit_cycles_are_distinguished_from_decay_and_ripples():
    wave = np.cos(2 * np.pi * T / 10)
    rippled = np.where(T % 10 == 2, 4.5, 3 * wave)
    values = cycles(series(3 * wave, 30 * np.exp(-0.01 * T) * wave), T)[0]
    assert values[0] == 1 and values[1] == pytest.approx(10) and values[2] == pytest.approx(3)
    assert values[3] == 0 and np.isnan(values[4:]).all()
    assert cycles(series(rippled, 0 * T), T)[0, 1] == pytest.approx(10)


def test_scale_and_first_values_are_in_raw_units():
    y = series(2 * np.cos(T), 5 * np.sin(T))
    assert initial_values(y, T)[0].tolist() == [2, 0]
    assert np.allclose(log_scale(10 * y, T) - log_scale(y, T), np.log(10), atol=1e-6)
    onset = np.where(T < 30, 0.0, T - 30)
    assert summary(series(onset, 0 * T), T)[0, 10] == 31


def test_the_split_is_by_series_disjoint_and_has_the_published_proportions():
    segments = segment(ModelConfig().segmentation(), DATA)
    assert len(segments.train) == 28 and len(segments.validation) == 6
    assert sorted([*segments.train, *segments.validation]) == list(range(34))
    arrays = segments.phases[0]
    unknowns = np.stack([DATA.parameters[name] for name in unknown_names(1)], axis=1)
    for side, index in (("train", segments.train), ("validation", segments.validation)):
        assert np.array_equal(arrays[f"{side}/unknowns"], unknowns[index])
    assert np.array_equal(segments.fitted["unknowns_mean"], unknowns[segments.train].mean(axis=0))


def test_series_that_hold_nan_are_dropped_and_counted():
    y = DATA.y.copy()
    y[[1, 5], -1] = np.nan
    segments = segment(ModelConfig().segmentation(), replace(DATA, y=y))
    assert segments.counts[0]["dropped_nan"] == 2 and not {1, 5} & {*segments.train, *segments.validation}
    assert segments.counts[0]["train_segments"] + segments.counts[0]["validation_segments"] == 32


@pytest.mark.parametrize("kind", ["residual", "posterior"])
@pytest.mark.parametrize("horizon", [1, 4])
def test_targets_come_back_in_raw_units(kind, horizon):
    loss = {"loss": {"name": "nll"}} if kind == "posterior" else {}
    config = ModelConfig(kind=kind, horizon=horizon, normaliser="group", **loss)
    segments = segment(config.segmentation(), DATA)
    arrays, targets = segments.phases[0], targets_of(config, segments.fitted, segments.meta["actions"])
    inputs = Inputs(*(arrays[f"train/{name}"] for name in Inputs._fields))
    unknowns, forecast = targets.to_raw_units(targets.of_segments(arrays, "train"), inputs)
    assert np.allclose(unknowns, arrays["train/unknowns"], atol=1e-12)
    raw = np.moveaxis(DATA.y[segments.train][:, -horizon:], 1, 2).reshape(len(unknowns), -1)
    assert np.allclose(forecast, raw, atol=1e-9) and forecast.shape == (28, 2 * horizon)


def test_unusable_series_are_refused_in_one_line():
    with pytest.raises(ValueError, match="expected at least 8 before the horizon"):
        inputs_of(ModelConfig(horizon=60), DATA.y, DATA.t[0])
    with pytest.raises(ValueError, match="g_0"):
        segment(ModelConfig().segmentation(), replace(DATA, parameters={}, parameter_units={}, roles={}))
    with pytest.raises(ValueError, match="expected desires and efforts"):
        actions_of(("a_0", "u_0"))


def test_all_series_train_with_separate_validation_data():
    other = simulate(DatasetConfig(trajectories=5, points=61, seed=4))
    config = ModelConfig(train_fraction=0.5).segmentation()
    both, alone = segment(config, DATA, other), segment(ModelConfig(train_fraction=1.0).segmentation(), DATA)
    (phase,), (whole,) = both.phases, alone.phases
    assert all(np.array_equal(phase[name], whole[name]) for name in whole if name.startswith("train/"))
    assert all(np.array_equal(both.fitted[name], alone.fitted[name]) for name in alone.fitted)
    assert np.array_equal(both.validation, np.arange(5)) and both.meta == {"actions": 1, "stability": "eigenvalues"}
    alone_of_other = segment(ModelConfig(train_fraction=1.0).segmentation(), other).phases[0]
    assert np.array_equal(phase["validation/x"], alone_of_other["train/x"])
    assert np.array_equal(phase["validation/unknowns"], alone_of_other["train/unknowns"])
