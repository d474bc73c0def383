"""Every study goes through all stages on its smallest configuration, without an orchestrator."""

from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from typing import Any, get_args

import numpy as np
import pytest

from assets.store.store import project_root
from assets.sweeps.file_dataset import is_file
from assets.sweeps.sweep_file import load_sweep
from tests.toy_study import STUDY as TOY
from tests.toy_study.config import DatasetConfig, ModelConfig
from trainers import STUDIES
from trainers.common.measurements import conform
from trainers.study import (
    REPEATABLE,
    SETTLED,
    STATUSES,
    Estimates,
    Evaluation,
    Job,
    ModelConfigBase,
    Repeatable,
    Segments,
    Settled,
    Study,
    Trained,
    Trajectories,
)


@dataclass(frozen=True)
class Smoke:
    """The smallest configuration of a study that says something, and its test set."""

    study: Study
    dataset: Any
    model: Any
    test: Any

    def segments(self) -> Segments:
        return self.study.segment(self.model.segmentation(), self.study.simulate(self.dataset))

    def job(self, seed: int = 0, **job: Any) -> Job:
        model = self.model.model_copy(update={"seed": seed})
        return Job(f"seed{seed}", model, **{"segments": _segments(self.study.name), **job})


def smoke(study: Study) -> Smoke:
    if study is TOY:
        return Smoke(TOY, DatasetConfig(), ModelConfig(), DatasetConfig(trajectories=4, seed=1000))
    sweep = load_sweep(project_root() / "sweeps" / study.name / "smoke.yaml")
    row = sweep.rows[0].configuration
    test = next(iter(sweep.tests.values()))
    assert not is_file(test.config)
    return Smoke(study, row.dataset, row.model, study.dataset.model_validate(test.config))


ALL = [study for study in STUDIES.values() if (project_root() / "sweeps" / study.name / "smoke.yaml").is_file()]
BY_NAME = {study.name: study for study in (*ALL, TOY)}


@cache
def _smoke(name: str) -> Smoke:
    return smoke(BY_NAME[name])


@cache
def _segments(name: str) -> Segments:
    return _smoke(name).segments()


@cache
def _company(name: str) -> tuple[Trained, ...]:
    """Three seeds trained in one call."""
    one = _smoke(name)
    return tuple(one.study.train([one.job(seed) for seed in (1, 0, 2)], lambda progress: False))


@pytest.fixture(params=BY_NAME)
def one(request) -> Smoke:
    return _smoke(request.param)


def same(first: Any, second: Any) -> bool:
    return first.keys() == second.keys() and all(
        np.array_equal(first[name], second[name], equal_nan=first[name].dtype.kind == "f") for name in first
    )


def test_every_study_has_a_smoke_sweep():
    assert [study.name for study in ALL] == list(STUDIES)


def test_simulating_gives_trajectories_that_agree_with_themselves(one):
    trajectories, again = one.study.simulate(one.dataset), one.study.simulate(one.dataset)
    assert isinstance(trajectories, Trajectories)
    count, times = trajectories.t.shape
    assert trajectories.y.shape == (count, times, len(trajectories.names)) and len(trajectories.units) == len(
        trajectories.names
    )
    assert all(len(values) == count for values in (*trajectories.parameters.values(), *trajectories.drift.values()))
    assert trajectories.parameter_units.keys() <= trajectories.parameters.keys()
    finite = np.isfinite(trajectories.y).all(axis=2)
    assert finite[:, 0].all() and not (~finite[:, :-1] & finite[:, 1:]).any(), "NaN pads the end, nothing else"
    assert np.array_equal(trajectories.y, again.y, equal_nan=True)


def test_segments_split_by_trajectory(one):
    segments = _segments(one.study.name)
    assert segments.usable and len(segments.phases) == len(segments.counts)
    assert not set(segments.train) & set(segments.validation)
    for arrays, row in zip(segments.phases, segments.counts, strict=True):
        for part in ("train", "validation"):
            sizes = {len(array) for name, array in arrays.items() if name.startswith(f"{part}/")}
            assert sizes <= {row[f"{part}_segments"]}
        assert all(np.isfinite(array).all() for array in arrays.values())


