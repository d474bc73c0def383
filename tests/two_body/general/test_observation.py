"""What is observed: noise, times, channels; and the states that models without an encoder make of it."""

import numpy as np
import pytest

from trainers.study import Trajectories
from trainers.two_body.general.initial_states import fit_initial_states
from trainers.two_body.general.observation import Observation, complete, context_of, observe, observed_channels

SCALE = np.array([1.0, 2.0])


def circle(count=40, times=200) -> Trajectories:
    t = np.tile(np.linspace(0, 6, times), (count, 1))
    phase = t + np.arange(count)[:, None]
    y = np.stack([np.sin(phase), np.cos(phase)], axis=2)
    return Trajectories(t=t, y=y, names=("x", "vx"), units=("1", "1"), time_unit="1", inputs=phase[..., None])


def test_noise_has_its_standard_deviation_in_every_channel_and_depends_on_the_seed():
    data, setting = circle(), Observation(noise=0.1)
    seen = observe(setting, data, SCALE, seed=0)
    assert (seen.y - data.y).std(axis=(0, 1)) == pytest.approx(0.1 * SCALE, rel=0.03)
    assert np.array_equal(seen.y, observe(setting, data, SCALE, seed=0).y)
    assert not np.array_equal(seen.y, observe(setting, data, SCALE, seed=1).y)


def test_times_are_dropped_with_their_states_and_inputs_and_nan_pads_the_end():
    data = circle()
    seen = observe(Observation(keep=0.6), data, SCALE, seed=0)
    there = np.isfinite(seen.t)
    assert there.mean() == pytest.approx(0.6, abs=0.02) and there[:, 0].all()
    assert (there[:, :-1] >= there[:, 1:]).all() and np.array_equal(seen.t[:, 0], data.t[:, 0])
    np.testing.assert_allclose(seen.y[there][:, 0], np.sin(seen.inputs[there][:, 0]))
    assert (np.diff(seen.t, axis=1)[there[:, 1:]] > 0).all()


def test_channels_that_are_not_observed_are_unknown():
    seen = observe(Observation(channels=("x",)), circle(), SCALE, seed=0)
    assert np.isnan(seen.y[..., 1]).all() and np.isfinite(seen.y[..., 0]).all()
    with pytest.raises(ValueError, match="names w; the data have x, vx"):
        observed_channels(Observation(channels=("w",)), ("x", "vx"))


@pytest.mark.parametrize(("noise", "bound"), [(0.0, 0.002), (0.02, 0.06)])
def test_rates_are_those_of_the_observed_channel(noise, bound):
    data = circle()
    seen = observe(Observation(channels=("x",), keep=0.7, noise=noise), data, SCALE, seed=0)
    y = complete(seen, ("x",), noisy=noise > 0)
    there = np.isfinite(seen.t)
    phase = seen.inputs[..., 0][there]
    errors = y[there] - np.column_stack([np.sin(phase), np.cos(phase)])
    assert np.sqrt((errors**2).mean(axis=0)).max() < bound


def test_a_channel_that_is_no_rate_has_to_be_observed():
    seen = observe(Observation(channels=("vx",)), circle(), SCALE, seed=0)
    with pytest.raises(ValueError, match="channel x is not observed and no rate of one that is"):
        complete(seen, ("vx",), noisy=False)


def test_a_test_set_is_seen_within_its_first_times_only():
    data = circle()
    context = context_of(Observation(points=15, noise=0.1), data, SCALE)
    assert context.t.shape == (40, 15) and context.y.shape == (40, 15, 2)
    assert not np.array_equal(context.y, observe(Observation(noise=0.1), data, SCALE, seed=0).y[:, :15])


class Rotation:
    """The exact flow of the circle."""

    def rollout(self, state0, t, inputs=None):
        angle = t - t[:, :1]
        x, v = state0[:, :1], state0[:, 1:]
        return np.stack([x * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - x * np.sin(angle)], axis=2)


def test_the_initial_state_that_fits_positions_alone_is_found_through_the_model():
    data = circle()
    seen = context_of(Observation(channels=("x",), noise=0.05, points=60), data, SCALE)
    states = fit_initial_states(Rotation(), np.zeros((40, 2)), seen.t, seen.y, None, SCALE)
    # least squares with 60 numbers of noise 0.05 leaves about 0.05 sqrt(2/60) in each
    assert np.sqrt(((states - data.y[:, 0]) ** 2).mean()) < 0.02
    exact = context_of(Observation(points=60), data, SCALE)
    states = fit_initial_states(Rotation(), np.zeros((40, 2)), exact.t, exact.y, None, SCALE)
    np.testing.assert_allclose(states, data.y[:, 0], atol=1e-6)
