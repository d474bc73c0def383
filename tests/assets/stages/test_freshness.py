"""What is fresh, what would run, and why."""

import time
from dataclasses import replace

import pandas as pd
import pytest

from assets.identity.canonical import digest
from assets.identity.items import dataset_item, evaluation_item, model_item, segments_item
from assets.stages import freshness
from assets.stages.freshness import Planner, plan_sweep
from assets.stages.making import origin_fields
from assets.store.store import Store
from assets.sweeps.file_dataset import FileDataset
from assets.sweeps.sweep import Configuration, Row, Sweep
from tests.toy_study import STUDY
from tests.toy_study.config import DatasetConfig, ModelConfig
from trainers.study import REPEATABLE, SETTLED

TEST = dataset_item("toy", DatasetConfig(trajectories=4, seed=1000))
LAYERS = ("dataset", "segments", "model", "evaluation")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def versions(monkeypatch):
    """Code versions by stage that a test can change."""
    digests = dict.fromkeys(("simulate", "segment", "train", "evaluate"), "1")
    monkeypatch.setattr(freshness, "code_version", lambda study, stage, names, locate: digest(stage, digests[stage]))
    return digests


def chain(test=TEST, **settings):
    """Return the four items of a configuration by layer."""
    dataset, model = DatasetConfig(), ModelConfig(**settings)
    below = dataset_item("toy", dataset)
    segments = segments_item(below, model.segmentation())
    trained = model_item(segments, model)
    return {
        "dataset": below,
        "segments": segments,
        "model": trained,
        "evaluation": evaluation_item(trained, "test", test),
    }


def planner(store: Store) -> Planner:
    return Planner(store, {"toy": STUDY})


def put(store: Store, *items, status="ok", **fields) -> None:
    """Store items as made of what they are made of today."""
    for item in items:
        with store.writing(*item.address) as draft:
            draft.manifest |= origin_fields(item, planner(store).fingerprint(item)) | {"status": status, **fields}
            draft.text("content", item.key)


def states(store: Store, items) -> dict[str, str]:
    judge = planner(store)
    return {layer: judge.verdict(item).state for layer, item in items.items()}


def reason(store: Store, item) -> str:
    return planner(store).verdict(item).reason


@pytest.fixture
def stored_chain(store, versions):
    items = chain()
    put(store, *items.values(), TEST)
    return items


def test_nothing_stored_is_missing(store, versions):
    items = chain()
    assert states(store, items) == dict.fromkeys(LAYERS, "missing")
    assert reason(store, items["model"]) == "nothing stored"
    assert all(planner(store).verdict(item).due for item in items.values())


def test_what_is_stored_is_fresh(store, stored_chain):
    assert states(store, stored_chain) == dict.fromkeys(LAYERS, "fresh")
    assert not any(planner(store).verdict(item).due for item in stored_chain.values())


EDITS = [
    ("simulate", ["stale", "stale", "stale", "stale"]),
    ("segment", ["fresh", "stale", "stale", "stale"]),
    ("train", ["fresh", "fresh", "stale", "stale"]),
    ("evaluate", ["fresh", "fresh", "fresh", "stale"]),
]


@pytest.mark.parametrize(("stage", "expected"), EDITS, ids=[edit[0] for edit in EDITS])
def test_edited_code_stales_its_layer_and_what_is_made_of_it(store, stored_chain, versions, stage, expected):
    versions[stage] = "2"
    assert list(states(store, stored_chain).values()) == expected
    layer = LAYERS[expected.index("stale")]
    assert reason(store, stored_chain[layer]) == f"the code of stage `{stage}` changed"
    for above in LAYERS[expected.index("stale") + 1 :]:
        assert "will be made" in reason(store, stored_chain[above])


def test_a_shared_planner_reads_the_store_again_after_forget_and_refresh(store, stored_chain):
    shared, other = planner(store), chain(seed=1)
    put(store, *other.values())
    states = {layer: shared.verdict(item).state for layer, item in stored_chain.items()}
    assert states == dict.fromkeys(LAYERS, "fresh") and shared.verdict(other["model"]).state == "fresh"
    for items in (stored_chain, other):
        store.remove(*items["model"].address)
    assert shared.verdict(stored_chain["model"]).state == "fresh"
    shared.forget([stored_chain["model"]])
    assert (shared.verdict(stored_chain["model"]).state, shared.verdict(stored_chain["evaluation"]).state) == (
        "missing",
        "stale",
    )
    assert shared.verdict(other["evaluation"]).state == "fresh"
    shared.refresh()
    assert (shared.verdict(other["model"]).state, shared.verdict(other["evaluation"]).state) == ("missing", "stale")


def test_a_shared_planner_notices_edits_when_it_rereads_the_code(store, stored_chain, versions):
    shared = planner(store)
    states = lambda: [shared.verdict(item).state for item in stored_chain.values()]  # noqa: E731
    assert states() == ["fresh"] * 4 and not shared.reread_code()
    versions["train"] = "2"
    assert states() == ["fresh"] * 4
    assert shared.reread_code()
    assert states() == ["fresh", "fresh", "stale", "stale"]


def test_an_edit_and_its_undoing_leave_everything_fresh(store, stored_chain, versions):
    versions["train"] = "2"
    assert states(store, stored_chain)["model"] == "stale"
    versions["train"] = "1"
    assert states(store, stored_chain)["model"] == "fresh"


