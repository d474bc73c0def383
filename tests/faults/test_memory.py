"""Out of memory in one configuration: a kill by the kernel is told from any other, and a library's words are known."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from assets.engine import Engine
from assets.failures import one_line, status_of
from assets.plan import Planner
from assets.tasks import Task
from tests.faults.pipeline import chain, make
from tests.faults.project import wait_until

GROUPS = Path("/sys/fs/cgroup")
LIMITS = {GROUPS / "memory": "memory.limit_in_bytes", GROUPS: "memory.max"}
"""Where a group with a limit of memory can be made, by the version of control groups."""


@pytest.fixture
def starved() -> Iterator[Path]:
    """A control group whose processes may have one page of memory."""
    place = next((place for place, limit in LIMITS.items() if list(place.glob(f"*/{limit}"))), GROUPS)
    group = place / f"orrery-{os.getpid()}"
    try:
        group.mkdir()
        (group / LIMITS[place]).write_text("4096")
    except OSError as error:
        with suppress(OSError):
            group.rmdir()
        pytest.skip(f"needs control groups that may be made ({error})")
    yield group
    wait_until(lambda: not (group / "cgroup.procs").read_text().strip(), 10)
    group.rmdir()


def made_under(store, strike) -> tuple[dict, list[dict], list]:
    """Make two models in one worker, striking it at each progress of the first; return outcomes, lines, the items."""
    items = [chain(phases=({"steps": 60},), pause=0.05, seed=seed)[2] for seed in (0, 1)]
    for item in items:
        list(make(store, *item.upstream()))
    tasks = [Task(item, Planner(store).fingerprint(item)) for item in items]
    lines: list[dict] = []
    with Engine(1, store) as engine:

        def on_line(line: dict) -> None:
            lines.append(line)
            if line["event"] == "progress" and line["key"] == items[0].key:
                strike(next(worker.pid for worker in engine.workers if worker.number == line["worker"]))

        outcomes = {one.item.key: one for one in engine.run(tasks, on_line)}
    return outcomes, lines, items


def test_a_kernel_that_kills_for_want_of_memory_costs_one_row_after_a_second_try(plain, starved: Path) -> None:
    outcomes, lines, (hungry, other) = made_under(plain, lambda pid: _move(pid, starved))
    assert outcomes[hungry.key].status == "oom" and outcomes[other.key].status == "ok"
    assert "the kernel killed the worker for want of memory" in outcomes[hungry.key].detail
    assert [line["key"] for line in lines if line["event"] == "death"] == [hungry.key] * 2
    assert plain.manifest(*hungry.address)["status"] == "oom"
    again = [one.status for one in make(plain, hungry)]
    assert again == ["ok"]


def test_a_kill_without_evidence_is_not_told_as_want_of_memory(plain) -> None:
    outcomes, lines, (struck, other) = made_under(plain, lambda pid: os.kill(pid, signal.SIGKILL))
    assert outcomes[struck.key].status == "killed" and outcomes[other.key].status == "ok"
    assert sum(line["event"] == "death" for line in lines) == 1


def test_what_jax_says_of_too_large_an_array_is_want_of_memory() -> None:
    import jax.numpy as jnp

    with pytest.raises(Exception, match="RESOURCE_EXHAUSTED") as caught:
        jnp.ones((2**20, 2**25)).block_until_ready()
    assert status_of(caught.value) == "oom" and "RESOURCE_EXHAUSTED" in one_line(caught.value)


def _move(pid: int, group: Path) -> None:
    with suppress(OSError):  # it is being killed already
        (group / "cgroup.procs").write_text(str(pid))
