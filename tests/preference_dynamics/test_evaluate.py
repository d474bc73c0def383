"""Metrics on hand-made arrays; training, refinement and evaluation on a small set."""

import re
from dataclasses import replace
from inspect import signature

import numpy as np
import pytest
from scipy.stats import spearmanr

from tests.documents import read
from trainers.preference_dynamics import figures, metrics
from trainers.preference_dynamics.apply import apply
from trainers.preference_dynamics.config import DatasetConfig, ModelConfig
from trainers.preference_dynamics.evaluate import evaluate
from trainers.preference_dynamics.segment import segment
from trainers.preference_dynamics.series.inputs import Inputs
from trainers.preference_dynamics.simulate import simulate
from trainers.preference_dynamics.train import train
from trainers.study import Job

pytestmark = pytest.mark.training

DATA = simulate(DatasetConfig(trajectories=300, seed=1))
TEST = simulate(DatasetConfig(trajectories=30, seed=1001))
SMALL = {"filters": (8, 16), "hidden": (16,), "batch_size": 16, "learning_rate": 1e-2, "dropout": 0.0}
POSTERIOR = SMALL | {"kind": "posterior", "loss": {"name": "nll", "forecast_weight": 0.1}, "bins": 4}


def trained(**settings):
    config = ModelConfig(**settings)
    return config, next(train([Job("one", config, segment(config.segmentation(), DATA))]))


def values(evaluation):
    return dict(zip(evaluation.summary["metric"], evaluation.summary["value"], strict=True))


@pytest.fixture(scope="module")
def refined():
    return trained(**POSTERIOR, epochs=10, refine={"steps": 30, "starts": 3})


@pytest.fixture(scope="module")
def evaluation(refined):
    return evaluate(*refined, TEST)


def test_metrics_of_hand_made_arrays():
    truth = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    predicted = truth + np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0]])
    scores = metrics.overall(predicted, truth)
    assert scores["mse"] == pytest.approx(1.0) and scores["mae"] == pytest.approx(4 / 6) and scores["median"] == 0.5
    assert scores["r2"] == pytest.approx(((1 - 2 / 8) + (1 - 4 / 8)) / 2)
    assert scores["nrmse_range"] == pytest.approx(0.2) and scores["nrmse_std"] == pytest.approx(1 / truth.std())
    assert scores["rmse"] == 1.0 and scores["spearman"] == pytest.approx(spearmanr(predicted.ravel(), truth.ravel())[0])
    assert scores["mre"] == pytest.approx((1e8 + 1 / 2 + 2 / 5) / 6)
    assert scores["pearson"] == pytest.approx(np.corrcoef(predicted.ravel(), truth.ravel())[0, 1])
    assert metrics.per_target(predicted, truth)["rmse"] == pytest.approx([np.sqrt(2 / 3), np.sqrt(4 / 3)])
    assert metrics.per_target(predicted, truth)["bias"] == pytest.approx([0, 2 / 3])


def test_a_constant_target_has_r2_one_or_zero():
    truth = np.array([[0.0, 1.0], [0.0, 2.0]])
    assert metrics.constant_targets(truth).tolist() == [True, False]
    assert metrics.r2(truth, truth) == 1.0 and metrics.r2(truth + np.array([1e-9, 0.0]), truth) == 0.5


def test_training_ends_at_patience_and_keeps_the_best():
    _, model = trained(**SMALL, epochs=60, patience=2)
    history = model.history
    best = int(history["epoch"][history["validation_loss"].idxmin()])
    assert model.counts["best_epoch"] == best and len(history) in (best + 2, 60)
    assert {name.partition("/")[0] for name in model.weights} == {"best", "last"}