def test_a_remade_input_is_named(store, stored_chain, versions):
    versions["simulate"] = "2"
    put(store, stored_chain["dataset"], TEST)
    assert reason(store, stored_chain["segments"]) == f"its inputs changed: dataset/{stored_chain['dataset'].hash}"


def test_a_new_test_set_only_evaluates(store, stored_chain):
    other = dataset_item("toy", DatasetConfig(trajectories=5, seed=1000))
    after = states(store, chain(test=other))
    assert (after["model"], after["evaluation"]) == ("fresh", "missing")


def test_a_new_seed_only_trains_and_evaluates(store, stored_chain):
    assert list(states(store, chain(seed=1)).values()) == ["fresh", "fresh", "missing", "missing"]


@pytest.mark.parametrize("status", SETTLED)
def test_a_settled_failure_is_not_repeated_and_blocks_what_needs_it(store, stored_chain, versions, status):
    put(store, stored_chain["model"], status=status, failure={"detail": "the loss is nan"})
    assert states(store, stored_chain) == {
        "dataset": "fresh",
        "segments": "fresh",
        "model": "settled",
        "evaluation": "blocked",
    }
    assert reason(store, stored_chain["model"]) == f"{status}: the loss is nan"
    assert "the loss is nan" in reason(store, stored_chain["evaluation"])
    versions["train"] = "2"
    assert states(store, stored_chain)["model"] == "stale"


def test_a_settled_dataset_blocks_everything_above(store, stored_chain):
    put(store, stored_chain["dataset"], status="solver_failed", failure={"detail": "collision"})
    assert list(states(store, stored_chain).values()) == ["settled", "blocked", "blocked", "blocked"]


@pytest.mark.parametrize("status", REPEATABLE)
def test_a_failure_of_the_surroundings_is_tried_again(store, stored_chain, status):
    put(store, stored_chain["model"], status=status, failure={"detail": "no room"})
    assert states(store, stored_chain)["model"] == "retry"
    assert reason(store, stored_chain["model"]) == f"{status} last time: no room"
    assert states(store, stored_chain)["evaluation"] == "stale"


def test_damage_stales_only_what_is_downstream(store, stored_chain):
    (store.path(*stored_chain["segments"].address) / "content.txt").write_text("")
    assert list(states(store, stored_chain).values()) == ["fresh", "damaged", "stale", "stale"]
    assert "content.txt has 0 bytes" in reason(store, stored_chain["segments"])


def test_a_removed_dataset_is_made_again_with_all_above(store, stored_chain):
    store.remove(*stored_chain["dataset"].address)
    assert list(states(store, stored_chain).values()) == ["missing", "stale", "stale", "stale"]


def test_a_settings_hash_of_the_identity_alone_decides_the_configuration(store, stored_chain):
    moved = replace(stored_chain["dataset"], label="other", config={**stored_chain["dataset"].config})
    assert planner(store).fingerprint(moved) == planner(store).fingerprint(stored_chain["dataset"])


def test_a_dataset_file_is_fresh_wherever_it_lies_and_whatever_the_code(store, versions, tmp_path):
    def described(folder):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "runs.csv"
        pd.DataFrame({"t": [0.0, 1.0], "x": [1.0, 2.0]}).to_csv(path)
        return FileDataset(file=str(path), columns={"x": "x"}, units={"x": "m"}, time_unit="s")

    put(store, dataset_item("toy", described("here")))
    versions["simulate"] = "2"
    assert planner(store).verdict(dataset_item("toy", described("there"))).state == "fresh"


def test_names_of_a_configuration_include_defaults_and_those_of_its_inputs():
    names = planner(Store())._names_of(chain(behaviour="slow")["evaluation"])
    assert {"slow", "network"} <= names
    assert "train" not in names


def test_the_real_code_has_a_version_for_every_stage(store):
    judge = planner(store)
    codes = {judge.fingerprint(item).code for item in chain().values()}
    assert len(codes) == 4


def sweep_of(rows: list[Row]) -> Sweep:
    return Sweep("toy/big", "toy", None, "", {"test": TEST}, tuple(rows), ("seed",))


def row(**settings) -> Row:
    items, model = chain(**settings), ModelConfig(**settings)
    configuration = Configuration("toy", DatasetConfig(), model, items["model"])
    return Row(configuration, {}, (items["evaluation"],))


def test_a_sweep_is_planned_by_layer(store, stored_chain, monkeypatch):
    monkeypatch.setitem(freshness.STUDIES, "toy", STUDY)
    plan = plan_sweep(sweep_of([row(), row(seed=1)]), store)
    assert {layer: [verdict.state for verdict in verdicts] for layer, verdicts in plan.items()} == {
        "dataset": ["fresh", "fresh"],
        "segments": ["fresh"],
        "model": ["fresh", "missing"],
        "evaluation": ["fresh", "missing"],
    }


@pytest.mark.exhaustive
def test_six_thousand_stored_configurations_are_planned_in_three_seconds(store, versions, monkeypatch):
    monkeypatch.setitem(freshness.STUDIES, "toy", STUDY)
    monkeypatch.setattr("os.fsync", lambda handle: None)
    rows = [row(seed=seed, phases=[{"segment_length": 2 + seed // 2}]) for seed in range(6000)]
    big = sweep_of(rows)
    put(store, *(item for items in big.items().values() for item in items))
    started = time.process_time()
    plan = plan_sweep(big, store)
    seconds = time.process_time() - started
    assert {verdict.state for verdicts in plan.values() for verdict in verdicts} == {"fresh"}
    assert seconds < 3.0, f"{seconds:.1f} s"
