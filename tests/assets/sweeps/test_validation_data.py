"""Validation data of its own: in the sweep file, in the identity, in what is made of what, and in the stages."""

import json

import numpy as np
import pytest

from assets.catalogue import StudyCatalogue
from assets.identity.items import dataset_item, model_item, segments_item
from assets.identity.labels import KEY
from assets.stages.freshness import Planner
from assets.stages.make import run
from assets.stages.tasks import Task, task_from_json, task_to_json
from assets.store.contract_files import read_segments, read_trained
from tests.toy_study import STUDY
from tests.toy_study.config import DatasetConfig, ModelConfig
from tests.toy_study.items import make, make_inputs, toy_evaluation
from trainers import STUDIES

pytest_plugins = ("tests.assets.sweep_fixtures",)

SWEEP = """
study: toy
description: Does validation data of its own help?
tests: [test]
base:
  dataset: {trajectories: 8}
  model: {validation: few, phases: [{steps: 20}]}
vary:
  model.seed: [0, 1]
"""
OTHER = DatasetConfig(trajectories=4, seed=7)


def model_of(validation: DatasetConfig | None, dataset: DatasetConfig = DatasetConfig(), **settings):
    form = None if validation is None else validation.model_dump(exclude_defaults=True)
    model = ModelConfig.model_validate({"validation": form, "phases": [{"steps": 20}], **settings})
    own = None if validation is None else dataset_item("toy", validation)
    return model_item(segments_item(dataset_item("toy", dataset), model.segmentation(), own), model)


def test_without_it_nothing_changes_its_address(home):
    plain = ModelConfig.model_validate({"phases": [{"steps": 20}]})
    segments = segments_item(dataset_item("toy", DatasetConfig()), plain.segmentation())
    assert model_of(None).hash == model_item(segments, plain).hash and model_of(None).validation is None


def test_a_preset_its_settings_and_a_file_are_all_datasets(home, sweep, tmp_path):
    by_name = sweep(SWEEP).rows[0].configuration.item
    assert by_name.validation == dataset_item("toy", STUDY.presets["few"])
    by_settings = sweep(SWEEP.replace("few", "{trajectories: 4}")).rows[0].configuration.item
    assert by_settings.hash == by_name.hash and by_settings == model_of(STUDY.presets["few"], DatasetConfig())
    items = []
    for place in ("here.npz", "there.npz"):
        np.savez(tmp_path / place, t=np.arange(9.0), x=np.arange(9.0), v=np.arange(9.0))
        columns = "columns: {x: x, v: v}, units: {x: m, v: m/s}, time_unit: s"
        file = f"{{file: '{tmp_path / place}', {columns}}}"
        items.append(sweep(SWEEP.replace("validation: few", f"validation: {file}")).rows[0].configuration.item)
    here, there = items
    assert here.hash == there.hash != by_name.hash and KEY.fullmatch(here.key)
    assert here.segments.hash == there.segments.hash and here.config != there.config


def test_it_may_stand_under_the_key_dataset(home, sweep, problems):
    named = sweep(SWEEP.replace("validation: few", "validation: {dataset: few}")).rows[0].configuration.item
    assert named == sweep(SWEEP).rows[0].configuration.item
    text = SWEEP.replace("model.seed: [0, 1]", "model.validation: [null, {dataset: few}]")
    assert [one.configuration.item.validation for one in sweep(text).rows] == [None, named.validation]
    (line,) = problems(SWEEP.replace("validation: few", "validation: {dataset: fex}"))
    assert line.startswith("one.yaml:7: model.validation: unknown dataset 'fex'; nearest: few")


