import gc
import json
import signal
from itertools import islice

import numpy as np
import pytest

from assets.home.checkpoints import Checkpoints
from assets.stages import inputs
from assets.stages.freshness import Planner
from assets.stages.make import run, run_together
from assets.store.contract_files import read_trained
from tests.toy_study import STUDY
from tests.toy_study.config import DatasetConfig
from tests.toy_study.items import TEST, make, make_inputs, tasks_of, toy_evaluation, toy_model
from tests.toy_study.train import train


def weights(store, item):
    return {name: array.tobytes() for name, array in store.open(*item.address).arrays("weights").items()}


def test_a_chain_from_dataset_to_evaluation(store):
    model = toy_model()
    evaluation = toy_evaluation(model)
    make_inputs(store, model)
    outcomes = make(store, model, evaluation)
    assert [(o.status, o.place.stage) for o in outcomes] == [("ok", "train"), ("ok", "evaluate")]
    assert outcomes[0].place.step == 60
    manifest = store.manifest(*model.address)
    assert manifest["seed"] == 0 and manifest["counts"] == {"parameters": 32, "steps": 60}
    assert {"inputs", "train", "cpu"} <= manifest["timings"].keys()
    assert manifest["numbers"]["final_loss"] > 0
    numbers = store.manifest(*evaluation.address)["numbers"]
    assert numbers["headline"] == numbers["step_error"] < numbers["baseline"]
    planner = Planner(store, {STUDY.name: STUDY})
    assert {planner.verdict(item).state for item in (*evaluation.upstream(), evaluation)} == {"fresh"}


def test_no_usable_segment_is_a_settled_row(store):
    model = toy_model(phases=[{"segment_length": 8}, {"segment_length": 64}])
    make_inputs(store, model)
    (outcome,) = make(store, model)
    assert (outcome.status, outcome.place.phase) == ("skipped:zero_segments", 1)
    assert "segment_length 64" in outcome.detail
    assert Planner(store, {STUDY.name: STUDY}).verdict(model).state == "settled"


def test_a_model_without_usable_segments_spares_those_that_are_made_with_it(store):
    empty = toy_model(phases=[{"segment_length": 64}])
    models = (empty, *(toy_model(seed=seed, together=2) for seed in (0, 1)))
    make_inputs(store, *models)
    outcomes = {one.item: one.status for one in run_together(tasks_of(store, models), store)}
    assert [outcomes[model] for model in models] == ["skipped:zero_segments", "ok", "ok"]


@pytest.mark.parametrize(
    ("behaviour", "status", "step", "detail"),
    [
        ("diverge", "diverged", 30, "the loss is nan"),
        ("memory", "oom", 20, "MemoryError: no room for the gradients"),
        ("raise", "failed", 20, "ValueError: the teapot is empty"),
    ],
)
def test_an_end_that_is_not_good_is_a_row(store, behaviour, status, step, detail):
    model = toy_model(behaviour=behaviour)
    make_inputs(store, model)
    (outcome,) = make(store, model)
    assert (outcome.status, outcome.place.step, outcome.detail) == (status, step, detail)
    artifact = store.open(*model.address)
    failure = artifact.manifest["failure"]
    assert (artifact.manifest["status"], failure["stage"], failure["step"]) == (status, "train", step)
    if behaviour == "diverge":
        assert len(read_trained(artifact).history) == 30
    else:
        assert detail in artifact.text("traceback")
        assert artifact.manifest["numbers"]["last_loss"] > 0
    assert make(store, toy_evaluation(model))[0].detail.startswith("Missing: model")


@pytest.mark.parametrize(("yielded", "ends"), [(0, ["failed", "failed"]), (1, ["ok", "ok"])])
def test_a_job_without_an_outcome_is_a_row(store, monkeypatch, yielded, ends):
    models = [toy_model(seed=seed) for seed in range(2)]
    make_inputs(store, *models)
    monkeypatch.setattr("tests.toy_study.train.train", lambda jobs, report: islice(train(jobs, report), yielded))
    outcomes = list(run_together(tasks_of(store, models), store))
    assert [outcome.status for outcome in outcomes] == ends
    assert all("expected one for each" in outcome.detail for outcome in outcomes if outcome.status == "failed")


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_caller_that_takes_no_further_outcomes_gets_no_error(store):
    models = [toy_model(seed=seed) for seed in range(2)]
    make_inputs(store, *models)
    outcomes = run_together(tasks_of(store, models), store)
    assert next(outcomes).status == "ok"
    outcomes.close()
    gc.collect()


def test_a_missing_input_says_what_to_do(store):
    (outcome,) = make(store, toy_model())
    assert outcome.status == "failed" and "is not in the store; run the sweep" in outcome.detail


