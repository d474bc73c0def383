"""What goes on is what would have been made at once, bit for bit: after a stop, from a prefix, with more steps."""

from dataclasses import replace

import pytest

from assets.identity.items import dataset_item, model_hash, model_item, segments_item
from assets.stages.freshness import Planner
from assets.stages.make import run
from assets.stages.warm_start import WarmStart
from assets.store.contract_files import read_trained
from tests.toy_study import STUDY
from tests.toy_study.items import make, make_inputs, tasks_of, toy_model
from tests.two_body.problem_set import small
from trainers import STUDIES
from trainers.two_body.config import DatasetConfig as Orbits
from trainers.two_body.config import Phase

FIRST = {"steps": 20}
SECOND = {"steps": 30, "segment_length": 4}


def stored(store, item):
    """Return weights, resumable state and history of a stored model."""
    artifact = store.open(*item.address)
    trained = read_trained(artifact)
    return {**trained.weights, **{f"state/{name}": array for name, array in trained.state.items()}}, trained.history


def assert_same_bits(training, expected):
    (arrays, history), (expected_arrays, table) = training, expected
    assert arrays.keys() == expected_arrays.keys()
    assert not [name for name in expected_arrays if arrays[name].tobytes() != expected_arrays[name].tobytes()]
    assert history.equals(table)


def made_at_once(store, item, monkeypatch):
    """Return the model as trained without a look at anything stored."""
    with monkeypatch.context() as patch:
        patch.setattr(WarmStart, "longest_prefix", lambda self: None)
        assert make(store, item)[0].status == "ok"
    assert "continued" not in store.manifest(*item.address)
    training = stored(store, item)
    store.remove(*item.address)
    return training


def forget_phase_ends(store):
    for hash in store.hashes("toy", "state"):
        store.remove("toy", "state", hash)


def continued(store, item):
    assert make(store, item)[0].status == "ok"
    return store.manifest(*item.address).get("continued")


@pytest.fixture
def longer(store):
    item = toy_model(phases=[FIRST, SECOND, {"steps": 10}])
    make_inputs(store, item)
    return item


def test_more_phases_continue_from_the_longest_stored_model(store, longer, monkeypatch):
    expected = made_at_once(store, longer, monkeypatch)
    short, middle = toy_model(phases=[FIRST]), toy_model(phases=[FIRST, SECOND])
    make_inputs(store, short, middle)
    for item, origin in ((short, None), (middle, short), (longer, middle)):
        forget_phase_ends(store)
        origin_of_start = continued(store, item)
        assert origin_of_start == (origin and {"layer": "model", "hash": origin.hash, "key": origin.key})
    assert_same_bits(stored(store, longer), expected)


def test_a_training_continues_from_a_phase_end_that_another_one_stored(store, longer, monkeypatch):
    other = toy_model(phases=[FIRST, SECOND, {"steps": 15, "learning_rate": 0.01}])
    make_inputs(store, other)
    expected = made_at_once(store, other, monkeypatch)
    forget_phase_ends(store)
    make(store, longer)
    assert len(store.hashes("toy", "state")) == 2
    middle = toy_model(phases=[FIRST, SECOND])
    assert continued(store, other) == {"layer": "state", "hash": middle.hash, "key": middle.key}
    assert_same_bits(stored(store, other), expected)


@pytest.mark.parametrize("phases", [[{"steps": 60}], [{"steps": 60}, SECOND]])
def test_more_steps_continue_from_the_longest_shorter_training(store, phases, monkeypatch):
    longer = toy_model(phases=phases)
    shorter = [toy_model(phases=[{"steps": steps}]) for steps in (20, 40, 80)]
    make_inputs(store, longer, *shorter)
    expected = made_at_once(store, longer, monkeypatch)
    forget_phase_ends(store)
    make(store, *shorter)
    assert continued(store, longer)["hash"] == shorter[1].hash
    assert_same_bits(stored(store, longer), expected)


@pytest.mark.parametrize("change", ["code", "data", "status", "bits"])
def test_no_training_continues_from_a_model_of_other_code_or_data(store, longer, change, monkeypatch):
    short = toy_model(phases=[FIRST])
    make_inputs(store, short)
    make(store, short)
    (task,) = tasks_of(store, [longer])
    if change == "code":
        task = replace(task, fingerprint=replace(task.fingerprint, code="another"))
    elif change == "data":
        monkeypatch.setattr(WarmStart, "data", lambda self, phases: "another")
    elif change == "status":
        store.remove(*short.address)
        run(short, tasks_of(store, [short])[0].fingerprint, store, lambda progress: True)
        assert store.manifest(*short.address)["status"] == "interrupted"
    else:
        path = store.path(*short.address) / "state.safetensors"
        path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    assert run(longer, task.fingerprint, store).status == "ok"
    assert "continued" not in store.manifest(*longer.address)


