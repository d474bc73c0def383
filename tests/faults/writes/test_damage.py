"""A damaged artifact is found at reading and made anew; gc lists only what is ours, dead and of no use."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assets.garbage_collection import garbage
from assets.stages.freshness import Planner
from assets.store.locks import alone_in, mark_in_use, take
from assets.store.store import home, verify
from tests.faults.pipeline import chain, make


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_flipped_byte_of_a_table_makes_its_partition_and_no_other_due(plain, share: float) -> None:
    items = chain()
    assert all(outcome.status == "ok" for outcome in make(plain, *items))
    path = plain.path(*items[2].address) / "history.parquet"
    data = bytearray(path.read_bytes())
    data[int(share * len(data))] ^= 1
    path.write_bytes(data)
    assert len(verify(plain)) == 1
    states = [Planner(plain).verdict(item).state for item in items]
    assert states == ["fresh", "fresh", "damaged", "fresh", "stale"]
    assert [outcome.item.layer for outcome in make(plain, *items)] == ["model"]
    assert verify(plain) == [] and list(make(plain, *items)) == []


def left_by(target: Path, number: int) -> Path:
    """Return where a process of a number would write a version of an artifact."""
    return target.with_name(f".tmp-{target.name}-{number}-0123abcd")


@pytest.mark.parametrize("number", [1, os.getpid()], ids=["the number of the living", "our own number"])
def test_an_unfinished_version_goes_when_nobody_writes_it_whoever_has_its_number(plain, number: int) -> None:
    """Of a process that died, its number may be another's by now, here or on another machine: the lock alone counts."""
    target = plain.path("plain", "model", "0123456789ab")
    (directory := left_by(target, number)).mkdir(parents=True)
    lock = take(directory / "manifest.json")
    assert plain.remove_leftovers() == 0 and directory.exists()
    lock.close()
    assert plain.leftovers() == [directory]
    assert plain.remove_leftovers() == 1 and not directory.exists()


def test_a_version_that_has_just_begun_is_not_taken_for_a_leftover(plain) -> None:
    """Between the making of its directory and its lock, whoever removes left-overs has to wait."""
    target = plain.path("plain", "model", "0123456789ab")
    (directory := left_by(target, 1)).mkdir(parents=True)
    with ThreadPoolExecutor(1) as thread:
        with alone_in(target.parent):
            cleaning = thread.submit(plain.remove_leftovers)
            time.sleep(0.3)
            assert not cleaning.done()
            lock = take(directory / "manifest.json")
        assert cleaning.result() == 0 and directory.exists()
        lock.close()


def test_whoever_begins_a_version_waits_for_who_removes_leftovers(plain) -> None:
    target = plain.path("plain", "model", "0123456789ab")
    target.parent.mkdir(parents=True)

    def write() -> None:
        with plain.writing("plain", "model", "0123456789ab"):
            pass

    with ThreadPoolExecutor(1) as thread:
        with alone_in(target.parent):
            writing = thread.submit(write)
            time.sleep(0.3)
            assert not writing.done() and [path.name for path in target.parent.iterdir()] == [".lock"]
        writing.result()
    assert plain.manifest("plain", "model", "0123456789ab")["status"] == "ok"


def test_gc_lists_only_what_is_ours_dead_and_of_no_use(plain, tmp_path) -> None:
    items = chain()
    list(make(plain, *items))
    dead = 2**22 + 1
    torn, alive = (left_by(plain.path(*items[0].address), number) for number in (dead, os.getpid()))
    foreign = torn.with_name(".tmp-notes")
    log, theirs = home() / f"logs/worker-{dead}-1.log", home() / f"scratch/{dead}-0123abcd"
    for path in (torn, foreign, alive, log.parent, theirs.parent, theirs):
        path.mkdir()
        os.utime(path, (0, 0))
    log.write_text("last words")
    lock = take(alive / "manifest.json")
    writing = log.with_name("worker-1-1.log").open("ab")
    mark_in_use(writing)
    for path in (alive, Path(writing.name)):
        os.utime(path, (0, 0))
    (outside := tmp_path / "outside").mkdir()
    torn.with_name(torn.name.replace("0123abcd", "ffffffff")).symlink_to(outside)
    log.with_name(f"worker-{dead}-2.log").symlink_to(outside)
    (checkpoints := home() / "checkpoints/plain").mkdir(parents=True, exist_ok=True)
    model = next(item for item in items if item.layer == "model")
    (checkpoints / model.hash).symlink_to(outside)
    (former := home() / "leases").mkdir()
    (former / "plain-model-0123456789ab.json").write_text("{}")
    (own := home() / "journals").mkdir()
    (own / "thoughts.jsonl").write_text("{}")
    listed = garbage(plain)
    assert {one.path for one in listed} == {torn, log, former}
    assert all(one.age >= 0 and (str(dead) in one.owner or one.path == former) for one in listed)
    for one in listed:
        one.remove()
    assert garbage(plain) == [] and not former.exists() and own.exists()
    assert foreign.exists() and alive.exists() and outside.exists()
    lock.close()
    writing.close()
    assert {one.path for one in garbage(plain)} == {alive, Path(writing.name)}, "nobody writes them any more"
    assert theirs.exists(), "it has our kind of name, but not our marker"
    assert list(make(plain, *items)) == []
