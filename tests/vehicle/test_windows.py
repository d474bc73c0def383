"""Logs become windows: channels, units, cuts, steps, splits by car, features."""

from dataclasses import replace

import numpy as np
import pytest

from trainers.study import Trajectories
from trainers.vehicle.config import DatasetConfig, ModelConfig, SegmentationConfig
from trainers.vehicle.dynamics.states import STATES
from trainers.vehicle.segment import segment
from trainers.vehicle.simulate import INITIAL, resimulate, simulate
from trainers.vehicle.windows.channels import log_of
from trainers.vehicle.windows.cut import cut
from trainers.vehicle.windows.features import features_of

SMALL = DatasetConfig(cars=5, runs=2, points=60, noise=0.0)


@pytest.fixture(scope="module")
def data() -> Trajectories:
    return simulate(SMALL)


def test_a_smaller_set_is_the_beginning_of_a_larger_one_and_parts_join_to_the_whole(data, monkeypatch):
    fewer = simulate(SMALL.model_copy(update={"cars": 3}))
    assert np.array_equal(fewer.y, data.y[:6]) and np.array_equal(fewer.parameters["mu"], data.parameters["mu"][:6])
    monkeypatch.setattr("trainers.vehicle.config.PART_CARS", 2)
    assert SMALL.parts() == 3
    parts = [simulate(SMALL, part) for part in range(3)]
    assert np.array_equal(np.concatenate([part.y for part in parts]), data.y)


def test_noise_changes_neither_cars_nor_controls_and_has_the_std_that_it_says(data):
    noisy = simulate(SMALL.model_copy(update={"noise": 1.0}))
    assert np.array_equal(noisy.inputs, data.inputs) and np.array_equal(noisy.parameters["I"], data.parameters["I"])
    spread = (noisy.y - data.y).std(axis=(0, 1))
    assert spread == pytest.approx([0.02, 0.02, 0.005, 0.05, 0.01, 0.03, 0.01], rel=0.15)


def test_the_true_motion_can_be_had_again(data):
    start = np.stack([data.parameters[name] for name in INITIAL], axis=1)
    again = resimulate("singletrack", "rc", dict(data.parameters), start, data.inputs[:, :-1], 0.05)
    assert np.array_equal(again, data.y)


def test_runs_from_rest_begin_and_end_there():
    made = simulate(DatasetConfig(cars=2, runs=1, excitation="from_rest", noise=0.0))
    speed = made.y[..., STATES.index("speed")]
    assert np.isfinite(made.y).all() and (speed[:, 0] == 0).all() and (speed.max(axis=1) > 1.8).all()


def test_friction_levels_are_those_asked_for():
    made = simulate(DatasetConfig(cars=12, runs=1, points=3, friction=(0.5, 1.1)))
    assert set(made.parameters["mu"]) == {0.5, 1.1}


def test_a_published_car_is_the_published_one():
    made = simulate(DatasetConfig(cars=2, runs=1, points=3, car="f1tenth"))
    assert (made.parameters["C_Sf"] == 4.718).all() and made.parameters["m_over_I"][0] == pytest.approx(79.37, abs=0.01)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"car": "f1eighth"}, "unknown car 'f1eighth'; nearest: f1tenth, f1fifth"),
        ({"car": "bmw_320i"}, "car bmw_320i with vehicle_class rc; expected full_size"),
        ({"vehicle_class": "bike"}, "unknown vehicle class 'bike'"),
        ({"excitation": "circle"}, "unknown excitation 'circle'"),
    ],
)
def test_a_wrong_dataset_is_refused(settings, text):
    with pytest.raises(ValueError, match=text):
        DatasetConfig(**settings)


def test_windows_never_cross_runs_and_share_no_point(data):
    windows = cut(log_of(data), 21, 0, 5)
    assert len(windows.run) == 20 and windows.start.tolist() == [0, 21] * 10
    for state, control, run, start in zip(*windows, strict=True):
        assert np.array_equal(state, data.y[run, start : start + 21])
        assert np.array_equal(control, data.inputs[run, start : start + 20])
    assert len(cut(log_of(data), 21, 10, 5).run) == 40


def test_a_coarser_step_takes_every_kth_point_and_the_mean_of_rates(data):
    windows = cut(log_of(data), 11, 0, 10)
    assert np.array_equal(windows.state[0], data.y[0, 0:21:2])
    assert windows.control[0, 3] == pytest.approx(data.inputs[0, 6:8].mean(axis=0), rel=1e-14)
    again = cut(log_of(simulate(SMALL.model_copy(update={"time_step": 5}))), 11, 0, 10)
    assert np.array_equal(again.state, windows.state)


@pytest.mark.parametrize("step", [3, 7])
def test_a_step_that_is_no_multiple_is_refused(data, step):
    with pytest.raises(ValueError, match=f"time_step is {step} .* the data are 0.05 s apart; expected a multiple"):
        cut(log_of(data), 11, 0, step)


def test_uneven_times_are_refused(data):
    times = data.t.copy()
    times[0, 30:] += 0.02
    with pytest.raises(ValueError, match="expected an even step: resample"):
        cut(log_of(replace(data, t=times)), 11, 0, 5)


