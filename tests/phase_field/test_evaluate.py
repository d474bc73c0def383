"""Metrics by their definitions, and posteriors over times that hold what they promise."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from trainers.phase_field import figures
from trainers.phase_field.apply import apply
from trainers.phase_field.config import DatasetConfig, ModelConfig
from trainers.phase_field.evaluate import evaluate
from trainers.phase_field.segment import segment
from trainers.phase_field.simulate import simulate
from trainers.phase_field.time_posterior import (
    FINER,
    TimePosterior,
    calibrate,
    growth_at,
    spread_of_runs,
    squared_distance,
    structures,
    time_posterior,
)
from trainers.phase_field.train import train
from trainers.study import Job

SETTINGS = {"grid": 32, "snapshots": 16, "duration": 6.0, "step": 0.1}
DATA = simulate(DatasetConfig(trajectories=40, seed=5, **SETTINGS))
TEST = simulate(DatasetConfig(trajectories=12, seed=6, perturbation=0.1, **SETTINGS))
PARAMETERS = ("mobility", "gradient_coefficient", "mean", "amplitude")
CONFIG = ModelConfig(kind="ridge", parameters=PARAMETERS, train_fraction=0.75)


@cache
def trained(config=CONFIG):
    return next(train([Job("one", config, segment(config.segmentation(), DATA))]))


@cache
def made():
    return evaluate(CONFIG, trained(), TEST)


def values():
    return made().summary.set_index("metric")["value"]


def test_the_errors_are_those_of_the_predictor():
    predictor = apply(CONFIG, trained())
    curves = predictor.predict(TEST.y[:, 0], TEST.parameters)
    truth = predictor.basis.scores(TEST.y.astype(float))
    error = np.abs(curves - truth)
    assert values()["mae"] == pytest.approx(error.mean())
    assert values()["mae_last"] == pytest.approx(error[:, -1].mean())
    assert values()["mae_2"] == pytest.approx(error[..., 1].mean())
    profile = predictor.basis.centre + curves @ predictor.basis.vectors
    assert values()["profile_error"] == pytest.approx(np.abs(profile - TEST.y).mean(), rel=1e-6)
    assert values()["baseline"] == pytest.approx(np.abs(trained().fitted["scores_mean"] - truth).mean())


def test_the_basis_is_fitted_to_training_runs_alone():
    segments = segment(CONFIG.segmentation(), DATA)
    changed = DATA.y.copy()
    changed[segments.validation] = np.random.default_rng(0).normal(size=changed[segments.validation].shape)
    other = segment(CONFIG.segmentation(), type(DATA)(**{**DATA.__dict__, "y": changed}))
    assert np.array_equal(segments.fitted["vectors"], other.fitted["vectors"])
    assert np.array_equal(segments.fitted["scores_mean"], other.fitted["scores_mean"])


def test_sensitivities_are_changes_within_a_family():
    predictor = apply(CONFIG, trained())
    curves = predictor.predict(TEST.y[:, 0], TEST.parameters)
    truth = predictor.basis.scores(TEST.y.astype(float))
    for member, name in enumerate(("mobility", "gradient_coefficient"), start=1):
        assert (TEST.parameters[name][member::3] / TEST.parameters[name][0::3]).tolist() == pytest.approx([1.1] * 4)
        change, true = curves[member::3] - curves[0::3], truth[member::3] - truth[0::3]
        expected = 100 * np.abs(change - true).mean() / np.abs(true).mean()
        assert values()[f"sensitivity_error_{name}"] == pytest.approx(expected)


def test_every_figure_can_be_drawn():
    tables = {**made().tables, "history": trained(ModelConfig(hidden_size=4, phases=({"epochs": 2},))).history}
    for figure in figures.FIGURES:
        (name,) = figure.__annotations__.keys() - {"return"}
        assert name in ("estimates", "fit_curves") or figure(tables[name]) is not None
    assert figures.errors_compared({"one": tables["over_time"], "two": tables["over_time"]}) is not None
    assert figures.validation_compared({"one": tables["history"]}) is not None
    assert figures.validation_compared({"one": tables["history"].iloc[:0]}) is None


NEAR = np.ones(100)
"""Distances of runs that lie among the training runs."""


def gaussian(runs, seed, scale=1.0):
    """Return curves and structures whose errors are normal with a std of 0.02 and 0.05."""
    t = np.linspace(0, 10, 51)
    curve = np.stack([np.sin(t / 4), t / 10], axis=1)
    error = np.random.default_rng(seed).normal(size=(runs, 51, 2)) * [0.02, 0.05] * scale
    error[:, 0] = 0
    return t, np.tile(curve, (runs, 1, 1)), curve + error


def test_sets_of_times_cover_what_they_promise():
    t, curves, scores = gaussian(100, seed=0)
    fitted = calibrate(curves, scores, t, NEAR)
    _, other_curves, other = gaussian(100, seed=1)
    chosen = structures(len(t))
    growth = growth_at(NEAR, fitted["time/growth"])
    posterior = time_posterior(other_curves, other[:, chosen], t, fitted["time/covariance"], growth)
    depth = posterior.depth(np.broadcast_to(t[chosen], (100, len(chosen))))
    assert np.mean(depth <= 0.9) == pytest.approx(0.9, abs=0.02), "the posterior is right where errors are normal"
    assert np.mean(depth <= fitted["time/level"]) == pytest.approx(0.9, abs=0.02)
    assert np.abs(posterior.mean() - t[chosen]).mean() < 0.2


def test_a_level_corrects_a_posterior_whose_errors_are_not_normal():
    t, curves, scores = gaussian(100, seed=0)
    chosen = structures(len(t))
    heavy = scores.copy()
    heavy[::4] = curves[::4] + 4 * (scores[::4] - curves[::4])
    narrow, fitted = calibrate(curves, scores, t, NEAR), calibrate(curves, heavy, t, NEAR)
    time = np.broadcast_to(t[chosen], (100, len(chosen)))
    depth = time_posterior(curves, heavy[:, chosen], t, narrow["time/covariance"], NEAR).depth(time)
    assert np.mean(depth <= narrow["time/level"]) < 0.85
    depth = time_posterior(curves, heavy[:, chosen], t, fitted["time/covariance"], NEAR).depth(time)
    assert np.mean(depth <= fitted["time/level"]) == pytest.approx(0.9, abs=0.01)


def test_a_posterior_is_its_formula():
    t, curves, scores = gaussian(1, seed=2)
    covariance = np.tile(np.diag([0.02**2, 0.05**2]), (51, 1, 1)) * (1 + t[:, None, None])
    posterior = time_posterior(curves, scores[:, 7:8], t, covariance / 4, np.array([4.0]))
    assert len(posterior.grid) == 50 * FINER + 1
    fine = np.stack([np.interp(posterior.grid, t, column) for column in curves[0].T], axis=1)
    variance = np.array([0.02**2, 0.05**2]) * (1 + posterior.grid)[:, None]
    density = np.exp(-0.5 * ((scores[0, 7] - fine) ** 2 / variance).sum(axis=1)) / np.sqrt(variance.prod(axis=1))
    np.testing.assert_allclose(posterior.probability[0, 0], density / density.sum(), rtol=1e-9, atol=1e-15)


def test_errors_that_grow_with_distance_are_covered_far_away_too():
    t, curves, scores = gaussian(100, seed=0)
    distance = np.linspace(0.2, 2.0, 100)
    grown = curves + (scores - curves) * np.sqrt(distance)[:, None, None]
    fitted = calibrate(curves, grown, t, distance)
    assert fitted["time/growth"] == pytest.approx([0.0, 1 / 1.1], abs=0.1), "squares are d of their mean, which is 1.1"
    _, far_curves, far = gaussian(100, seed=1, scale=2.0)
    chosen = structures(len(t))
    time = np.broadcast_to(t[chosen], (100, len(chosen)))

    def covered(growth):
        posterior = time_posterior(far_curves, far[:, chosen], t, fitted["time/covariance"], growth)
        return np.mean(posterior.depth(time) <= fitted["time/level"])

    assert covered(growth_at(np.full(100, 4.0), fitted["time/growth"])) == pytest.approx(0.9, abs=0.02)
    assert covered(np.ones(100)) < 0.8, "at the errors of the runs that calibrate"


def test_the_distance_of_a_run_is_in_std_of_the_training_runs():
    train = np.array([[1.0, 0.3, 7.0], [2.0, 0.6, 7.0], [3.0, 0.3, 7.0], [2.0, 0.6, 7.0]])
    names = ("mobility", "mean", "amplitude")
    spread = spread_of_runs(names, train)
    assert squared_distance(names, train, spread).mean() == pytest.approx(1.0)
    one, mirrored = (squared_distance(names, np.array([[2.0, c0, 9.0]]), spread).item() for c0 in (0.4, 0.6))
    assert one == pytest.approx(mirrored), "c -> 1 - c maps runs onto runs"
    assert one == pytest.approx(0.5), "0.2 is one std of 0.4 and 0.2 from their mean; the amplitude never varied"
    assert (
        squared_distance((), np.zeros((3, 0)), {"time/centre": np.zeros(0), "time/spread": np.zeros(0)}).tolist()
        == [0] * 3
    )


def test_a_run_far_from_the_training_runs_has_wider_sets():
    predictor = apply(CONFIG, trained())
    curves = predictor.predict(TEST.y[:, 0], TEST.parameters)
    grown = predictor.error_growth({**TEST.parameters, "mobility": TEST.parameters["mobility"] + 3}, len(curves))
    assert (grown > predictor.error_growth(TEST.parameters, len(curves))).all()


def test_a_history_has_the_columns_of_the_source():
    short = {"epochs": 2, "learning_rate": 1e-2, "last_rate": 1e-3}
    config = ModelConfig(
        hidden_size=4, loss={"name": "combined", "parameters": True}, phases=(short, {**short, "max_lag": 5}),
        checkpoint_every=3, parameters=("mobility", "gradient_coefficient"),
    )  # fmt: skip
    one = trained(config)
    table = evaluate(config, one, DATA).tables["source_history"]
    parts = [f"{side} {part}Loss" for side in ("Train", "Validation", "Test") for part in ("", "MAE ", "Autocorr ")]
    assert list(table.columns) == ["Epoch", *parts, "Learning Rate"]
    assert table["Epoch"].tolist() == [1, 2, 3, 4] and table["Test Loss"].notna()[[2, 3]].all()
    assert table["Test Loss"].isna()[0], "nothing is stored after the first epoch"
    half = 0.5 * (table["Test MAE Loss"] + table["Test Autocorr Loss"])
    np.testing.assert_allclose(table["Test Loss"][2:], half[2:], rtol=1e-6)
    plain = ModelConfig(kind="scaled_time", hidden_size=4, dropout=0.0, parameters=PARAMETERS, phases=(short,))
    columns = evaluate(plain, trained(plain), TEST).tables["source_history"].columns
    assert list(columns) == ["Epoch", "Train Loss", "Validation Loss", "Test Loss", "Learning Rate"]


def test_the_test_loss_of_a_history_is_the_validation_loss_on_validation_runs():
    config = ModelConfig(hidden_size=4, phases=({"epochs": 2, "max_lag": 5},), loss={"name": "autocorrelation"})
    one = trained(config)
    held_out = segment(config.segmentation(), DATA).validation
    rows = {name: getattr(DATA, name)[held_out] for name in ("t", "y")}
    parameters = {name: values[held_out] for name, values in DATA.parameters.items()}
    table = evaluate(config, one, replace(DATA, **rows, parameters=parameters)).tables["source_history"]
    assert table["Test Loss"].iloc[-1] == pytest.approx(table["Validation Loss"].iloc[-1], rel=1e-5)


def test_an_interval_is_the_smallest_set():
    probability = np.array([[[0.1, 0.4, 0.05, 0.3, 0.15]]])
    posterior = TimePosterior(np.arange(5.0), probability)
    low, high, width = posterior.interval(0.6)
    assert (low.item(), high.item(), width.item()) == (1.0, 3.0, 2.0)
    assert posterior.depth(np.array([[3.0]])).item() == pytest.approx(0.4)
    assert posterior.mean().item() == pytest.approx(0.4 + 0.1 + 0.9 + 0.6)


def test_other_times_channels_and_parameters_are_refused_in_one_line():
    short = simulate(DatasetConfig(trajectories=2, **{**SETTINGS, "snapshots": 11, "duration": 4.0}))
    with pytest.raises(ValueError, match="the test set has 11 times from 0 to 4; the model expects 16 times"):
        evaluate(CONFIG, trained(), short)
    larger = simulate(DatasetConfig(trajectories=2, **{**SETTINGS, "grid": 48}))
    with pytest.raises(ValueError, match=r"the test set has 24 channels, r0 \.\.\. r23; the model expects"):
        evaluate(CONFIG, trained(), larger)
    with pytest.raises(ValueError, match="parameters lack amplitude; expected mobility"):
        apply(CONFIG, trained()).predict(TEST.y[:, 0], {name: TEST.parameters[name] for name in PARAMETERS[:3]})


def test_scores_of_the_source_are_evaluated_without_profiles():
    config = ModelConfig(kind="mean_curve", basis="none", parameters=("mobility", "gradient_coefficient"))
    settings = {**SETTINGS, "grid": 16, "statistics": "published"}
    data, test = (simulate(DatasetConfig(trajectories=n, seed=n, **settings)) for n in (12, 4))
    assert data.names == tuple(f"comp_{k}" for k in range(1, 6))
    one = next(train([Job("one", config, segment(config.segmentation(), data))]))
    result = evaluate(config, one, test)
    summary = result.summary.set_index("metric")["value"]
    assert np.isfinite(summary["mae"]) and np.isnan(summary["profile_error"]) and "profiles" not in result.tables
