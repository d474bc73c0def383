"""Out of memory in one configuration: a kill by the kernel is told from any other, and a library's words are known."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from assets.engine.engine import Engine
from assets.home import oom_counter
from assets.stages.exception_status import one_line, status_of
from assets.stages.freshness import Planner
from assets.stages.tasks import Task
from tests.faults.pipeline import chain, make
from tests.faults.project import wait_until

pytestmark = pytest.mark.launch

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


def made_under(store, event: str, strike) -> tuple[dict, list[dict], list]:
    """Make two models in one worker, striking it at an event of the first; return outcomes, lines, the items."""
    items = [chain(phases=({"steps": 60},), pause=0.05, seed=seed)[2] for seed in (0, 1)]
    for item in items:
        list(make(store, *item.upstream()))
    tasks = [Task(item, Planner(store).fingerprint(item)) for item in items]
    lines: list[dict] = []
    with Engine(1, store) as engine:

        def on_line(line: dict) -> None:
            lines.append(line)
            if line["event"] == event and line["key"] == items[0].key:
                strike(next(worker.pid for worker in engine.workers if worker.number == line["worker"]))

        outcomes = {one.item.key: one for one in engine.run(tasks, on_line)}
    return outcomes, lines, items


@pytest.mark.alone  # where only the kills of the whole machine are counted, another test's killed worker would seem one
def test_a_worker_killed_by_the_kernel_out_of_memory_costs_one_row_after_a_second_try(plain, starved: Path) -> None:
    outcomes, lines, (hungry, other) = made_under(plain, "start", lambda pid: _move(pid, starved))
    assert outcomes[hungry.key].status == "oom" and outcomes[other.key].status == "ok"
    assert f"the kernel killed the worker for want of memory ({starved}" in outcomes[hungry.key].detail
    assert [line["key"] for line in lines if line["event"] == "death"] == [hungry.key] * 2
    assert plain.manifest(*hungry.address)["status"] == "oom"
    again = [one.status for one in make(plain, hungry)]
    assert again == ["ok"]


def test_a_kill_without_evidence_is_not_reported_as_out_of_memory(plain) -> None:
    outcomes, lines, (struck, other) = made_under(plain, "progress", lambda pid: os.kill(pid, signal.SIGKILL))
    assert outcomes[struck.key].status == "killed" and outcomes[other.key].status == "ok"
    assert sum(line["event"] == "death" for line in lines) == 1


def test_the_error_of_jax_for_too_large_an_array_is_out_of_memory() -> None:
    import jax.numpy as jnp

    with pytest.raises(Exception, match="RESOURCE_EXHAUSTED") as caught:
        jnp.ones((2**20, 2**25)).block_until_ready()
    assert status_of(caught.value) == "oom" and "RESOURCE_EXHAUSTED" in one_line(caught.value)


COUNTERS = {
    "version 2": ("0::/job/7", "job/7/memory.events", "low 0\nhigh 3\nmax 9\noom 2\noom_kill {}\n", True),
    "version 2 in a container": ("0::/", "memory.events", "oom 2\noom_kill {}\noom_group_kill 0\n", True),
    "version 1": ("9:cpu:/x\n4:freezer,memory:/job\n0::/", "memory/job/memory.oom_control", "oom_kill {}\n", True),
    "version 1 in a container": ("4:memory:/docker/1\n0::/", "memory/memory.oom_control", "oom_kill {}\n", True),
    "no counter of its own": ("3:cpuset:/\n0::/job", "", "", False),
}


@pytest.mark.parametrize("kind", COUNTERS)
def test_the_own_control_group_of_a_worker_is_asked_before_the_machine(tmp_path: Path, monkeypatch, kind: str) -> None:
    counts, name, text, own = COUNTERS[kind]
    (machine := tmp_path / "vmstat").write_text("pgfault 5\noom_kill 4\n")
    (tmp_path / "77").mkdir()
    (tmp_path / "77/cgroup").write_text(counts + "\n")
    (tmp_path / "groups").mkdir()
    monkeypatch.setattr(oom_counter, "PROC", tmp_path)
    monkeypatch.setattr(oom_counter, "GROUPS", tmp_path / "groups")
    if own:
        (file := tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.format(1))
    counter = oom_counter.oom_counter(77)
    assert (counter.own, counter.before, counter.rose) == (own, 1 if own else 4, False)
    machine.write_text("pgfault 6\noom_kill 5\n")
    assert counter.rose is not own, "somebody else of this machine was killed"
    if own:
        file.write_text(text.format(2))
        assert counter.rose
    assert str(counter.file) in counter.claim and ("most probably" in counter.claim) is not own


def test_where_nothing_is_counted_nothing_is_claimed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(oom_counter, "PROC", tmp_path)
    assert oom_counter.oom_counter(77) is None


def _move(pid: int, group: Path) -> None:
    """Move a process to a group, and let it go on when the engine has seen that."""
    os.kill(pid, signal.SIGSTOP)
    (group / "cgroup.procs").write_text(str(pid))
    threading.Timer(0.3, os.kill, (pid, signal.SIGCONT)).start()
