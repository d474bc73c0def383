"""Evaluations: definitions of the metrics, tables, figures, forecasts, and the exact posterior of a panel."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from assets.report.pictures import study_pictures
from trainers import STUDIES
from trainers.study import Evaluation, Job
from trainers.urease import figures
from trainers.urease.apply import apply
from trainers.urease.config import DatasetConfig, ModelConfig
from trainers.urease.evaluate import evaluate
from trainers.urease.kinetics.families import reactors_of
from trainers.urease.kinetics.solution import solve
from trainers.urease.scores.case import compare
from trainers.urease.scores.forecasts import HORIZONS, forecast
from trainers.urease.segment import segment
from trainers.urease.simulate import simulate
from trainers.urease.train import train

pytestmark = pytest.mark.training

DATA = simulate(DatasetConfig(trajectories=200, seed=5, duration=60.0))
TEST = simulate(DatasetConfig(trajectories=16, seed=6, duration=60.0))
SMALL = {
    "durations": (30.0, 60.0),
    "filters": (4,),
    "known_hidden": (8,),
    "components": 6,
    "embedding": (16,),
    "flow": {"transforms": 1, "hidden": (8,), "bins": 4},
    "batch_size": 32,
    "epochs": 3,
    "learning_rate": 5e-3,
    "schedule": {"name": "cosine", "warmup_epochs": 1},
}
BASELINE = {"durations": SMALL["durations"]}
KINDS = {
    "posterior": SMALL,
    "constant": BASELINE | {"kind": "constant"},
    "trees": BASELINE | {"kind": "trees"},
    "laplace": BASELINE | {"kind": "laplace"},
    "least_squares": BASELINE | {"kind": "least_squares"},
}


@cache
def panel():
    return simulate(DatasetConfig(trajectories=3, seed=6, duration=60.0, exact_samples=60, exact_durations=(30.0,)))


@cache
def made(kind: str) -> tuple[ModelConfig, object, Evaluation]:
    config = ModelConfig.model_validate(KINDS[kind])
    few = replace(DATA, t=DATA.t[:40], y=DATA.y[:40], parameters={n: v[:40] for n, v in DATA.parameters.items()})
    data = few if "laplace" in kind or "least" in kind else DATA
    trained = next(train([Job("one", config, segment(config.segmentation(), data))]))
    return config, trained, evaluate(config, trained, TEST)


def values(kind: str) -> dict[str, float]:
    summary = made(kind)[2].summary
    return dict(zip(summary["metric"], summary["value"], strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_the_headline_and_finite_scores(kind):
    got = values(kind)
    assert set(STUDIES["urease"].headline) <= set(got) and np.isfinite(got["crps"])
    assert (made(kind)[2].summary["unit"] != "").all()


def test_models_beat_the_prior_and_least_squares_of_the_same_information_finds_the_activity():
    assert values("constant")["crps"] == pytest.approx(values("constant")["baseline"], rel=0.02)
    for kind in ("posterior", "trees", "laplace"):
        assert values(kind)["crps"] < values(kind)["baseline"]
    assert values("laplace")["error_activity"] < 0.3 * values("constant")["error_activity"]


def test_the_prior_covers_what_it_promises_and_contracts_nothing():
    got = made("constant")[2].tables["unknowns"]
    assert got["contraction"].between(0.93, 1.07).all() and got["error"].mean() == pytest.approx(1.0, abs=0.3)
    # per unknown, in units of the ranges: the prior has a density of 1
    assert values("constant")["nll_30s"] == pytest.approx(0.0, abs=1e-9)


def test_metrics_follow_their_definitions():
    config, trained, evaluation = made("posterior")
    case = compare(config, trained, TEST)
    truth = np.stack([TEST.parameters["fraction"], TEST.parameters["k_d"]], axis=1)
    assert np.array_equal(case.truth, truth)
    row = evaluation.tables["unknowns"].set_index(["prefix_s", "unknown"]).loc[(60.0, "k_d")]
    error = np.median(case.samples[1], axis=0)[:, 1] - truth[:, 1]
    assert row["mae"] == pytest.approx(np.abs(error).mean()) and row["bias"] == pytest.approx(error.mean())
    assert row["error"] == pytest.approx(np.abs(error).mean() / ((5e-3 - 1e-5) / 4))
    low, high = case.predictor.interval(case.samples[1], 1, 0.9)
    inside = (low <= truth) & (truth <= high)
    assert row["coverage_90"] == pytest.approx(100 * inside[:, 1].mean())
    assert row["contraction"] == pytest.approx(np.median(case.samples[1][:, :, 1].std(axis=0)) / (4.99e-3 / 12**0.5))


def test_forecasts_are_runs_of_the_reactor_from_posterior_samples():
    config, trained, evaluation = made("posterior")
    case = compare(config, trained, TEST)
    t = np.array([0.0, 300.0, 2000.0])
    point = np.repeat(case.truth[None], 24, axis=0)
    exact = forecast(case.predictor, case.curves, point, t)
    true = solve(reactors_of(TEST.parameters), t)
    # mixing and gas exchange are not known, nor told: the forecast of the true unknowns is near, and its band has width
    assert np.abs(exact.mean - true)[:, 1:].max() < 0.2 and np.abs(exact.mean - true)[:, 1:].mean() < 0.03
    assert (exact.upper >= exact.lower).all() and exact.mean[:, 0] == pytest.approx(true[:, 0], abs=1e-6)
    table = evaluation.tables["forecast"]
    assert len(table) == 2 * len(HORIZONS) and (table["rmse"] < table["rmse_last_reading"]).mean() > 0.5


def test_a_forecast_does_not_use_true_nuisances():
    config, trained, _ = made("posterior")
    case = compare(config, trained, TEST)
    other = replace(TEST, parameters={**TEST.parameters, "ramp": TEST.parameters["ramp"][::-1]})
    again = compare(config, trained, other)
    t = np.array([300.0])
    first, second = (forecast(c.predictor, c.curves, c.samples[0][:8], t).mean for c in (case, again))
    assert np.array_equal(first, second)


def test_a_panel_holds_the_exact_posterior_and_models_are_compared_with_it():
    assert panel().arrays["exact_30"].shape == (60, 3, 2) and (panel().arrays["effective_30"] > 20).all()
    distance = {}
    for kind in ("laplace", "constant"):
        config, trained, _ = made(kind)
        evaluation = evaluate(config, trained, panel())
        distance[kind] = evaluation.summary.set_index("metric")["value"]["c2st_exact"]
        table = evaluation.tables["distance"]
        assert set(table["prefix_s"]) == {30.0} and len(table) == 3
    assert 0.3 < distance["laplace"] < distance["constant"] <= 1 and np.isnan(values("constant")["c2st_exact"])


def test_exact_is_a_model_like_any_other():
    config = ModelConfig.model_validate(BASELINE | {"kind": "exact", "durations": (30.0,)})
    trained = next(train([Job("one", config, segment(config.segmentation(), DATA))]))
    predictor = apply(config, trained)
    samples = predictor.samples(predictor.curves(panel()), 0, 100)
    stored = panel().arrays["exact_30"]
    assert np.abs(samples.mean(axis=0) - stored.mean(axis=0))[:, 0] == pytest.approx(0, abs=0.03)


def test_attention_and_tarp_and_ranks_have_their_tables():
    tables = made("posterior")[2].tables
    for _, part in tables["attention"].groupby("prefix_s"):
        assert part["weight"].sum() == pytest.approx(1, abs=1e-4)
    assert set(tables["ranks"]["prefix_s"]) == {30.0, 60.0} and len(tables["tarp"]) == 2 * 19
    assert "attention" not in made("trees")[2].tables
    assert list(tables["calibration"]["nominal"]) == [50, 80, 90, 95]


@pytest.mark.parametrize("kind", ["posterior", "constant"])
def test_every_figure_can_be_drawn(kind):
    _, trained, evaluation = made(kind)
    tables = {**evaluation.tables, "history": trained.history}
    drawn = list(study_pictures(STUDIES["urease"], tables, "one"))
    assert not [picture.error for picture in drawn if picture.error]
    assert len(drawn) >= len(figures.FIGURES) - (0 if kind == "posterior" else 2)
    both = {"one": evaluation.tables["unknowns"], "other": made("trees")[2].tables["unknowns"]}
    assert figures.errors_compared(both).axes


def test_a_test_set_of_another_kind_is_refused_in_one_line():
    config, trained, _ = made("constant")
    other = simulate(DatasetConfig(family="v2", trajectories=4, duration=60.0))
    with pytest.raises(ValueError, match="the test set lacks fraction; expected the unknowns of the training set"):
        evaluate(config, trained, other)


def test_tables_are_data_frames_with_rows():
    for kind in KINDS:
        tables = made(kind)[2].tables
        assert all(isinstance(table, pd.DataFrame) and len(table) for table in tables.values())
