"""Trajectories at other times: states linear, angles along the shorter arc, inputs held, nothing extrapolated."""

import numpy as np
import pytest

from trainers.common.resampling import inputs_at, resample, states_at
from trainers.study import Trajectories

NAN = np.nan


def data(**changes) -> Trajectories:
    """Two trajectories of unequal length and uneven times: x, an angle, and an input."""
    t = np.array([[0.0, 1.0, 1.5, 4.0], [10.0, 12.0, NAN, NAN]])
    x = 2 * t
    angle = np.array([[3.0, -3.0, -3.0, 3.0], [0.0, 1.0, NAN, NAN]])
    u = np.array([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, NAN, NAN]])[..., None]
    plain = {"names": ("x", "angle"), "units": ("m", "rad"), "time_unit": "s"}
    given = {"t": t, "y": np.stack([x, angle], axis=-1), **plain, "inputs": u, "input_names": ("u",)}
    return Trajectories(**given | {"input_units": ("N",)} | changes)


def test_every_trajectory_keeps_its_own_first_time_and_length():
    new = resample(data(), 0.5)
    np.testing.assert_allclose(new.t[0], 0.5 * np.arange(9))
    np.testing.assert_allclose(new.t[1, :5], [10, 10.5, 11, 11.5, 12])
    assert np.isnan(new.t[1, 5:]).all() and np.isnan(new.y[1, 5:]).all() and np.isnan(new.inputs[1, 5:]).all()


def test_states_are_linear_and_exact_at_their_samples():
    new = resample(data(), 0.5)
    np.testing.assert_allclose(new.y[0, :, 0], 2 * new.t[0], rtol=1e-12)
    again = resample(data(t=data().t[1:, :2], y=data().y[1:, :2], inputs=data().inputs[1:, :2]), 2.0)
    np.testing.assert_array_equal(again.y[0], data().y[1, :2])


def test_an_angle_takes_the_shorter_arc():
    between = resample(data(), 0.5, angles=["angle"]).y[0, 1, 1]
    assert abs(between) == pytest.approx(np.pi, abs=1e-12), "between 3 and -3 lies pi, not 0"
    assert resample(data(), 0.5).y[0, 1, 1] == pytest.approx(0.0)


def test_an_input_holds_until_the_next_sample():
    new = resample(data(), 0.5)
    np.testing.assert_array_equal(new.inputs[0, :, 0], [1, 1, 2, 3, 3, 3, 3, 3, 4])


def test_a_step_that_rounding_puts_behind_the_last_sample_still_counts():
    t = np.arange(0.0, 2.05, 0.1)[None]
    one = data(t=t, y=np.stack([t, t], axis=-1), inputs=None, input_names=(), input_units=())
    assert resample(one, 0.1).t.shape == (1, 21) and resample(one, 0.3).t.shape == (1, 7)


def test_nothing_is_extrapolated():
    t, y = np.array([0.0, 1.0]), np.array([[0.0], [1.0]])
    for times in ([-0.1, 0.5], [0.5, 1.1]):
        for function in (states_at, inputs_at):
            with pytest.raises(ValueError, match="lies outside of the samples \\(0 to 1\\)"):
                function(np.array(times), t, y)


@pytest.mark.parametrize(
    ("step", "angles", "text"),
    [
        (0.0, (), "time step is 0.0; expected a positive number \\[s\\]"),
        (np.nan, (), "time step is nan"),
        (3.0, (), "trajectory 1 lasts 2 s; expected at least one step of 3"),
        (1.0, ("yaw",), "unknown channel 'yaw'; nearest"),
    ],
)
def test_what_cannot_be_resampled_is_refused(step, angles, text):
    with pytest.raises(ValueError, match=text):
        resample(data(), step, angles)
