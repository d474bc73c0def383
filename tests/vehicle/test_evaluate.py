"""Evaluation: halves of runs, errors by their definition, baselines, intervals, tables and figures."""

import numpy as np
import pytest

from trainers.study import Job
from trainers.vehicle import STUDY
from trainers.vehicle.config import DatasetConfig, ModelConfig
from trainers.vehicle.dynamics.without_tyres import constant_twist, rolling
from trainers.vehicle.figures import COMPARED, FIGURES
from trainers.vehicle.scoring import score
from trainers.vehicle.simulate import simulate

pytestmark = pytest.mark.training

TRAIN = DatasetConfig(cars=14, runs=2, seed=0)
TEST = DatasetConfig(cars=4, runs=2, seed=1000, friction=(0.5, 1.1))
KINDS = {
    "default": {"kind": "default"},
    "prior_mean": {"kind": "prior_mean"},
    "refined": {"kind": "prior_mean", "refine": {"steps": 8}},
    "first_state": {"kind": "prior_mean", "refine": {"steps": 8}, "initial_points": 21},
    "kinematic": {"kind": "kinematic"},
    "constant_twist": {"kind": "constant_twist"},
    "true": {"kind": "true_parameters"},
}


@pytest.fixture(scope="module")
def made():
    """Trained and evaluated models without steps, by name."""
    train, test, models = simulate(TRAIN), simulate(TEST), {}
    for name, settings in KINDS.items():
        model = ModelConfig.model_validate({"train_fraction": 0.7, **settings})
        (trained,) = STUDY.train([Job(name, model, STUDY.segment(model.segmentation(), train))])
        models[name] = (model, trained, STUDY.evaluate(model, trained, test))
    return models


def values(evaluation) -> dict[str, float]:
    return dict(zip(evaluation.summary["metric"], evaluation.summary["value"], strict=True))


def test_models_are_ranked_as_they_know_the_car(made):
    fde = {name: values(evaluation)["fde_2s"] for name, (_, _, evaluation) in made.items()}
    assert fde["first_state"] < fde["refined"] < fde["default"] < fde["constant_twist"]
    assert fde["true"] < fde["kinematic"] < fde["constant_twist"]
    assert fde["refined"] == pytest.approx(fde["true"], rel=0.1), "what is left is noise of the first state"
    assert fde["constant_twist"] == values(made["true"][2])["baseline"]


def test_refining_finds_the_combinations(made):
    error = {name: values(made[name][2])["identified_error"] for name in ("default", "prior_mean", "refined")}
    assert error["refined"] < 0.2 * min(error["default"], error["prior_mean"])


def test_intervals_hold_most_of_the_truth(made):
    assert 75 <= values(made["refined"][2])["coverage_90"] <= 100
    assert values(made["refined"][2])["interval_width"] < 0.3 * values(made["prior_mean"][2])["interval_width"]


def test_errors_are_those_of_their_definition(made):
    model, trained, evaluation = made["refined"]
    case, table = score(model, trained, simulate(TEST)), evaluation.tables["per_trajectory"]
    apart = np.linalg.norm(case.predicted[..., :2] - case.truth[..., :2], axis=-1)
    assert values(evaluation)["fde_2s"] == pytest.approx(apart[:, 40].mean(), rel=1e-12)
    assert values(evaluation)["ade_1s"] == pytest.approx(apart[:, 1:21].mean(), rel=1e-12)
    assert values(evaluation)["fde_2s"] == pytest.approx(np.average(table["fde_2s"], weights=table["n"]), rel=1e-12)
    error = 100 * (case.logarithm - case.true_logarithm)[:, 0]
    assert values(evaluation)["error_mu_C_Sf"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-12)


def test_no_model_is_scored_on_what_identified_the_car(made):
    model, trained, _ = made["first_state"]
    case = score(model, trained, simulate(TEST))
    last = case.identifying.start + model.window - 1
    for run in np.unique(case.windows.run):
        assert last[case.identifying.run == run].max() < case.windows.start[case.windows.run == run].min()
    assert sorted(set(case.windows.start)) == [82, 123]


def test_the_truth_is_without_noise(made):
    model, trained, _ = made["default"]
    case = score(model, trained, simulate(TEST))
    quiet = simulate(TEST.model_copy(update={"noise": 0.0}))
    start = case.windows.start[0]
    assert np.array_equal(case.truth[0], quiet.y[case.windows.run[0], start : start + 41])
    assert not np.array_equal(case.windows.state[0], case.truth[0])


def test_runs_that_are_too_short_are_refused(made):
    model, trained, _ = made["default"]
    with pytest.raises(ValueError, match="runs have up to 60 points; expected twice a window of 41 points"):
        STUDY.evaluate(model, trained, simulate(TEST.model_copy(update={"points": 60})))


def test_constant_twist_is_a_circle():
    state = np.array([[1.0, 2.0, 0.1, 3.0, 0.5, 0.4, 0.05], [0.0, 0, 0, 2.0, 0, 0, 0]])
    motion = constant_twist(state, 40, 0.05)
    centre = state[0, :2] + 3 / 0.4 * np.array([-np.sin(0.55), np.cos(0.55)])
    assert np.linalg.norm(motion[0, :, :2] - centre, axis=1) == pytest.approx(np.full(41, 3 / 0.4), rel=1e-9)
    assert motion[1, :, 0] == pytest.approx(0.1 * np.arange(41)) and motion[0, -1, 4] == pytest.approx(0.5 + 0.8)


def test_a_rolling_bicycle_goes_round_the_circle_of_its_wheelbase(made):
    from trainers.vehicle.dynamics.registry import dynamics_named

    dynamics = dynamics_named("singletrack")
    state = np.array([[0.0, 0, 0.2, 2.0, 0, 0, 0]])
    motion = rolling(state, np.zeros((1, 200, 2)), dynamics, 0.05)[0]
    b = np.arctan(0.5 * np.tan(0.2))
    rate = 2 * np.cos(b) * np.tan(0.2) / 0.5
    assert motion[-1, 4] == pytest.approx(10 * rate, rel=1e-9)
    assert np.ptp(motion[:, 0]) == pytest.approx(2 * 2 / rate, rel=1e-3)


def test_every_figure_can_be_drawn_and_every_table_has_rows(made):
    for name, (_, trained, evaluation) in made.items():
        tables = {**evaluation.tables, "history": trained.history}
        assert all(len(table) for table in evaluation.tables.values())
        for figure in FIGURES:
            wanted = figure.__code__.co_varnames[: figure.__code__.co_argcount]
            if all(part in tables for part in wanted) and (name != "default" or figure.__name__ != "loss_curve"):
                drawn = figure(*(tables[part] for part in wanted))
                assert drawn is None or drawn.axes, figure.__name__
    both = {name: made[name][2].tables for name in ("default", "refined")}
    for figure in COMPARED:
        (wanted,) = figure.__code__.co_varnames[:1]
        assert figure({name: tables[wanted] for name, tables in both.items()}).axes
