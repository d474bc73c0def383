"""Leases: held by the living, taken over from the dead, whoever has their number by now."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from assets.home import leases
from assets.home.leases import FORGET_SECONDS, Lease, read
from assets.store.process_identity import Owner, owner

ADDRESS = ("plain", "model", "0123456789ab")


def held_by(holder: Owner) -> Lease:
    """Return a lease that a process holds."""
    lease = Lease(*ADDRESS)
    lease.path.parent.mkdir(parents=True)
    lease.path.write_text(json.dumps({"holder": holder.json(), "told": {"step": 7}}))
    return lease


@pytest.mark.parametrize(
    "changed",
    [{"pid": 2**22 + 1}, {"started": "1"}, {"boot": "another start of the machine"}],
    ids=lambda c: next(iter(c)),
)
def test_a_lease_is_taken_over_from_whoever_is_not_that_process_any_more(fresh_home: Path, changed: dict) -> None:
    lease = held_by(replace(owner(os.getppid()), **changed))
    assert not read(lease.path).alive
    assert lease.take() is None and read(lease.path).holder == owner()


def test_a_lease_of_the_living_is_respected(fresh_home: Path) -> None:
    lease = held_by(owner(os.getppid()))
    found = lease.take()
    assert found.holder.pid == os.getppid() and found.told == {"step": 7} and not lease.taken
    assert leases.sweep() == 0 and lease.path.exists()


def test_a_lease_of_another_machine_is_respected_until_it_has_told_nothing_for_long(fresh_home: Path) -> None:
    lease = held_by(replace(owner(), host="another machine"))
    assert lease.take().holder.host == "another machine"
    os.utime(lease.path, (time.time() - FORGET_SECONDS - 1,) * 2)
    assert lease.take() is None


def test_what_the_dead_left_is_swept_drafts_included(fresh_home: Path) -> None:
    lease = held_by(replace(owner(), pid=2**22 + 1))
    lease.stop_path.touch()
    lease.path.with_name(f".{lease.path.name}-{2**22 + 1}").touch()
    (mine := lease.path.with_name(f".{lease.path.name}-{os.getpid()}")).touch()
    assert leases.sweep() == 1 and list(lease.path.parent.iterdir()) == [mine]