def test_the_validation_loss_is_the_metric_mse_of_the_validation_series():
    config, model = trained(**SMALL, epochs=2)
    arrays = segment(config.segmentation(), DATA).phases[0]
    inputs = Inputs(*(arrays[f"validation/{name}"] for name in Inputs._fields))
    estimate = apply(config, model, "last").first_estimate(inputs)
    predicted = np.concatenate([estimate.unknowns, estimate.forecast / inputs.scale], axis=1)
    truth = np.concatenate([arrays["validation/unknowns"], inputs.forecast / inputs.scale], axis=1)
    assert metrics.overall(predicted, truth)["mse"] == pytest.approx(
        model.history["validation_loss"].iloc[-1], rel=1e-4
    )


@pytest.mark.parametrize("actions", [2, 3])
def test_more_actions_run_from_the_same_settings(actions):
    config = ModelConfig(**POSTERIOR, epochs=1, refine={"steps": 3})
    few, test = (simulate(DatasetConfig(actions=actions, trajectories=20, points=31, seed=k)) for k in (1, 1001))
    model = next(train([Job("one", config, segment(config.segmentation(), few))]))
    result = evaluate(config, model, test)
    assert len(result.tables["targets"]) == {2: 20, 3: 36}[actions] and values(result)["failures"] < 20


@pytest.mark.parametrize("kind", ["constant", "persistence"])
def test_trivial_baselines_reach_their_expected_scores(kind):
    result = values(evaluate(*trained(kind=kind), TEST))
    assert result["unknowns_mse"] == pytest.approx(result["baseline"])
    if kind == "persistence":
        assert result["forecast_rmse"] == pytest.approx(result["forecast_rmse_persistence"])


def test_ridge_beats_the_constant_and_refining_beats_both(evaluation):
    ridge = values(evaluate(*trained(kind="ridge", features=("steady_state", "summary")), TEST))
    ours = values(evaluation)
    assert ours["unknowns_mse"] < 0.25 * ridge["unknowns_mse"] < 0.25 * ridge["baseline"]
    assert ours["unknowns_median"] < 1e-6 and ours["unknowns_rmse"] < ours["unknowns_rmse_before"]
    assert ours["series_error_median"] < 1e-3 and ours["failures"] == 0


def test_failed_estimates_are_counted_and_give_no_other_number(evaluation, refined):
    config, model = refined
    broken = {name: np.full_like(array, np.nan) for name, array in model.weights.items()}
    settings = config.model_copy(update={"refine": type(config.refine)()})
    result = evaluate(settings, replace(model, weights=broken), TEST)
    assert values(result)["failures"] == 30 and np.isnan(values(result)["unknowns_mse"])
    assert result.tables["targets"]["rmse"].isna().all() and result.tables["targets"]["n"].eq(0).all()
    assert "coverage" not in result.tables


def test_strata_of_noise_have_intervals_of_their_own():
    """A first estimate that ignores noise: its intervals widen only where strata tell noisy series apart."""
    noisy = simulate(DatasetConfig(trajectories=300, seed=1, noise=(0.0, 1.0)))
    factors = {}
    for strata in (1, 3):
        config = ModelConfig(kind="ridge", features=("steady_state", "summary"), interval_strata=strata)
        model = next(train([Job("one", config, segment(config.segmentation(), noisy))]))
        factors[strata] = model.fitted["interval_factor"]
        predictor = apply(config, model)
        half_width = predictor.predict(noisy.y, noisy.t[0]).half_width
        assert len(np.unique(half_width[:, 0])) == strata
    assert factors[1].shape == (6,) and factors[3].shape == (3, 6) and len(model.fitted["interval_edges"]) == 2
    assert not (factors[3] == factors[1]).all()


def test_coverage_is_tabulated_by_stratum(evaluation):
    table = evaluation.tables["coverage"].set_index("stratum")
    summary = values(evaluation)
    assert table.loc["all", "observed"] == pytest.approx(summary["coverage_90"]) and table.loc["all", "n"] == 30
    assert {"g_0", "noise from 0", "steady"} <= set(table.index) and "mu_0" not in table.index
    halves = table[table.index.isin(["oscillating", "not oscillating"])]
    assert len(halves) == 2 and halves["n"].sum() == 30
    assert (halves["observed"] * halves["n"]).sum() / 30 == pytest.approx(summary["coverage_90"])


