"""Models of any state: segments of uneven data with inputs, training, resuming, metrics, baselines."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from pydantic import ValidationError

from assets.sweeps.sweep_file import load_sweep
from assets.sweeps.yaml_loader import SweepError
from tests.documents import ROOT
from trainers.study import Job, Trained, Trajectories
from trainers.two_body import STUDY
from trainers.two_body.config import DatasetConfig, ModelConfig
from trainers.two_body.general.evaluate import evaluate_states, law_of, valid_time

PHASES = [{"steps": 60, "learning_rate": 1e-2, "segment_length": 6}]
NETWORK = {"kind": "general_ode", "width": 16, "depth": 1, "activation": "tanh", "phases": PHASES, "validate_every": 20}


@cache
def pendulum(seed=0):
    return STUDY.simulate(DatasetConfig(problem="driven_pendulum", orbits=4, points=80, duration=12.0, seed=seed))


def uneven(data: Trajectories) -> Trajectories:
    """Keep a random part of the times, another number of them in every trajectory, padded with NaN."""
    random = np.random.default_rng(3)
    t, y, u = (np.full_like(values, np.nan) for values in (data.t, data.y, data.inputs))
    for row, count in enumerate((70, 60, 50, 40)):
        kept = np.sort(random.choice(np.arange(1, 80), count - 1, replace=False))
        kept = np.concatenate([[0], kept])
        t[row, :count], y[row, :count], u[row, :count] = data.t[row, kept], data.y[row, kept], data.inputs[row, kept]
    return replace(data, t=t, y=y, inputs=u)


def train(settings, data, **job) -> Trained:
    config = ModelConfig.model_validate(settings)
    (outcome,) = STUDY.train([Job("a", config, STUDY.segment(config.segmentation(), data), **job)])
    assert isinstance(outcome, Trained), outcome
    return outcome


def values(settings, trained, test):
    table = STUDY.evaluate(ModelConfig.model_validate(settings), trained, test).summary
    return dict(zip(table["metric"], table["value"], strict=True))


def test_segments_of_uneven_data_hold_their_own_times_and_inputs():
    data = uneven(pendulum())
    segments = STUDY.segment(ModelConfig.model_validate(NETWORK).segmentation(), data)
    phase, fitted = segments.phases[0], segments.fitted
    assert segments.counts[0]["train_segments"] == sum(count // 6 for count in (70, 60, 50, 40))
    first = {name: phase[f"train/{name}"][0] for name in ("t", "y", "u")}
    np.testing.assert_allclose(first["t"] * fitted["time_unit"], data.t[0, :6])
    np.testing.assert_allclose(first["y"] * fitted["scale"] + fitted["mean"], data.y[0, :6])
    np.testing.assert_allclose(first["u"] * fitted["input_scale"] + fitted["input_mean"], data.inputs[0, :6])


def test_what_is_fitted_comes_from_training_trajectories_alone():
    data = pendulum()
    config = ModelConfig.model_validate(NETWORK | {"train_fraction": 0.5})
    segments = STUDY.segment(config.segmentation(), data)
    other = np.setdiff1d(np.arange(4), segments.train)
    y = data.y.copy()
    y[other] *= 100
    again = STUDY.segment(config.segmentation(), replace(data, y=y))
    assert all(np.array_equal(segments.fitted[name], again.fitted[name]) for name in segments.fitted)
    assert set(segments.validation) == set(other)


@pytest.mark.training
def test_a_network_learns_from_uneven_data_with_inputs_and_ignores_none_of_them():
    settings = NETWORK | {"phases": [PHASES[0] | {"steps": 400}]}
    got = values(settings, train(settings, uneven(pendulum())), pendulum(1))
    blind = replace(pendulum(), inputs=np.zeros_like(pendulum().inputs))
    without = values(settings, train(settings, uneven(blind)), pendulum(1))
    assert got["normalised_rmse"] < 0.3 * got["baseline"] and got["rollout_failures"] == 0
    assert got["normalised_rmse"] < 0.6 * without["normalised_rmse"], "the inputs do not matter"


@pytest.mark.training
def test_a_training_resumes_to_the_same_bits():
    config = ModelConfig.model_validate(NETWORK)
    segments, states = STUDY.segment(config.segmentation(), pendulum()), []

    def stop(progress) -> bool:
        states.append(dict(progress.state()))
        return progress.step < progress.total_steps

    whole = train(NETWORK, pendulum())
    (stopped,) = STUDY.train([Job("a", config, segments)], stop)
    assert stopped.stopped
    (resumed,) = STUDY.train([Job("a", config, segments, states[0])])
    assert all(np.array_equal(whole.weights[name], resumed.weights[name]) for name in whole.weights)


def test_sparse_polynomials_find_the_equations_of_lorenz():
    data = STUDY.simulate(DatasetConfig(problem="lorenz", orbits=4, points=400, duration=4.0))
    settings = {"kind": "sindy", "phases": [{"steps": 1, "segment_length": 100}]}
    trained = train(settings, data)
    scale, time = trained.fitted["scale"], trained.fitted["time_unit"]
    coefficients = trained.weights["best/coefficients"] * scale[:, None] / time
    # columns 1, x, y, z, xx, xy, xz, yy, yz, zz, each of states divided by their scale
    sizes = np.array([1, *scale, *[scale[a] * scale[b] for a in range(3) for b in range(a, 3)]])
    expected = np.zeros((3, 10))
    expected[0, 1:3], expected[1, 1:3], expected[1, 6] = (-10, 10), (28, -1), -1
    expected[2, 3], expected[2, 5] = -8 / 3, 1
    np.testing.assert_allclose(coefficients / sizes, expected, atol=0.02)
    linear = train({"kind": "linear_ode", "phases": [{"steps": 1, "segment_length": 100}]}, data)
    assert linear.weights["best/coefficients"].shape == (3, 4)


def test_the_true_law_has_no_derivative_error_and_predicts_to_the_end(monkeypatch):
    """A polynomial system given its own coefficients: what remains is the error of the rollout."""
    lines = {"derivatives": ["dx/dt = v", "dv/dt = -x + u"], "start": {"x": [-1, 1], "v": [-1, 1]}, "duration": 20.0,
             "inputs": {"u": {}}}  # fmt: skip
    data = STUDY.simulate(DatasetConfig(equations=lines, orbits=3, points=100))
    settings = {"kind": "linear_ode", "phases": [{"steps": 1, "segment_length": 50}]}
    trained = train(settings, data)
    scale, u_scale, time = (trained.fitted[name] for name in ("scale", "input_scale", "time_unit"))
    exact = np.array([[0, 0, 1, 0], [0, -1, 0, 1]]) * np.array([1, *scale, *u_scale]) / scale[:, None] * time
    trained = replace(trained, weights={"best/coefficients": exact})
    got = values(settings, trained, data)
    assert got["normalised_rmse"] < 1e-7 and got["derivative_error_field"] < 1e-10
    assert got["valid_to_the_end"] == 100 and got["valid_prediction_time"] == pytest.approx(20 * 99 / 100)


def test_the_baselines_are_what_their_formulas_say():
    data, settings = pendulum(), {"kind": "linear_ode"}
    trained = train(settings, data)
    got = values(settings, trained, pendulum(1))
    off = ((pendulum(1).y[:, 1:] - trained.fitted["mean"]) / trained.fitted["scale"]) ** 2
    assert got["baseline"] == pytest.approx(np.sqrt(off.mean(axis=(1, 2))).mean())
    off = ((pendulum(1).y[:, 1:] - pendulum(1).y[:, :1]) / trained.fitted["scale"]) ** 2
    assert got["baseline_persistence"] == pytest.approx(np.sqrt(off.mean(axis=(1, 2))).mean())


def test_the_valid_time_is_the_last_time_before_the_error_is_too_large():
    t = np.array([[0, 1, 2, 3.0], [0, 1, 2, 3.0], [0, 2, np.nan, np.nan], [1, 2, 3, 4.0]])
    errors = np.array([[0, 0.1, 0.5, 0.1], [0, 0.1, 0.2, 0.4], [0, 0.1, np.nan, np.nan], [0, np.inf, np.nan, np.nan]])
    assert valid_time(errors, t).tolist() == [1, 3, 2, 0]


def test_a_rollout_that_diverges_is_counted_and_no_average_holds_it():
    data, settings = pendulum(), {"kind": "sindy", "general": {"degree": 3}}
    trained = train(settings, data)
    coefficients = trained.weights["best/coefficients"].copy()
    coefficients[1, 10] = 50.0  # a cubic term that drives the angle to infinity
    got = values(settings, replace(trained, weights={"best/coefficients": coefficients}), pendulum(1))
    assert got["rollout_failures"] == 4 and not got["normalised_rmse"] < 1


def test_measured_data_have_no_law_and_a_lyapunov_time_only_if_they_say_so():
    data = replace(pendulum(), meta={})
    assert law_of(data) is None and law_of(pendulum()) is not None
    trained = train({"kind": "linear_ode"}, data)
    config = ModelConfig(kind="linear_ode")
    plain = set(evaluate_states(config, trained, data).summary["metric"])
    assert not {"derivative_error_field", "valid_lyapunov_times"} & plain
    known = evaluate_states(config, trained, replace(data, meta={"lyapunov_exponent": 0.5})).summary
    by_name = known.set_index("metric")["value"]
    assert by_name["valid_lyapunov_times"] == pytest.approx(0.5 * by_name["valid_prediction_time"])


def test_a_test_set_with_other_channels_is_refused():
    trained = train({"kind": "linear_ode"}, pendulum())
    other = STUDY.simulate(DatasetConfig(problem="van_der_pol", orbits=1, points=10))
    with pytest.raises(ValueError, match=r"the test set has channels .*; the model was trained on .*angle"):
        STUDY.evaluate(ModelConfig(kind="linear_ode"), trained, other)


def test_orbits_are_states_like_others():
    orbits = STUDY.simulate(DatasetConfig(orbits=3, points=120, eccentricity=(0.0, 0.1)))
    settings = {"kind": "sindy", "general": {"degree": 1}, "phases": [{"steps": 1, "segment_length": 60}]}
    got = values(settings, train(settings, orbits), orbits)
    assert np.isfinite(got["derivative_error_field"]) and got["normalised_rmse"] < got["baseline"]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"kind": "general_ode", "feature_layer": "logr"}, "feature_layer is logr, which a model of kind general_ode"),
        ({"kind": "sindy", "width": 8}, "width is 8, which a model of kind sindy does not have; leave it out"),
        ({"general": {"substeps": 3}}, "which a model of kind neural_ode does not have"),
    ],
)
def test_settings_that_a_kind_does_not_have_are_refused(settings, text):
    with pytest.raises(ValidationError, match=text):
        ModelConfig.model_validate(settings)


def test_a_model_of_orbits_refuses_other_states_and_says_what_to_choose():
    lorenz = STUDY.simulate(DatasetConfig(problem="lorenz", orbits=1, points=20))
    with pytest.raises(ValueError, match=r"choose model\.kind: general_ode"):
        STUDY.segment(ModelConfig().segmentation(), lorenz)


def test_the_shipped_sweeps_are_ranked_by_their_own_headline():
    for name in ("lorenz", "driven_pendulum", "equations"):
        sweep = load_sweep(ROOT / "sweeps" / "two_body" / f"{name}.yaml")
        assert sweep.ranking_study.headline[:2] == ("normalised_rmse", "valid_prediction_time")
    smoke = load_sweep(ROOT / "sweeps" / "two_body" / "smoke.yaml")
    assert smoke.ranking_study.headline == STUDY.headline


def test_models_that_different_metrics_rank_need_two_sweeps(tmp_path):
    path = tmp_path / "mixed.yaml"
    path.write_text("study: two_body\ntests: [j2_3d_10_test]\nvary:\n  model.kind: [true_law, linear_ode]\n")
    with pytest.raises(SweepError, match="some models are ranked by acceleration_error_own_state, others by"):
        load_sweep(path)


def test_figures_show_states_and_errors_and_no_orbits():
    from trainers.two_body.figures.data import dataset
    from trainers.two_body.figures.linearity import segment_linearity
    from trainers.two_body.figures.states import error_growth_in_time, states_predicted

    trained = train({"kind": "linear_ode"}, pendulum())
    tables = STUDY.evaluate(ModelConfig(kind="linear_ode"), trained, pendulum(1)).tables
    panels = states_predicted(tables["states_in_time"]).axes
    assert len(panels) == 8 and panels[0].get_ylabel() == "angle [rad]"
    truth, predicted = (line.get_ydata() for line in panels[0].lines)
    assert np.array_equal(truth, pendulum(1).y[0, :, 0]) and not np.allclose(truth, predicted)
    assert len(error_growth_in_time(tables["error_growth"]).axes[0].lines) == 4 + 2
    states = tables["states_in_time"].rename(columns={"true": "x"})
    assert dataset(states, states) is None and segment_linearity(states) is None


def test_a_file_of_ones_own_with_any_columns_goes_through_the_study(tmp_path):
    """Three state columns, a control, unequal lengths, uneven times; no equations are known."""
    from assets.sweeps.file_dataset import FileDataset, read_file

    data = uneven(pendulum())
    rows = [
        f"{trial},{t},{y[0]},{y[1]},{y[0] + y[1]},{u[0]}"
        for trial in range(4)
        for t, y, u in zip(data.t[trial], data.y[trial], data.inputs[trial], strict=True)
        if np.isfinite(t)
    ]
    file = tmp_path / "trials.csv"
    file.write_text("\n".join(["trial,t,a,b,sum,u", *rows]))
    columns = ("a", "b", "sum")
    dataset = FileDataset.model_validate(
        {"file": str(file), "trajectory": "trial", "time_unit": "s", "columns": {name: name for name in columns},
         "inputs": {"u": "u"}, "units": dict.fromkeys((*columns, "u"), "rad")}
    )  # fmt: skip
    own = read_file(dataset)
    trained = train({"kind": "linear_ode", "phases": [{"steps": 1, "segment_length": 10}]}, own)
    got = values({"kind": "linear_ode"}, trained, own)
    assert trained.meta["channels"] == '["a", "b", "sum"]' and trained.meta["inputs"] == '["u"]'
    assert got["normalised_rmse"] < got["baseline"] and "derivative_error_field" not in got
