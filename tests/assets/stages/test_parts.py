"""Datasets that are simulated in parts."""

from dataclasses import fields, replace

import numpy as np
import pytest

from assets.garbage_collection import garbage
from assets.identity.items import dataset_item
from assets.stages import parts
from assets.stages.make import run
from assets.stages.parts import join, missing_parts, parts_of
from assets.store.contract_files import read_trajectories
from tests.toy_study import STUDY
from tests.toy_study.config import DatasetConfig
from tests.toy_study.items import make, tasks_of
from tests.toy_study.simulate import simulate
from trainers.study import Trajectories

LARGE = DatasetConfig(trajectories=250, points=5)


def assert_same_bits(one: Trajectories, other: Trajectories) -> None:
    for field in fields(Trajectories):
        assert parts._equal(getattr(one, field.name), getattr(other, field.name)), field.name


@pytest.mark.parametrize(("count", "block"), [(250, 1), (250, 64), (300, 100), (201, 50)])
def test_parts_are_contiguous_ranges_of_the_set(count, block):
    config = DatasetConfig(trajectories=count)
    spans = [config.part_of(count, part, block) for part in range(config.parts())]
    assert len(spans) == 3 and all(span.start % block == 0 and span.stop > span.start for span in spans)
    assert [number for span in spans for number in range(span.start, span.stop)] == list(range(count))
    assert config.part_of(count, None) == slice(0, count)


def test_a_small_set_and_a_file_have_no_parts():
    assert parts_of(dataset_item("toy", DatasetConfig(trajectories=100))) == ()
    assert parts_of(replace(dataset_item("toy", LARGE), config={"file": "x.csv"})) == ()


def test_joined_parts_are_the_set_in_one_piece(home):
    whole = STUDY.simulate(LARGE)
    assert len(whole.t) == 250
    assert_same_bits(join([STUDY.simulate(LARGE, part) for part in range(LARGE.parts())]), whole)


def test_finished_parts_are_not_made_again_and_go_when_the_set_is_stored(store, monkeypatch):
    item = dataset_item("toy", LARGE)
    (task,) = tasks_of(store, [item])
    missing = missing_parts(task, store)
    assert [part.item.key.partition("-")[0] for part in missing] == ["part1of3", "part2of3", "part3of3"]
    assert run(missing[1].item, missing[1].fingerprint, store).status == "ok"
    assert missing_parts(task, store) == [missing[0], missing[2]]
    simulated = []

    def recorded(config, part=None):
        simulated.append(part)
        return simulate(config, part)

    monkeypatch.setattr("tests.toy_study.simulate.simulate", recorded)
    (outcome,) = make(store, item)
    assert outcome.status == "ok" and simulated == [0, 2]
    assert_same_bits(read_trajectories(store.open(*item.address)), simulate(LARGE))
    assert store.hashes("toy", "part") == []


def test_a_part_of_older_code_and_a_damaged_one_count_for_nothing(store):
    item = dataset_item("toy", LARGE)
    (task,) = tasks_of(store, [item])
    part = missing_parts(task, store)[0]
    assert run(part.item, part.fingerprint, store).status == "ok"
    newer = replace(task, fingerprint=replace(task.fingerprint, code="newer"))
    assert len(missing_parts(newer, store)) == 3 and len(missing_parts(task, store)) == 2
    path = store.path(*part.item.address) / "trajectories.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    assert make(store, item)[0].status == "ok"
    assert_same_bits(read_trajectories(store.open(*item.address)), simulate(LARGE))


def test_shorter_trajectories_are_padded_at_their_end():
    first, second = (simulate(DatasetConfig(trajectories=2, points=points)) for points in (3, 5))
    joined = join([first, second])
    assert joined.t.shape == (4, 5) and joined.y.shape == (4, 5, 2)
    assert np.isnan(joined.y[:2, 3:]).all() and np.isnan(joined.t[:2, 3:]).all()
    assert np.array_equal(joined.y[:2, :3], first.y) and np.array_equal(joined.y[2:], second.y)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"meta": {"problem": "pendulum"}}, "meta of part 2 differs from that of part 1"),
        ({"units": ("m", "km/s")}, "units of part 2"),
        ({"arrays": {"grid": np.ones(3)}}, "arrays of part 2"),
        ({"roles": {"amplitude": "known"}}, "roles of part 2"),
        ({"inputs": np.zeros((2, 3, 1))}, "inputs differs between parts"),
        ({"y": np.zeros((2, 3, 2), np.float32)}, "y differs between parts"),
        ({"y": np.zeros((2, 3, 1))}, "y differs between parts"),
        ({"drift": {}}, "drift differs between parts"),
    ],
)
def test_parts_that_differ_in_what_a_set_shares_are_refused(change, words):
    part = simulate(DatasetConfig(trajectories=2, points=3))
    with pytest.raises(ValueError, match=words):
        join([part, replace(part, **change)])


def test_parts_are_garbage_once_their_set_is_stored_and_not_before(store):
    item = dataset_item("toy", LARGE)
    (task,) = tasks_of(store, [item])
    part = missing_parts(task, store)[0]
    assert run(part.item, part.fingerprint, store).status == "ok"
    assert not [one for one in garbage(store, 0.0) if one.kind == "part"]
    make(store, item)
    assert run(part.item, part.fingerprint, store).status == "ok"
    assert [one.path for one in garbage(store, 0.0) if one.kind == "part"] == [store.path(*part.item.address)]
