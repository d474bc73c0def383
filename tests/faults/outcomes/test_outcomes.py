"""Every configuration ends as one of a small set of statuses, on its own: impossible, diverging, out of memory."""

import math
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from assets.checks import check_disk
from assets.home import disk_space
from assets.store.contract_files import read_trained
from assets.store.store import Store, StoreError
from tests.faults.project import PlainProject

MIXED = """case:
    good: {model: {seed: 1}}
    fair: {model: {seed: 2}}
    impossible: {model: {phases: [{steps: 20, segment_length: 60}]}}
    diverging: {model: {phases: [{steps: 200, learning_rate: 10.0}]}}
    wild: {model: {phases: [{steps: 200, learning_rate: 12.0}]}}
    hungry: {model: {memory: true}}
"""

STATES = {"ok": 2, "skipped:zero_segments": 1, "diverged": 2, "oom": 1}


@pytest.fixture(scope="module")
def mixed(module_project: PlainProject) -> PlainProject:
    """A launch in which rows end in every way, of a user whose own places are empty."""
    module_project.sweep("mixed", axes=MIXED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        for variable in ("HOME", "TMPDIR"):
            (place := module_project.root / variable).mkdir()
            patch.setenv(variable, str(place))
        before = beside_the_home(module_project)
        module_project.output = module_project.orrery("run", "plain/mixed", code=1)
        module_project.strays = beside_the_home(module_project) - before
    return module_project


def beside_the_home(project: PlainProject) -> set[Path]:
    return {path for path in project.root.rglob("*") if not path.is_relative_to(project.home)}


def test_nothing_is_written_outside_the_home(mixed: PlainProject) -> None:
    assert mixed.strays == set() and len(list(mixed.home.rglob("*"))) > 50


def by_case(project: PlainProject) -> dict[str, dict]:
    return {row["case"]: row for row in project.json("table", "plain/mixed")}


def test_all_others_are_made_and_memory_is_tried_twice(mixed: PlainProject) -> None:
    assert "trained 2, evaluated 2, cached 0, failed 4" in mixed.output
    assert mixed.output.count(f"model {by_case(mixed)['hungry']['key']}: oom") == 2
    assert mixed.json("status", "plain/mixed")["sweeps"][0]["states"] == STATES
    assert mixed.tidy()


def test_failures_are_grouped_by_cause_with_what_they_share(mixed: PlainProject) -> None:
    causes = {cause["status"]: cause for cause in mixed.json("failures", "plain/mixed")["causes"]}
    assert {status: cause["count"] for status, cause in causes.items()} == {
        "diverged": 2,
        "skipped:zero_segments": 1,
        "oom": 1,
    }
    assert causes["diverged"]["common"]["model.phases[0].steps"] == 200
    assert "model.phases[0].learning_rate" not in causes["diverged"]["common"]
    assert all(row["step"] > 0 and row["last"]["last_loss"] > 1e5 for row in causes["diverged"]["rows"])
    assert causes["oom"]["rows"][0]["traceback"].endswith("traceback.txt")


def test_what_diverged_keeps_the_model_that_it_had(mixed: PlainProject) -> None:
    hash = by_case(mixed)["diverging"]["hash"]
    trained = read_trained(Store(mixed.home / "store").open("plain", "model", hash))
    assert len(trained.history) > 1 and trained.weights["best/map"].shape == (2, 2)


def test_only_what_may_end_otherwise_is_run_again(mixed: PlainProject) -> None:
    before = mixed.manifests()
    output = mixed.orrery("run", "plain/mixed", "--only-failed", code=1)
    assert output.count("model ") == 2 and f"model {by_case(mixed)['hungry']['key']}: oom" in output
    assert {k: v for k, v in mixed.manifests().items() if "leader" not in k} == {
        k: v for k, v in before.items() if "leader" not in k
    }


def test_a_replay_is_loud_and_changes_nothing(mixed: PlainProject) -> None:
    before = mixed.manifests()
    output = mixed.orrery("replay", f"plain/{by_case(mixed)['diverging']['key']}", code=1)
    assert "diverged in stage train" in output and "loss" in output
    assert mixed.manifests() == before


def test_a_failed_key_has_its_own_page(mixed: PlainProject) -> None:
    key = by_case(mixed)["hungry"]["key"]
    with mixed.instance() as instance:
        records = instance.fetch_observations(
            dg.AssetRecordsFilter(asset_key=dg.AssetKey(["plain", "model"]), asset_partitions=[key]), limit=1
        ).records
    metadata = records[0].asset_observation.metadata
    assert metadata["status"].value == "oom" and metadata["last_loss"].value > 0
    assert metadata["traceback"].value.endswith("traceback.txt")
    assert f"orrery replay plain/{key.rsplit('-', 1)[1]}" in metadata["repeat it"].value


def test_failed_rows_have_no_numbers_and_the_table_keeps_its_types(mixed: PlainProject) -> None:
    (path,) = (mixed.home / "store/plain/leaderboard").glob("*/leaderboard.parquet")
    board = pd.read_parquet(path)
    score = board["score"]
    assert score.dtype == float and score.notna().sum() == 2
    assert board["status"].tolist()[:2] == ["ok", "ok"] and board["rank"].tolist()[2:] == [""] * 4
    assert math.isfinite(score.mean())


def disk_check(project: PlainProject) -> dg.AssetCheckEvaluation:
    """Return the last result of the check of disk use."""
    key = dg.AssetCheckKey(dg.AssetKey(["plain", "leaderboard"]), "within_quota")
    with project.instance() as instance:
        record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
        return record.event.dagster_event.asset_check_evaluation_data


def test_disk_use_of_a_sweep_is_shown_and_its_check_fails_above_the_quota(mixed: PlainProject, monkeypatch) -> None:
    (entry,) = mixed.json("status", "plain/mixed")["sweeps"]
    assert entry["bytes"] > 1e4 and "free at" in mixed.orrery("status", "plain/mixed")
    within = disk_check(mixed)
    assert within.passed and within.metadata["sweep [GB]"].value == pytest.approx(entry["bytes"] / 1e9, rel=0.5)
    monkeypatch.setenv("ORRERY_HOME", str(mixed.home))
    monkeypatch.setenv(disk_space.QUOTA, "1e-6")
    result = check_disk(dg.AssetKey(["plain", "leaderboard"]), mixed.load("plain/mixed"), Store(mixed.home / "store"))
    assert not result.passed and "of 1e-06 GB; `orrery gc` lists what can go" in result.description


def test_a_launch_says_how_much_is_free_and_where(mixed: PlainProject) -> None:
    assert f"GB free at {mixed.home} (floor 1 GB)" in mixed.output
    assert f"GB free at {mixed.home} (floor 1 GB)" in mixed.orrery("plan", "plain/mixed")


def test_what_a_phase_has_to_train_on_is_shown_before_anything_is_trained(mixed: PlainProject) -> None:
    name = mixed.sweep("ahead", axes="model.phases[0].segment_length: [5, 7, 60]", dataset="{trajectories: 6}")
    before = set(mixed.manifests("model"))
    assert "3 segmentations are not cut yet" in mixed.orrery("plan", name)
    output = mixed.orrery("plan", name, "--segments")
    assert output.count("skipped:zero_segments") == 1 and "not cut yet" not in output
    cuts = mixed.json("plan", name)["segments"]
    assert [cut["usable"] for cut in cuts] == [True, True, False] and set(mixed.manifests("model")) == before
    assert all(cut["configurations"] == 1 and cut["phase"] == 0 for cut in cuts)
    assert [cut["train_segments"] > 0 for cut in cuts] == [True, True, False]


def test_an_impossible_configuration_is_marked_within_milliseconds(mixed: PlainProject) -> None:
    hash = by_case(mixed)["impossible"]["hash"]
    manifest = mixed.manifest("model", hash)
    assert manifest["status"] == "skipped:zero_segments" and sum(manifest["timings"].values()) < 0.5
    assert f"orrery show plain/{hash}" and "train_segments 0" in manifest["failure"]["detail"]


def test_less_room_than_the_floor_or_a_place_ruled_out_is_refused(mixed: PlainProject, monkeypatch) -> None:
    for variable, value, words in (
        (disk_space.FLOOR, "1e6", "below the floor of 1e.06 GB"),
        (disk_space.QUOTA, "1e-9", "above the quota"),
        (disk_space.NEVER_UNDER, str(mixed.root), "rules out"),
        (disk_space.FLOOR, "much", "expected a number of GB"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            with pytest.raises(StoreError, match=words):
                disk_space.require_space(mixed.home)