def test_an_input_that_changed_since_the_plan_is_refused(store):
    model = toy_model()
    make_inputs(store, model)
    (task,) = tasks_of(store, [model])
    task.fingerprint.inputs[f"segments/{model.segments.hash}"] = "older"
    assert "was made again since this run was planned" in run(model, task.fingerprint, store).detail


def test_a_good_artifact_outlives_a_failed_repetition(store):
    model = toy_model()
    make_inputs(store, model)
    make(store, model)
    store.remove(*model.segments.address)
    assert make(store, model)[0].status == "failed"
    assert store.manifest(*model.address)["status"] == "ok"


def test_inputs_are_read_once_and_cannot_be_written_to(store):
    models = [toy_model(seed=seed) for seed in range(3)]
    make_inputs(store, *models)
    inputs._load.cache_clear()
    make(store, *models)
    assert inputs._load.cache_info().misses == 1
    (task,) = tasks_of(store, [models[0]])
    (segments,) = inputs.read_inputs(models[0], task.fingerprint, store)
    with pytest.raises(ValueError, match="read-only"):
        segments.phases[0]["train/y"][0] = 0


def test_a_training_that_is_asked_to_stop_resumes_to_the_same_bits(store, home):
    whole = toy_model(phases=[{"steps": 40}, {"steps": 40, "segment_length": 4}])
    make_inputs(store, whole)
    (task,) = tasks_of(store, [whole])
    answers = iter([False] * 4 + [True])
    stopped = run(whole, task.fingerprint, store, lambda progress: next(answers))
    assert (stopped.status, stopped.place.phase, stopped.place.step) == ("interrupted", 1, 50)
    assert read_trained(store.open(*whole.address)).stopped
    assert [p.name for p in sorted((home / "checkpoints" / "toy" / whole.hash).iterdir())] == [
        "000000040.safetensors",
        "000000050.safetensors",
    ]
    assert make(store, whole)[0].status == "ok"
    resumed, manifest = weights(store, whole), store.manifest(*whole.address)
    history = read_trained(store.open(*whole.address)).history
    assert manifest["resumed"] == {"step": 50, "refused": []}
    assert not (home / "checkpoints" / "toy" / whole.hash).exists()
    store.remove(*whole.address)
    make(store, whole)
    assert weights(store, whole) == resumed
    assert history.equals(read_trained(store.open(*whole.address)).history)


@pytest.fixture
def two_checkpoints(store):
    model = toy_model(phases=[{"steps": 40}, {"steps": 40}])
    make_inputs(store, model)
    (task,) = tasks_of(store, [model])
    answers = iter([False] * 4 + [True])
    run(model, task.fingerprint, store, lambda progress: next(answers))
    return Checkpoints("toy", model.hash, task.fingerprint.value)


def test_a_damaged_checkpoint_gives_way_to_the_one_before(two_checkpoints):
    newest = two_checkpoints.directory / "000000050.safetensors"
    data = bytearray(newest.read_bytes())
    data[-3] ^= 1
    newest.write_bytes(data)
    restored = two_checkpoints.newest()
    assert (restored.step, restored.refusals) == (40, ("000000050.safetensors: its arrays differ from its sum",))
    newest.write_bytes(data[: len(data) // 2])
    assert two_checkpoints.newest().step == 40
    newest.write_bytes(b"")
    assert two_checkpoints.newest().step == 40


def test_a_foreign_checkpoint_is_refused(two_checkpoints):
    for name in ("hash", "fingerprint"):
        other = Checkpoints("toy", two_checkpoints.hash, two_checkpoints.fingerprint)
        directory = other.directory
        setattr(other, name, "f" * 12)
        other.directory.parent.mkdir(exist_ok=True)
        if name == "hash":
            directory.rename(other.directory)
        restored = other.newest()
        assert restored.state is None and f"belongs to {name}" in restored.refusals[0]
        if name == "hash":
            other.directory.rename(directory)


def test_one_file_more_than_two_is_not_kept(two_checkpoints):
    two_checkpoints._write({"a": np.zeros(2)}, 1, 60)
    assert [path.stem for path in two_checkpoints._files()] == ["000000050", "000000060"]


def test_manifests_carry_no_surprise(store):
    handler = signal.getsignal(signal.SIGTERM)
    make(store, TEST)
    manifest = store.manifest(*TEST.address)
    assert json.dumps(manifest, allow_nan=False)
    assert (manifest["seed"], manifest["rows"], manifest["device"]) == (1000, 4, "cpu")
    assert DatasetConfig.model_validate(manifest["config"]).trajectories == 4
    assert signal.getsignal(signal.SIGTERM) == handler
