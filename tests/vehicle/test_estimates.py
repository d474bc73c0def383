"""Estimates of cars: least squares, Gauss-Newton with first states, pooling, what is known, calibration."""

from dataclasses import replace

import numpy as np
import pytest

from trainers.study import Job, Trajectories
from trainers.vehicle import STUDY
from trainers.vehicle.config import DatasetConfig, ModelConfig
from trainers.vehicle.dynamics.registry import COMBINED, dynamics_named
from trainers.vehicle.estimates.coordinates import (
    bounds,
    comparison,
    from_coordinates,
    population,
    to_coordinates,
)
from trainers.vehicle.estimates.first_state import last_states
from trainers.vehicle.estimates.gauss_newton import FEWEST_WINDOWS, disagreement, linearise
from trainers.vehicle.segment import combinations_of
from trainers.vehicle.windows.channels import log_of
from trainers.vehicle.windows.cut import cut

pytestmark = pytest.mark.training

CARS = DatasetConfig(cars=3, runs=2, points=82, seed=5)
REFINED = ModelConfig(kind="default", refine={"steps": 15, "population": False})


@pytest.fixture(scope="module")
def clean() -> Trajectories:
    return STUDY.simulate(CARS.model_copy(update={"noise": 0.0}))


@pytest.fixture(scope="module")
def noisy() -> Trajectories:
    return STUDY.simulate(CARS)


def errors(model: ModelConfig, data: Trajectories):
    """Errors of the logarithms of combinations (G, 6), and what the estimator says of them."""
    segments = STUDY.segment(model.model_copy(update={"train_fraction": 1.0}).segmentation(), data)
    (trained,) = STUDY.train([Job("a", model, segments)])
    predictor = STUDY.apply(model, trained)
    made = predictor.estimate(data)
    logarithm, _ = predictor.intervals(made)
    truth = np.log(combinations_of(data)[:: CARS.runs])
    return logarithm - truth, made


def test_without_noise_the_refined_estimate_is_the_truth(clean):
    off, made = errors(REFINED, clean)
    assert np.abs(off).max() < 1e-3, "from the default car, by another step of the integrator"
    assert np.isfinite(made.covariance).all() and len(made) == 3


def test_noise_is_borne_better_with_first_states_unknown_than_with_those_measured(noisy):
    off, made = errors(REFINED, noisy)
    plain, _ = errors(ModelConfig(kind="least_squares"), noisy)
    sizes = [float(np.sqrt((part[:, :5] ** 2).mean())) for part in (off, plain)]
    assert sizes[0] < 0.5 * sizes[1]
    spread = np.sqrt(np.einsum("gkk->gk", made.covariance))
    assert (np.abs(off) < 4 * spread).all() and (spread[:, :5] < 0.3).all()


def test_what_is_known_is_kept_and_helps_the_rest(noisy):
    truth = combinations_of(noisy)
    one = replace(noisy, **{name: getattr(noisy, name)[:2] for name in ("t", "y", "inputs")},
                  parameters={name: values[:2] for name, values in noisy.parameters.items()})  # fmt: skip
    model = REFINED.model_copy(update={"known": {"lf": float(truth[0, 3]), "lr": float(truth[0, 4])}})
    segments = STUDY.segment(model.model_copy(update={"train_fraction": 1.0}).segmentation(), one)
    (trained,) = STUDY.train([Job("a", model, segments)])
    made = STUDY.apply(model, trained).estimate(one)
    assert made.parameters["lf"] == pytest.approx(truth[:1, 3], rel=1e-9)
    assert made.covariance[0, 3].tolist() == [0.0] * 6 and made.covariance[0, 0, 0] > 0


def test_normal_equations_are_those_of_finite_differences(noisy):
    dynamics = dynamics_named("singletrack")
    windows = cut(log_of(noisy), 21, 0, 5).of(np.arange(2))
    u = np.tile(to_coordinates(dynamics, dynamics.combinations.default), (2, 1))
    first, h = windows.state[:, 0], 1e-5
    made = linearise(dynamics, 0.05, 4, u, first, windows)
    for k in range(13):
        way = np.eye(13)[k] * h
        cost = [
            linearise(dynamics, 0.05, 4, u + sign * way[:6], first + sign * way[6:], windows).cost for sign in (1, -1)
        ]
        assert (cost[0] - cost[1]) / (4 * h) == pytest.approx(made.gradient[:, k], rel=1e-3, abs=1e-3)


