"""A trained model on series of one's own: the truth comes back, other times are said, the rest is refused."""

from dataclasses import replace

import numpy as np
import pytest

from trainers.preference_dynamics import STUDY, DatasetConfig, ModelConfig
from trainers.preference_dynamics.config import Loss, Refinement
from trainers.preference_dynamics.system.equations import unknown_names
from trainers.study import Job, Trained, Trajectories

pytestmark = pytest.mark.training

DATA = DatasetConfig(trajectories=40, points=41, duration=40.0)
OWN = STUDY.simulate(DATA.model_copy(update={"trajectories": 2, "seed": 5}))


def trained(config: ModelConfig) -> Trained:
    segments = STUDY.segment(config.segmentation(), STUDY.simulate(DATA))
    (model,) = STUDY.train([Job("own", config, segments)])
    return model


NETWORK = ModelConfig(kind="posterior", epochs=1, loss=Loss(name="nll"), refine=Refinement(steps=30, starts=5))
SQUARES = ModelConfig(kind="fit", refine=Refinement(steps=30, starts=10))


@pytest.fixture(scope="module")
def network() -> Trained:
    return trained(NETWORK)


@pytest.fixture(scope="module")
def squares() -> Trained:
    return trained(SQUARES)


def of(data: Trajectories, points, series=slice(0, 1)) -> Trajectories:
    """Take points of the first series."""
    return replace(
        data, t=data.t[series, points], y=data.y[series, points], parameters={}, parameter_units={}, roles={}
    )


def test_the_unknowns_come_back_in_their_intervals(network):
    estimates = STUDY.fit(NETWORK, network, OWN).estimates
    assert list(estimates["parameter"]) == 2 * list(unknown_names(1)) and list(estimates["trajectory"]) == 6 * [
        0
    ] + 6 * [1]
    truth = np.array([[OWN.parameters[name][k] for name in unknown_names(1)] for k in range(2)]).ravel()
    clear = estimates["caveat"].eq("").to_numpy()
    assert clear.sum() >= 6 and np.allclose(estimates["estimate"][clear], truth[clear], atol=1e-5)
    assert (estimates["unit"] == "1").all()


def test_a_model_of_series_without_noise_is_not_too_sure_of_noisy_ones(squares):
    noisy = STUDY.simulate(DATA.model_copy(update={"trajectories": 12, "seed": 9, "noise": (0.02, 0.02)}))
    rows = STUDY.fit(SQUARES, squares, replace(noisy, parameters={}, parameter_units={}, roles={})).estimates
    truth = np.array([[noisy.parameters[name][k] for name in unknown_names(1)] for k in range(12)]).ravel()
    clear = rows["caveat"].eq("").to_numpy() & (rows["parameter"] == "m0_0").to_numpy()
    covered = (rows["lower"] <= truth + 1e-9) & (truth <= rows["upper"] + 1e-9)
    assert clear.sum() >= 4 and covered[clear].mean() > 0.6, "with the factors alone: intervals of no width"


def test_the_curves_are_those_of_the_estimates_at_the_measured_times(network):
    curves = STUDY.fit(NETWORK, network, of(OWN, slice(None))).tables["fit_curves"]
    assert len(curves) == 82 and set(curves["channel"]) == {"u_0", "a_0"}
    assert np.allclose(curves["measured"], curves["predicted"], atol=1e-5)


def test_the_clock_may_begin_anywhere(network):
    own = of(OWN, slice(None))
    here, later = (STUDY.fit(NETWORK, network, data).estimates for data in (own, replace(own, t=own.t + 1000.0)))
    np.testing.assert_allclose(here["estimate"], later["estimate"], atol=1e-9)


def test_series_at_other_times_are_interpolated_and_say_so(network):
    uneven = np.sort(np.random.default_rng(0).choice(np.arange(1, 40), 30, replace=False))
    caveats = STUDY.fit(NETWORK, network, of(OWN, np.array([0, *uneven, 40]))).estimates["caveat"]
    assert caveats.str.contains("interpolated from 32 points to the 40 times of the training data").all()


def test_what_lies_after_the_times_of_the_training_data_is_not_used_and_says_so(network):
    long = STUDY.simulate(DATA.model_copy(update={"points": 61, "duration": 60.0, "trajectories": 1, "seed": 5}))
    whole, beginning = (STUDY.fit(NETWORK, network, of(long, slice(0, end))).estimates for end in (61, 41))
    np.testing.assert_array_equal(whole["estimate"], beginning["estimate"])
    assert whole["caveat"].str.contains("only times up to 39 are used").all()
    assert not beginning["caveat"].str.contains("only times").any()


def test_least_squares_take_series_of_their_own_times_and_lengths(squares):
    uneven = np.sort(np.random.default_rng(0).choice(np.arange(1, 30), 20, replace=False))
    estimates = STUDY.fit(SQUARES, squares, of(OWN, np.array([0, *uneven]))).estimates
    truth = [OWN.parameters[name][0] for name in unknown_names(1)]
    assert (
        np.allclose(estimates["estimate"], truth, atol=1e-4)
        and not estimates["caveat"].str.contains("interpolated").any()
    )


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (of(OWN, slice(0, 20)), "series 0 lasts 19; the model needs 39: give a longer one, or a model of kind fit"),
        (of(OWN, slice(0, 5)), "series 0 has 5 points; expected at least 8"),
        (replace(of(OWN, slice(None)), y=np.full((1, 41, 2), np.nan)), "series 0 holds values that are not finite"),
        (replace(of(OWN, slice(None)), names=("a_0", "u_0")), "channels are"),
        (
            replace(of(OWN, slice(None)), y=np.ones((1, 41, 4)), names=("u_0", "u_1", "a_0", "a_1"), units=("1",) * 4),
            "series of 2 actions; the model was trained on 1",
        ),
    ],
)
def test_series_that_cannot_be_used_are_refused(network, data, text):
    with pytest.raises(ValueError, match=text):
        STUDY.fit(NETWORK, network, data)


def test_a_model_that_forecasts_only_estimates_nothing(network):
    config = ModelConfig(kind="cnn", targets="forecast")
    with pytest.raises(ValueError, match="this model forecasts only"):
        STUDY.fit(config, network, OWN)