def test_training_gives_finite_weights_and_a_history(one):
    for trained in _company(one.study.name):
        assert isinstance(trained, Trained) and not trained.stopped
        assert trained.weights and all(np.isfinite(array).all() for array in trained.weights.values())
        assert any(name.startswith("best/") for name in trained.weights)
        assert {"phase", "step", "learning_rate", "loss"} <= set(trained.history)
        assert trained.history["step"].is_monotonic_increasing and np.isfinite(trained.history["loss"]).all()
        assert trained.counts["steps"] == trained.history["step"].iloc[-1]
        assert trained.timings["train"] > 0


def test_validation_columns_are_those_that_a_model_names(one):
    history = _company(one.study.name)[0].history
    measured = {str(name).removeprefix("validation_") for name in history if str(name).startswith("validation_")}
    columns = one.model.validation_columns()
    assert measured and (not columns or measured <= set(columns)) and (columns or one.study is TOY)


def test_the_same_seed_gives_the_same_bits_alone_and_in_company(one):
    (alone,) = one.study.train([one.job(0)], lambda progress: False)
    other, company, _ = _company(one.study.name)
    assert same(alone.weights, company.weights) and same(alone.state, company.state)
    assert alone.history.equals(company.history)
    assert not same(alone.weights, other.weights), "another seed gave the same weights"


def test_a_training_that_is_stopped_goes_on_to_the_same_bits(one):
    states = []

    def stop(progress) -> bool:
        states.append((progress.step, dict(progress.state())))
        return progress.step < progress.total_steps

    (stopped,) = one.study.train([one.job(0)], stop)
    if not stopped.stopped:
        pytest.skip("the smoke configuration reports only once")
    step, state = states[0]
    (resumed,) = one.study.train([one.job(0, state=state)], lambda progress: False)
    whole = _company(one.study.name)[1]
    assert 0 < step < whole.counts["steps"]
    assert same(resumed.weights, whole.weights)
    assert resumed.history[["step", "loss"]].equals(whole.history[["step", "loss"]])


def test_progress_tells_where_a_training_stands(one):
    reports = []
    list(one.study.train([one.job(0)], lambda progress: bool(reports.append(progress))))
    steps = [progress.step for progress in reports]
    assert steps == sorted(set(steps)) and steps[-1] == reports[-1].total_steps
    assert sum(progress.phase_end for progress in reports) == len(_segments(one.study.name).phases)
    assert all("loss" in progress.losses for progress in reports)


def test_evaluating_beats_the_trivial_baseline(one):
    test = one.study.simulate(one.test)
    trained = _company(one.study.name)[1]
    evaluation = one.study.evaluate(one.job(0).config, trained, test)
    assert isinstance(evaluation, Evaluation)
    assert {"metric", "value", "unit", "n"} <= set(evaluation.summary)
    values = dict(zip(evaluation.summary["metric"], evaluation.summary["value"], strict=True))
    assert {*one.study.headline, "baseline"} <= values.keys()
    assert values[one.study.headline[0]] < values["baseline"]
    assert all(len(table) for table in evaluation.tables.values())


def test_a_test_set_of_one_trajectory_is_evaluated(one):
    test = one.study.simulate(one.test)
    alone = replace(
        test,
        t=test.t[:1],
        y=test.y[:1],
        inputs=None if test.inputs is None else test.inputs[:1],
        parameters={name: values[:1] for name, values in test.parameters.items()},
        drift={name: values[:1] for name, values in test.drift.items()},
        arrays={name: values for name, values in test.arrays.items() if len(values) != len(test.t)},
    )
    evaluation = one.study.evaluate(one.job(0).config, _company(one.study.name)[1], alone)
    value = evaluation.summary.set_index("metric")["value"][one.study.headline[0]]
    assert np.isfinite(value) and list(evaluation.tables["per_trajectory"]["trajectory"]) == [0]


def test_a_metric_is_the_weighted_mean_over_trajectories(one):
    test = one.study.simulate(one.test)
    evaluation = one.study.evaluate(one.job(0).config, _company(one.study.name)[1], test)
    table, metric = evaluation.tables["per_trajectory"], one.study.headline[0]
    assert list(table["trajectory"]) == list(range(len(test.t)))
    value = evaluation.summary.set_index("metric")["value"][metric]
    rows = table[table["n"] > 0]
    assert np.isclose(np.average(rows[metric], weights=rows["n"]), value, rtol=1e-6)


