"""Splits, bad data and bad settings."""

import numpy as np
import pytest

from trainers.phase_field.config import PRESETS, DatasetConfig, ModelConfig
from trainers.phase_field.segment import segment
from trainers.phase_field.simulate import simulate

SETTINGS = {"trajectories": 12, "grid": 16, "snapshots": 6, "duration": 1.0, "step": 0.1}
DATA = simulate(DatasetConfig(**SETTINGS))
MODEL = ModelConfig(kind="ridge")


def changed(**fields):
    return type(DATA)(**{**DATA.__dict__, **fields})


def test_the_published_proportions():
    fraction = ModelConfig().train_fraction
    assert (round(4950 * fraction), 4950 - round(4950 * fraction)) == (4400, 550)
    assert PRESETS["published_train"].trajectories == 4950 and PRESETS["published_test"].trajectories == 550
    assert len(PRESETS["published_train"].times()) == 151


def test_runs_are_split_without_overlap():
    segments = segment(MODEL.segmentation(), DATA)
    assert sorted([*segments.train, *segments.validation]) == list(range(12)) and len(segments.train) == 11
    arrays = segments.phases[0]
    assert arrays["train/scores"].shape == (11, 6, 5) and arrays["train/first"].shape == (11, 8)
    assert segments.meta["parameters"] == "mobility gradient_coefficient mean amplitude"
    np.testing.assert_array_equal(
        arrays["validation/parameters"][0, 0], DATA.parameters["mobility"][segments.validation[0]]
    )


def test_runs_with_nan_are_dropped_and_counted():
    y = DATA.y.copy()
    y[3, 2:] = np.nan
    segments = segment(MODEL.segmentation(), changed(y=y))
    assert segments.counts[0]["dropped_nan"] == 1 and 3 not in [*segments.train, *segments.validation]


def test_bad_data_are_refused_in_one_line():
    t = DATA.t.copy()
    t[2] *= 1.5
    with pytest.raises(ValueError, match="the runs have different times; expected the same snapshots"):
        segment(MODEL.segmentation(), changed(t=t))
    with pytest.raises(ValueError, match="basis is 'none' with components 5; the runs have 8 channels"):
        segment(ModelConfig(kind="ridge", basis="none").segmentation(), DATA)
    with pytest.raises(ValueError, match="the runs come without gradient_coefficient, mean, amplitude; expected all"):
        segment(
            MODEL.segmentation(),
            DATA,
            changed(parameters={"mobility": DATA.parameters["mobility"]}, roles={}, parameter_units={}),
        )


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"step": 0.07}, "step is 0.07; expected a part of the time between snapshots"),
        ({"mean": (0.7, 0.3)}, "expected .smallest, largest."),
        ({"scheme": "explicit", "step": 0.001}, "scheme explicit with laplacian 'spectral'; expected 'five_point'"),
        ({"scheme": "explicit", "laplacian": "five_point", "step": 0.02}, "an explicit step is stable below 0.01562"),
        ({"grid": 33}, "multiple of 2"),
    ],
)
def test_a_bad_dataset_is_refused(settings, text):
    with pytest.raises(ValueError, match=text):
        DatasetConfig(**settings)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"kind": "scaled_time", "parameters": ("mean",)}, "scales time by mobility and gradient_coefficient"),
        ({"kind": "scaled_time", "basis": "none"}, "continues a radial profile, so expected 'fitted'"),
        ({"kind": "ridge", "loss": {"parameters": True}}, "only kind 'lstm' predicts parameters"),
        ({"kind": "scaled_time", "phases": ({"teacher_forcing": (1, 0)},)}, "teacher_forcing is for kind 'lstm'"),
        ({"kind": "scaled_time", "phases": ({"noise": 0.1},)}, "noise is for kind 'lstm'"),
        ({"phases": ({"learning_rate": 1e-4, "last_rate": 1e-3},)}, "expected a last_rate that is not larger"),
        ({"parameters": ("mean", "mean")}, "expected each at most once"),
        ({"phases": ()}, "at least 1 item"),
    ],
)
def test_a_bad_model_is_refused(settings, text):
    with pytest.raises(ValueError, match=text):
        ModelConfig(**settings)


def test_parts_join_to_the_bits_of_one_call(monkeypatch):
    from trainers.phase_field import config
    from trainers.phase_field import simulate as module

    whole = simulate(DatasetConfig(**SETTINGS))
    monkeypatch.setattr(config, "PART_RUNS", 5)
    monkeypatch.setattr(module, "BATCH_CELLS", 3 * 16**2)
    one = DatasetConfig(**SETTINGS)
    parts = [simulate(one, part) for part in range(one.parts())]
    assert one.parts() == 3
    for name in ("t", "y"):
        assert np.array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(whole, name))
    for name in ("mobility", "amplitude"):
        joined = np.concatenate([part.parameters[name] for part in parts])
        assert np.array_equal(joined, whole.parameters[name])


def test_a_smaller_set_is_the_beginning_of_a_larger_one():
    few = simulate(DatasetConfig(**{**SETTINGS, "trajectories": 5}))
    assert np.array_equal(few.y, DATA.y[:5]) and np.array_equal(few.parameters["mean"], DATA.parameters["mean"][:5])