def pulls(cars: int, windows: int, apart: float):
    """Linear windows of cars with a known prior, their estimate, and by how much they disagree."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(cars, windows, 30, 3)) * np.linspace(0.5, 2, windows)[:, None, None]
    own = random.normal(size=(cars, 1, 3)) + apart * random.normal(size=(cars, windows, 3))
    measured = np.einsum("cwrk,cwk->cwr", rows, own) + random.normal(size=(cars, windows, 30))
    matrix, right = np.einsum("cwrk,cwrl->cwkl", rows, rows), np.einsum("cwrk,cwr->cwk", rows, measured)
    inverse = np.linalg.inv(matrix.sum(axis=1) + np.eye(3))
    estimate = np.einsum("ckl,cl->ck", inverse, right.sum(axis=1))
    gradient = np.einsum("cwkl,cl->cwk", matrix, estimate) - right
    group = np.repeat(np.arange(cars), windows)
    return disagreement(matrix.reshape(-1, 3, 3), gradient.reshape(-1, 3), inverse, group, np.ones(cars))


def test_windows_of_one_car_disagree_as_much_as_noise_explains_and_those_of_several_more():
    same, several = pulls(4000, 8, 0.0), pulls(4000, 8, 0.3)
    assert (same >= 1).all() and np.mean(same > 1) == pytest.approx(0.46, abs=0.05)
    assert np.maximum(same - 1, 0).mean() < 0.2, "a ratio whose mean is 1, cut off below"
    assert np.median(several) > 2
    assert (pulls(10, FEWEST_WINDOWS - 1, 3.0) == 1).all(), "of so few windows nothing is said"


def test_an_interval_widens_where_the_windows_of_a_car_are_of_another_kind():
    precise = CARS.model_copy(update={"cars": 2, "points": 164, "noise": 0.1})
    model = ModelConfig(kind="default", refine={"steps": 15}, train_fraction=1.0)
    apart = {}
    for tyres in ("singletrack", "pacejka"):
        data = STUDY.simulate(precise.model_copy(update={"dynamics": tyres}))
        (trained,) = STUDY.train([Job("a", model, STUDY.segment(model.segmentation(), data))])
        apart[tyres] = STUDY.apply(model, trained).estimate(data).disagreement
    assert apart["singletrack"].max() < 2 < apart["pacejka"].min(), "linear tyres on cars whose tyres saturate"


def test_coordinates_go_to_combinations_and_back():
    for name in ("singletrack", "singletrack-augmented", "pacejka"):
        dynamics = dynamics_named(name)
        middle = dynamics.combinations.default
        assert from_coordinates(dynamics, to_coordinates(dynamics, middle)) == pytest.approx(middle, rel=1e-12)
        low, high = bounds(dynamics)
        assert (low < high).all()


def test_pacejka_tyres_are_compared_by_their_stiffness_at_small_slip():
    dynamics = dynamics_named("pacejka")
    u = to_coordinates(dynamics, dynamics.combinations.default)
    named = dynamics.combinations.named(dynamics.combinations.default)
    logarithm = comparison(dynamics) @ u
    assert np.exp(logarithm[0]) == pytest.approx(named["B_f"] * named["C_f"] * named["D_f"], rel=1e-9)
    assert np.exp(logarithm[COMBINED.index("lf")]) == pytest.approx(named["lf"], rel=1e-9)
    assert comparison(dynamics_named("mlp-dynamics")) is None


def test_the_population_is_that_of_the_training_cars_where_they_are_known():
    dynamics, fitted = dynamics_named("singletrack"), {"population_mean": np.arange(6.0), "population_std": np.ones(6)}
    assert population(dynamics, fitted, use=True).mean.tolist() == list(range(6))
    assert population(dynamics, fitted, use=False).mean.tolist() == population(dynamics, {}, use=True).mean.tolist()


def test_a_first_state_is_estimated_better_than_it_is_measured(noisy, clean):
    dynamics = dynamics_named("singletrack")
    windows, true = cut(log_of(noisy), 21, 0, 5), cut(log_of(clean), 21, 0, 5)
    named = {name: noisy.parameters[name][windows.run] for name in dynamics.layout.names}
    made = last_states(dynamics, named, windows.state, windows.control, 0.05, 4)
    before, after = (np.sqrt(((s - true.state[:, -1]) ** 2).mean(axis=0)) for s in (windows.state[:, -1], made))
    assert (after[[0, 1, 3, 4, 5, 6]] < 0.8 * before[[0, 1, 3, 4, 5, 6]]).all()


def test_a_model_without_parameters_says_so(noisy):
    segments = STUDY.segment(ModelConfig().segmentation(), noisy)
    model = ModelConfig(kind="kinematic")
    (trained,) = STUDY.train([Job("a", model, segments)])
    with pytest.raises(ValueError, match="kind kinematic estimates no parameters; expected one of network"):
        STUDY.apply(model, trained).estimate(noisy)


def test_a_log_that_is_too_short_says_so(noisy):
    model = ModelConfig(kind="default")
    (trained,) = STUDY.train([Job("a", model, STUDY.segment(model.segmentation(), noisy))])
    short = replace(noisy, t=noisy.t[:, :30], y=noisy.y[:, :30], inputs=noisy.inputs[:, :30])
    with pytest.raises(ValueError, match=r"no window of 41 points, 0.05 s apart; expected a longer log"):
        STUDY.apply(model, trained).estimate(short)
