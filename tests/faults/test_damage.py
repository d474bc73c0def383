"""A damaged artifact is found at reading and made anew; gc lists only what is ours, dead and of no use."""

import os

import pytest

from assets.garbage import garbage
from assets.plan import Planner
from assets.store import home, verify
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


def test_gc_lists_only_what_is_ours_dead_and_of_no_use(plain, tmp_path) -> None:
    items = chain()
    list(make(plain, *items))
    dead = 2**22 + 1
    torn = plain.path(*items[0].address).with_name(f".tmp-{items[0].hash}-{dead}-0123abcd")
    foreign, alive = torn.with_name(".tmp-notes"), torn.with_name(f".tmp-{items[0].hash}-{os.getpid()}-0123abcd")
    log = home() / f"logs/worker-{dead}-1.log"
    for path in (torn, foreign, alive, log.parent):
        path.mkdir()
        os.utime(path, (0, 0))
    log.write_text("last words")
    (outside := tmp_path / "outside").mkdir()
    torn.with_name(f".tmp-{items[0].hash}-{dead}-ffffffff").symlink_to(outside)
    found = garbage(plain)
    assert {one.path for one in found} == {torn, log}
    assert all(str(dead) in one.owner and one.age >= 0 for one in found)
    for one in found:
        one.remove()
    assert garbage(plain) == [] and foreign.exists() and alive.exists() and outside.exists()
    assert list(make(plain, *items)) == []
