"""What one launch shares, and what it forgets."""

from pathlib import Path

import pytest

from assets.launch import Launch, launching, present_launch
from assets.store.lookup import hash_named, hashes_named
from assets.store.store import Missing, Store
from assets.sweeps.sweep import Configuration, Row, Sweep
from tests.toy_study import STUDY
from tests.toy_study.config import DatasetConfig, ModelConfig
from tests.toy_study.items import TEST, make, make_inputs, toy_evaluation, toy_model
from trainers import STUDIES


@pytest.fixture
def toy(fresh_home, monkeypatch):
    monkeypatch.setitem(STUDIES, STUDY.name, STUDY)
    return toy_model(phases=[{"steps": 20}])


def sweep_of(model) -> Sweep:
    config = ModelConfig.model_validate({"phases": [{"steps": 20}]})
    row = Row(Configuration("toy", DatasetConfig(), config, model), {}, (toy_evaluation(model),))
    return Sweep("toy/one", "toy", Path("one.yaml"), "", {"test": TEST}, (row,), ())


def test_within_a_block_there_is_one_launch_and_outside_each_has_its_own(fresh_home):
    assert present_launch() is not present_launch()
    with launching() as outer:
        assert present_launch() is outer
        with launching() as inner:
            assert inner is outer
        assert present_launch() is outer
    assert present_launch() is not outer


def test_a_planner_judges_anew_only_what_was_made(toy):
    launch = Launch()
    evaluation, segments = toy_evaluation(toy), toy.segments
    make_inputs(launch.store, toy)
    assert launch.planner.verdict(evaluation).state == "missing"
    before = launch.planner.verdict(segments)
    make(launch.store, toy)
    assert launch.planner.verdict(toy).state == "missing", "nobody has said that it was made"
    launch.forget([toy])
    assert launch.planner.verdict(toy).state == "fresh"
    assert launch.planner.verdict(segments) is before


def test_a_report_is_written_once_until_something_is_made(toy, monkeypatch):
    launch, sweep, written = Launch(), sweep_of(toy), []
    monkeypatch.setattr(
        "assets.report.sweep_report.write", lambda experiment: written.append(experiment) or len(written)
    )
    assert launch.report(sweep) == launch.report(sweep_of(toy)) == 1
    launch.forget([toy])
    assert launch.report(sweep) == 2 and written == [written[0], launch.experiment(sweep)]


def test_an_experiment_is_read_once_until_something_is_made(toy):
    launch, sweep = Launch(), sweep_of(toy)
    experiment = launch.experiment(sweep)
    assert launch.experiment(sweep_of(toy)) is experiment and experiment.planner is launch.planner
    assert experiment.status(sweep.rows[0]) == "missing"
    make_inputs(launch.store, toy)
    make(launch.store, toy, toy_evaluation(toy))
    launch.forget([toy, toy_evaluation(toy), *toy.upstream(), TEST])
    assert launch.experiment(sweep) is not experiment
    assert launch.experiment(sweep).status(sweep.rows[0]) == "ok"


def test_a_stored_artifact_is_found_by_any_beginning_that_is_not_ambiguous(toy):
    store, other = Store(), toy_model(seed=1, phases=[{"steps": 20}])
    make_inputs(store, toy, other)
    make(store, toy, other)
    for name in (toy.hash, toy.hash[:8], toy.hash[:5], toy.key, f"any-label-{toy.hash[:8]}", f"x-{toy.hash}"):
        assert hash_named(store, "toy", "model", name) == toy.hash, name
    assert len(hashes_named(store, "toy", "model", toy.label[:3])) == 2
    with pytest.raises(Missing, match=r"may be one of 2 of toy/model: .*give the whole hash"):
        hash_named(store, "toy", "model", toy.label[:3])
    for name in ("", "nothing", "label-00000000", "../x"):
        with pytest.raises(Missing, match="is not in the store"):
            hash_named(store, "toy", "model", name)