def test_a_series_that_never_starts_is_flagged(refined):
    config, model = refined
    lazy = np.zeros((1, 201, 2))
    assert apply(config, model).predict(lazy, TEST.t[0]).flagged[0]


def test_constant_series_do_not_dominate_scaled_metrics(refined):
    """A series that stays at 0 has neither a relative error nor a scale for its forecast."""
    sleeper = {"g_0": 0.01, "v0_0": -3.0, "m0_0": -3.0}
    with_sleeper = {
        name: np.append(unknown, sleeper.get(name, unknown[0])) for name, unknown in TEST.parameters.items()
    }
    still = np.zeros((1, *TEST.y.shape[1:]))
    test = replace(TEST, t=TEST.t[[*range(30), 0]], y=np.concatenate([TEST.y, still]), parameters=with_sleeper)
    result = evaluate(*refined, test)
    counts = dict(zip(result.summary["metric"], result.summary["n"], strict=True))
    assert (counts["series_error"], counts["series_rmse"]) == (30, 31 * TEST.y[0].size)
    assert values(result)["series_error"] < 100 and values(result)["rmse_u_0_forecast"] < 10
    assert np.isnan(metrics.series_error(still + 1, still)).all()


def test_every_figure_draws_the_tables_of_an_evaluation(evaluation, refined):
    tables = {**evaluation.tables, "history": refined[1].history}
    names = {draw: signature(draw).parameters.keys() for draw in figures.FIGURES}
    of_fits = {"estimates", "fit_curves"}
    assert sum(bool(parameters & of_fits) for parameters in names.values()) == 2 and len(names) == 8
    for draw, parameters in names.items():
        if not parameters & of_fits:
            assert draw(**{name: tables[name] for name in parameters}).axes
    series = evaluation.tables["series"]
    panels = figures.series_compared({"one": series, "other": series.assign(predicted=0.0)}).axes
    assert [axes.get_ylabel() for axes in panels] == list(dict.fromkeys(series["channel"]))
    assert all(np.all(axes.lines[2].get_ydata() == 0) and len(axes.lines) == 3 for axes in panels)
    assert len(evaluation.tables["worst"]) == 20 and len(evaluation.tables["series"]) == 10 * 401 * 2
    assert evaluation.summary["metric"].is_unique


def test_refinement_stays_accurate_under_noise():
    config, model = trained(**POSTERIOR, epochs=10, refine={"steps": 20})
    noisy = simulate(DatasetConfig(trajectories=30, seed=1001, noise=(0.05, 0.05)))
    result = values(evaluate(config, model, noisy))
    assert result["unknowns_median"] < 0.05 < result["baseline"]


def test_an_interrupted_training_resumes_to_the_same_bits():
    states = []
    config = ModelConfig(**SMALL, epochs=4)
    job = Job("one", config, segment(config.segmentation(), DATA))
    whole = next(train([job], lambda progress: bool(states.append(dict(progress.state())))))
    resumed = next(train([Job("one", config, job.segments, states[1])]))
    assert all(np.array_equal(resumed.weights[name], whole.weights[name]) for name in whole.weights)


def test_every_metric_is_documented(evaluation):
    names = {name.removesuffix("_with_constants") for name in evaluation.summary["metric"]}
    names = {"rmse_<target>" if re.match(r"rmse_\w+_\d", name) else name for name in names}
    rows = re.findall(r"^\| (`.*?) \|", read("docs/preference_dynamics.md").partition("## Evaluation")[2], re.M)
    assert set(re.findall(r"`([a-z_0-9<>]+)`", "".join(rows))) - {"mse_with_constants"} == names