def test_axes_reach_into_it_and_may_leave_it_out(home, sweep):
    text = SWEEP.replace("model.seed: [0, 1]", "model.validation.trajectories: [4, 5]")
    assert [row.configuration.item.validation.config for row in sweep(text).rows] == [
        {"trajectories": 4}, {"trajectories": 5},
    ]  # fmt: skip
    text = SWEEP.replace("model.seed: [0, 1]", "model.validation: [null, few, test]")
    rows = sweep(text).rows
    assert [getattr(row.configuration.item.validation, "hash", None) for row in rows] == [
        None, *(dataset_item("toy", STUDY.presets[name]).hash for name in ("few", "test")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("validation", "line"),
    [
        ("fex", "one.yaml:7: model.validation: unknown dataset 'fex'; nearest: few"),
        ("3", "one.yaml:7: model.validation: given 3; expected the name of a dataset or a mapping"),
        ("{trajectories: 0}", "one.yaml:7: model.validation.trajectories: given 0; expected greater"),
        ("{trajectorys: 3}", "one.yaml:7: model.validation.trajectorys: unknown key"),
        ("{trajectories: 8}", "one.yaml:7: model.validation: given the training dataset; expected another one"),
        ("{}", "one.yaml:7: model.validation: given the training dataset; expected another one"),
    ],
)
def test_what_is_wrong_with_it_has_its_line(home, problems, validation, line):
    (problem,) = problems(SWEEP.replace("few", validation))
    assert problem.startswith(line)


def test_a_split_of_the_training_data_beside_it_is_refused(home, problems, sweep):
    (line,) = problems(SWEEP.replace("validation: few", "validation: few, train_fraction: 0.5"))
    assert line == (
        "one.yaml:7: model: train_fraction is 0.5 beside `validation`, with which no training trajectory is held out; "
        "leave out train_fraction or validation"
    )
    default = sweep(SWEEP.replace("validation: few", "validation: few, train_fraction: 0.75"))
    assert default.rows[0].configuration.item.hash == sweep(SWEEP).rows[0].configuration.item.hash
    assert sweep(SWEEP.replace("validation: few", "train_fraction: 0.5")).rows


@pytest.mark.parametrize("study", STUDIES.values(), ids=list(STUDIES))
@pytest.mark.parametrize(("name", "value"), [("train_fraction", 0.5), ("split_by", "segment"), ("split_seed", 7)])
def test_no_study_takes_a_split_beside_it(study, name, value):
    if name not in study.model.model_fields:
        pytest.skip(f"{study.name} has no {name}")
    own = {"validation": {"seed": 5}}
    assert study.model.model_validate({name: value}) and study.model.model_validate(own)
    with pytest.raises(ValueError, match=f"{name} is .* beside `validation`"):
        study.model.model_validate({**own, name: value})


def test_segments_depend_on_both_datasets(home, sweep):
    loaded = sweep(SWEEP)
    catalogue = StudyCatalogue("toy", {"one": loaded})
    (segments,) = catalogue.segments
    data = loaded.rows[0].configuration.item.segments.inputs
    assert [catalogue.segments_by_dataset[one.key] for one in data] == [[segments], [segments]]
    assert {one.hash for one in data} <= {item.hash for item in loaded.items()["dataset"]}


def test_a_task_carries_it_to_a_worker(home):
    task = Task(model_of(OTHER), Planner(None).fingerprint(model_of(OTHER)))
    item = task_from_json(json.loads(json.dumps(task_to_json(task)))).item
    assert item.validation == model_of(OTHER).validation and item.validation.identity == {"trajectories": 4, "seed": 7}


def test_all_training_trajectories_train_and_the_others_validate(store):
    model = model_of(OTHER)
    make_inputs(store, model)
    assert [one.status for one in make(store, model, toy_evaluation(model))] == ["ok", "ok"]
    segments = read_segments(store.open(*model.segments.address))
    assert (list(segments.train), list(segments.validation)) == (list(range(8)), list(range(4)))
    own = STUDY.simulate(OTHER)
    assert np.array_equal(segments.phases[0]["validation/y"][:, 0], own.y[:, ::8].reshape(-1, 2))
    assert segments.fitted["scale"] == np.abs(STUDY.simulate(DatasetConfig()).y).max()
    trained = read_trained(store.open(*model.address))
    assert trained.meta == segments.meta == {"problem": "oscillator"}
    held_out = model_of(None)
    make_inputs(store, held_out)
    make(store, held_out)
    other = read_trained(store.open(*held_out.address)).history
    assert not np.allclose(trained.history["validation_loss"], other["validation_loss"])


def test_what_changes_it_stales_segments_and_model(store):
    model = model_of(OTHER)
    make_inputs(store, model)
    make(store, model)
    states = [Planner(store).verdict(one).state for one in (*model.upstream(), model)]
    assert states == ["fresh"] * 4
    store.remove(*model.validation.address)
    planner = Planner(store)
    assert planner.verdict(model.dataset).state == "fresh"
    assert [planner.verdict(one).state for one in (model.validation, model.segments, model)] == [
        "missing", "stale", "stale",
    ]  # fmt: skip


def test_a_trajectory_that_trains_cannot_validate(store):
    """The first trajectories of a larger set are the smaller set: another address, the same data."""
    model = model_of(DatasetConfig(trajectories=3))
    planner = Planner(store)
    *_, outcome = (run(one, planner.fingerprint(one), store) for one in model.upstream())
    assert (
        outcome.status == "failed" and "3 of 3 validation trajectories train as well, number 0 first" in outcome.detail
    )


def test_a_shorter_training_with_other_validation_data_is_no_warm_start(store):
    short, longer = model_of(OTHER), model_of(None, phases=[{"steps": 40}])
    same = model_of(OTHER, phases=[{"steps": 40}])
    make_inputs(store, short, longer, same)
    make(store, short, longer, same)
    assert "resumed" not in store.manifest(*longer.address)
    manifests = [store.manifest(*one.address) for one in (longer, same)]
    assert [short.hash in json.dumps(one) for one in manifests] == [False, True]