def test_a_stop_between_phases_loses_no_step(store, longer, monkeypatch):
    """The checkpoint of the stopped training goes before a shorter prefix."""
    expected = made_at_once(store, longer, monkeypatch)
    forget_phase_ends(store)
    (task,) = tasks_of(store, [longer])
    assert run(longer, task.fingerprint, store, lambda progress: progress.step >= 30).status == "interrupted"
    steps: list[int] = []
    assert run(longer, task.fingerprint, store, lambda progress: bool(steps.append(progress.step))).status == "ok"
    assert "continued" not in store.manifest(*longer.address)
    assert store.manifest(*longer.address)["resumed"]["step"] == 30 < min(steps)
    assert_same_bits(stored(store, longer), expected)


def test_the_state_of_a_phase_end_has_the_address_of_the_shorter_configuration(store, longer):
    make(store, longer)
    short = toy_model(phases=[FIRST])
    manifest = store.manifest("toy", "state", short.hash)
    assert manifest["config"] == dict(short.config) and manifest["step"] == 20
    assert model_hash(longer.segments, STUDY.model.model_validate(short.config)) == short.hash


def test_the_state_is_kept_where_a_run_stops_at_a_full_disk(store, longer, monkeypatch):
    """A phase end that cannot be stored is a full disk of this configuration, and the next run goes on."""
    with monkeypatch.context() as patch:
        patch.setattr(
            WarmStart, "store_phase_end", lambda self, progress: (_ for _ in ()).throw(OSError(28, "No space left"))
        )
        assert make(store, longer)[0].status == "disk_full"
    assert make(store, longer)[0].status == "ok"


# -- the two-body study: every schedule -------------------------------------------------------------------------------


def orbit_model(*phases):
    study, dataset = STUDIES["two_body"], Orbits(orbits=3, points=60)
    model = small(phases=phases, train_fraction=0.7)
    return model_item(segments_item(dataset_item(study.name, dataset), model.segmentation()), model)


def orbit_made(store, *items):
    planner = Planner(store, STUDIES)
    needed = dict.fromkeys(one for item in items for one in (*item.upstream(), item))
    for item in needed:
        if planner.verdict(item).state != "fresh":
            assert run(item, planner.fingerprint(item), store).status == "ok"
    return [stored(store, item) for item in items]


def phase(steps, schedule, rate=0.05):
    return Phase(steps=steps, schedule=schedule, learning_rate=rate, segment_length=5)


@pytest.mark.training
@pytest.mark.parametrize("schedule", ["constant", "plateau", "cosine", "warmup_cosine"])
def test_a_further_phase_continues_under_every_schedule(store, tmp_path, schedule):
    """Each phase starts its schedule anew, so that a further phase changes nothing of those before."""
    short, longer = orbit_model(phase(8, schedule)), orbit_model(phase(8, schedule), phase(12, schedule))
    orbit_made(store, short)
    (training,) = orbit_made(store, longer)
    assert store.manifest(*longer.address)["continued"]["hash"] == short.hash
    (expected,) = orbit_made(type(store)(tmp_path / "alone"), longer)
    assert_same_bits(training, expected)


@pytest.mark.training
@pytest.mark.parametrize("schedule", ["constant", "plateau"])
def test_more_steps_continue_where_the_schedule_does_not_depend_on_the_end(store, tmp_path, schedule):
    short, longer = orbit_model(phase(40, schedule, 3.0)), orbit_model(phase(64, schedule, 3.0))
    orbit_made(store, short)
    (training,) = orbit_made(store, longer)
    assert store.manifest(*longer.address)["continued"]["hash"] == short.hash
    (expected,) = orbit_made(type(store)(tmp_path / "alone"), longer)
    assert_same_bits(training, expected)
    if schedule == "plateau":
        assert training[1]["learning_rate"].min() < 3.0


@pytest.mark.training
@pytest.mark.parametrize(("steps", "schedule"), [(8, "cosine"), (8, "warmup_cosine"), (9, "constant")])
def test_more_steps_begin_anew_where_the_schedule_depends_on_the_end(store, steps, schedule):
    """A cosine knows its end; a phase that ends between two checks has a check that the longer one does not."""
    short, longer = orbit_model(phase(steps, schedule)), orbit_model(phase(16, schedule))
    orbit_made(store, short)
    (training,) = orbit_made(store, longer)
    assert "continued" not in store.manifest(*longer.address)
    rates = [history["learning_rate"].iloc[steps - 1] for _, history in (*orbit_made(store, short), training)]
    assert (rates[0] != rates[1]) == (schedule != "constant")