def test_windows_with_padding_are_left_out(data):
    y = data.y.copy()
    y[3, 30:] = np.nan
    windows = cut(log_of(replace(data, y=y)), 21, 0, 5)
    assert (windows.run == 3).sum() == 1 and len(windows.run) == 19


def with_channels(data: Trajectories) -> Trajectories:
    speed, slip = data.y[..., 3], data.y[..., 6]
    y = np.stack([data.y[..., 0], data.y[..., 1], data.y[..., 4], speed * np.cos(slip), speed * np.sin(slip),
                  data.y[..., 5]], axis=-1)  # fmt: skip
    inputs = np.stack([data.y[..., 2], data.inputs[..., 1]], axis=-1)
    return replace(data, y=y, names=("x", "y", "yaw", "vx", "vy", "yaw_rate"), inputs=inputs,
                   units=("m", "m", "rad", "m/s", "m/s", "rad/s"),
                   input_names=("steering_angle_command", "acceleration"), input_units=("rad", "m/s^2"))  # fmt: skip


def test_velocities_and_a_commanded_angle_stand_for_speed_slip_and_steering(data):
    log, steering = log_of(with_channels(data)), STATES.index("steering_angle")
    others = np.arange(7) != steering
    assert log.states[..., others] == pytest.approx(data.y[..., others], abs=1e-12)
    assert np.array_equal(log.states[:, 1:, steering], data.y[:, :-1, steering]), "wheels hold the command before"
    assert log.names == ("steering_angle_command", "acceleration")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"names": ("x", "y", "yaw", "vx", "vz", "yaw_rate")}, "channel 'vz' is unknown; nearest: vy, vx"),
        ({"units": ("km", "m", "rad", "m/s", "m/s", "rad/s")}, "x is given in 'km'; expected 'm'"),
        ({"input_names": ("steer", "acceleration")}, "the steering input is missing or double: inputs are steer"),
        ({"input_units": ("deg", "m/s^2")}, "steering_angle_command is given in 'deg'; expected 'rad'"),
    ],
)
def test_a_log_with_other_channels_or_units_is_refused_in_one_line(data, changes, text):
    with pytest.raises(ValueError, match=text) as caught:
        log_of(replace(with_channels(data), **changes))
    assert "\n" not in str(caught.value)


def test_a_log_without_a_channel_says_which(data):
    short = replace(data, y=data.y[..., :6], names=data.names[:6], units=data.units[:6])
    with pytest.raises(ValueError, match="the data lack slip_angle; they have x, y"):
        log_of(short)


def test_the_split_is_by_car_and_nothing_leaks(data):
    segments = segment(SegmentationConfig(window=21, train_fraction=0.6), data)
    arrays = segments.phases[0]
    assert set(arrays["train/car"]) & set(arrays["validation/car"]) == set()
    assert set(arrays["train/car"]) | set(arrays["validation/car"]) == set(range(5))
    assert not set(segments.train) & set(segments.validation)
    for side in ("train", "validation"):
        assert np.array_equal(arrays[f"{side}/initial"], arrays[f"{side}/target"][:, 0])
        assert arrays[f"{side}/control"].shape[1:] == (20, 2) and arrays[f"{side}/target"].shape[1:] == (21, 7)
    assert segments.meta["time_step"] == 0.05 and segments.meta["steering"] == "steering_rate"


def test_limits_of_windows_are_exact_and_spread_over_runs(data):
    segments = segment(SegmentationConfig(window=11, most_windows=7, most_validation_windows=3), data)
    assert segments.counts[0]["train_segments"] == 7 and segments.counts[0]["validation_segments"] == 3
    assert len(np.unique(segments.phases[0]["train/trajectory"])) == 7


@pytest.mark.parametrize(("mode", "more"), [("features", 0), ("with_state", 4)])
def test_both_feature_modes_have_their_width(data, mode, more):
    windows = cut(log_of(data), 21, 0, 5)
    made = features_of(("signals", "regression"), mode, windows.state, windows.control, 0.05)
    assert made.shape == (20, 21 * 4 + 20 * 2 + 13 + more) and np.isfinite(made).all()


def test_features_do_not_see_where_a_window_lies_or_which_way_it_points(data):
    windows = cut(log_of(data), 21, 0, 5)
    moved = windows.state + np.array([3.0, -2.0, 0, 0, 1.0, 0, 0])
    names = ("signals", "regression")
    base = features_of(names, "with_state", windows.state, windows.control, 0.05)
    assert np.array_equal(features_of(names, "with_state", moved, windows.control, 0.05), base)


def test_features_of_a_car_at_rest_are_finite():
    state, control = np.zeros((1, 11, 7)), np.zeros((1, 10, 2))
    assert np.isfinite(features_of(("signals", "regression"), "features", state, control, 0.05)).all()


def test_windows_have_no_part_in_the_identity_of_what_they_do_not_change():
    model = ModelConfig()
    for change in ({"hidden": (8,)}, {"refine": {"steps": 3}}, {"batch_size": 8}, {"kind": "default"}):
        assert ModelConfig(**change).segmentation() == model.segmentation()
    assert ModelConfig(window=21).segmentation() != model.segmentation()
