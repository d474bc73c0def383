"""A damaged artifact is found at reading and made anew; gc lists only what is ours, dead and of no use."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from assets.garbage_collection import garbage
from assets.stages.freshness import Planner
from assets.store.atomic import FORGET_SECONDS
from assets.store.process_identity import Owner, owner
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


def left_by(target: Path, writer: Owner) -> Path:
    """Return where a process would write a version of an artifact."""
    return target.with_name(f".tmp-{target.name}-{writer.stamp}-0123abcd")


@pytest.mark.parametrize(
    ("writer", "swept"),
    [
        ({}, False),
        ({"pid": 2**22 + 1}, True),
        ({"started": "1"}, True),
        ({"boot": "another start of the machine"}, True),
        ({"host": "another machine"}, False),
    ],
)
def test_an_unfinished_version_goes_at_once_when_its_writer_is_dead(plain, writer: dict, swept: bool) -> None:
    """Its number alone does not tell: another process may have it by now. Of another machine, an hour has to do."""
    directory = left_by(plain.path("plain", "model", "0123456789ab"), replace(owner(), **writer))
    directory.mkdir(parents=True)
    assert plain.sweep() == int(swept) and directory.exists() != swept
    if "host" in writer:
        os.utime(directory, (time.time() - FORGET_SECONDS,) * 2)
        assert plain.sweep() == 1 and not directory.exists()


def test_gc_lists_only_what_is_ours_dead_and_of_no_use(plain, tmp_path) -> None:
    items = chain()
    list(make(plain, *items))
    dead = 2**22 + 1
    torn, alive = (left_by(plain.path(*items[0].address), one) for one in (replace(owner(), pid=dead), owner()))
    foreign = torn.with_name(".tmp-notes")
    log, theirs = home() / f"logs/worker-{dead}-1.log", home() / f"scratch/{dead}-0123abcd"
    for path in (torn, foreign, alive, log.parent, theirs.parent, theirs):
        path.mkdir()
        os.utime(path, (0, 0))
    log.write_text("last words")
    (outside := tmp_path / "outside").mkdir()
    torn.with_name(torn.name.replace("0123abcd", "ffffffff")).symlink_to(outside)
    log.with_name(f"worker-{dead}-2.log").symlink_to(outside)
    found = garbage(plain)
    assert {one.path for one in found} == {torn, log}
    assert all(str(dead) in one.owner and one.age >= 0 for one in found)
    for one in found:
        one.remove()
    assert garbage(plain) == [] and foreign.exists() and alive.exists() and outside.exists()
    assert theirs.exists(), "it has our kind of name, but not our marker"
    assert list(make(plain, *items)) == []