def test_a_study_that_fits_estimates_every_trajectory_of_its_test_set(one):
    if find_spec(f"{one.study.package}.fit") is None:
        pytest.skip("the study has no fit")
    own = conform(without_truth(one.study.simulate(one.test)), one.study.simulate(one.dataset), one.study.observed)
    estimate = one.study.fit(one.job(0).config, _company(one.study.name)[1], own)
    assert isinstance(estimate, Estimates) and set(estimate.estimates["trajectory"]) == set(range(len(own.t)))
    doubtful = estimate.estimates["caveat"] != ""
    assert doubtful.mean() < 0.5, "the test set is of the kind of the training data"
    numbers = estimate.estimates[["estimate", "lower", "upper"]]
    assert np.isfinite(numbers[~doubtful]).all(axis=None)
    for table in estimate.tables.values():
        assert set(table["trajectory"]) <= set(range(len(own.t)))


def without_truth(data: Trajectories) -> Trajectories:
    """Leave out the parameters that a user would not know."""
    parameters = data.parameters_as("known")
    units = {name: unit for name, unit in data.parameter_units.items() if name in parameters}
    return replace(data, parameters=parameters, parameter_units=units, roles=dict.fromkeys(parameters, "known"))


def test_a_trained_model_has_a_predictor(one):
    assert one.study.apply(one.job(0).config, _company(one.study.name)[1]) is not None


def test_training_changes_none_of_its_segments(one):
    segments = _segments(one.study.name)
    before = {name: array.copy() for name, array in segments.phases[0].items()}
    list(one.study.train([one.job(3)], lambda progress: True))
    assert same(segments.phases[0], before)


def test_a_new_seed_stales_no_segments(one):
    settings = one.model.segmentation()
    assert one.model.model_copy(update={"seed": 9}).segmentation() == settings


def test_validation_data_of_its_own_leave_all_trajectories_to_training(one):
    training, other = one.study.simulate(one.dataset), one.study.simulate(one.test)
    segments = one.study.segment(one.model.segmentation(), training, other)
    assert segments.usable and len(segments.train) == len(training.t)
    assert set(segments.validation) <= set(range(len(other.t))) and segments.counts[0]["validation_segments"] > 0


def test_what_segments_say_besides_arrays_goes_with_the_model(one):
    segments, trained = _segments(one.study.name), _company(one.study.name)[0]
    assert segments.meta.items() <= trained.meta.items() and segments.fitted.keys() <= trained.fitted.keys()


PLAIN = {"t": np.zeros((2, 3)), "y": np.zeros((2, 3, 1)), "names": ("x",), "units": ("m",), "time_unit": "s"}
MASSES = {"parameters": {"mass": np.ones(2), "drag": np.ones(2), "noise": np.ones(2)}}


def test_parameters_have_roles_and_without_one_are_unknown():
    data = Trajectories(**PLAIN, **MASSES, roles={"mass": "known", "noise": "nuisance"})
    by_role = {role: list(data.parameters_as(role)) for role in ("unknown", "known", "nuisance")}
    assert by_role == {"unknown": ["drag"], "known": ["mass"], "nuisance": ["noise"]}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"roles": {"weight": "known"}}, "roles names weight; expected mass, drag, noise"),
        ({"roles": {"mass": "hidden"}}, "roles: mass is 'hidden'; expected one of unknown, known, nuisance"),
        ({"parameter_units": {"weight": "kg"}}, "parameter_units names weight; expected mass, drag, noise"),
    ],
)
def test_a_role_or_unit_of_no_parameter_is_refused(changes, text):
    with pytest.raises(ValueError, match=text):
        Trajectories(**PLAIN, **MASSES, **changes)


def test_a_curriculum_gives_its_prefixes_and_where_a_longer_training_starts():
    model = ModelConfig.model_validate({"phases": [{"steps": 20}, {"steps": 30}, {"steps": 40}], "width": 4})
    assert [[phase.steps for phase in prefix.phases] for prefix in model.prefixes()] == [[20], [20, 30]]
    key, steps = model.warm_start()
    assert steps == 40 and [phase.steps for phase in key.phases] == [20, 30, 1] and key.width == 4
    assert ModelConfigBase().prefixes() == () and ModelConfigBase().warm_start() is None


def test_without_a_promise_that_it_can_be_extended_a_training_starts_no_longer_one():
    from tests.plain_study.config import ModelConfig as Plain

    assert Plain().warm_start() is None and len(Plain(phases=({"steps": 1}, {"steps": 2})).prefixes()) == 1


def test_every_status_is_settled_or_repeatable_or_ok():
    assert ("ok", *SETTLED, *REPEATABLE) == STATUSES and set(STATUSES) == {
        *get_args(Settled), *get_args(Repeatable), "ok",
    }  # fmt: skip
