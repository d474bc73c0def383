"""A home by itself: a store from elsewhere is adopted, what no sweep asks for can go, nothing begins without room."""

import shutil
from pathlib import Path
from unittest import mock

import dagster as dg
import pytest

from assets.store.store import Store
from tests.faults.pipeline import make
from tests.faults.project import PlainProject


def fill(project: PlainProject, *names: str) -> None:
    """Make some sweeps in this process, straight into the store of a project that has launched nothing."""
    with mock.patch("time.sleep"):
        for name in names:
            for items in project.load(name).items().values():
                assert all(outcome.status == "ok" for outcome in make(Store(project.home / "store"), *items))


def test_a_store_from_elsewhere_is_made_known_and_nothing_is_made_again(project: PlainProject, fresh_home: Path):
    name = project.sweep(axes="model.seed: [0, 1]")
    fill(project, name)
    before = project.manifests()
    assert f"{name}: 7 artifacts are now known to Dagster" in project.orrery("adopt", name)
    with project.instance() as instance:
        for layer in ("model", "evaluation"):
            assert len(instance.get_materialized_partitions(dg.AssetKey(["plain", layer]))) == 2
    assert project.json("adopt", name) == {name: 0}
    assert "trained 0, evaluated 0, cached 2, failed 0" in project.orrery("run", name)
    assert {key: one for key, one in project.manifests().items() if key in before} == before


def test_gc_takes_what_no_sweep_asks_for_and_nothing_if_it_cannot_know(project: PlainProject, fresh_home: Path):
    present, former = project.sweep("kept", axes="model.seed: [0, 1]"), project.sweep("gone", axes="model.seed: [1, 2]")
    fill(project, present, former)
    before = project.manifests()
    path = project.root / f"sweeps/{former}.yaml"
    path.write_text("study: plain\nvary: [")
    assert "gone.yaml" in project.orrery("gc", "--unused", "--delete", "--older", "0", code=2)
    assert project.manifests() == before
    path.unlink()
    garbage = project.json("gc", "--unused", "--older", "0")
    assert sorted(one["kind"] for one in garbage["found"]) == ["unused evaluation", "unused model"]
    assert project.manifests() == before and not garbage["deleted"]
    assert project.json("gc", "--older", "0")["found"] == []
    project.orrery("gc", "--unused", "--delete", "--older", "0")
    assert project.manifests() == {key: before[key] for key in project.expected(present)}


@pytest.mark.parametrize(("variable", "words"), [("ORRERY_FREE_GB", "below the floor of 1e"), ("ORRERY_QUOTA_GB", "")])
def test_a_launch_without_room_is_refused_with_numbers(project: PlainProject, variable, words, monkeypatch) -> None:
    name = project.sweep()
    monkeypatch.setenv(variable, "1e6" if "FREE" in variable else "1e-9")
    shutil.copy(project.root / "workspace.yaml", project.home / "filler")
    output = project.orrery("run", name, code=2)
    assert output.count("GB") >= 2 and variable in output and words in output and "Traceback" not in output
    assert not (project.home / "store").exists() and not list((project.home / "launches").glob("*"))
