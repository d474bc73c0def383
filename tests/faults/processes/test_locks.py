"""Locks on files: held by the living, free when their holder is dead, whatever comes between opening and locking."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assets.store.errors import StoreError
from assets.store.locks import NO_LOCKS, alone_in, is_held, take
from tests.faults.project import wait_until
from tests.orchestration.conftest import ROOT

pytestmark = pytest.mark.launch

HOLDER = """
import os, sys, time
from pathlib import Path
from assets.store.locks import take
lock = take(Path(sys.argv[1]))
if "forks" in sys.argv and not os.fork():
    print(os.getpid(), flush=True)
    time.sleep(60)
if "forks" not in sys.argv:
    print(os.getpid(), flush=True)
time.sleep(60)
"""


def python(script: str, *arguments: object, **options) -> subprocess.Popen:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, **options)


def test_a_lock_is_respected_while_its_holder_lives_and_free_at_once_when_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "record"
    holder = python(HOLDER, path)
    assert int(holder.stdout.readline()) == holder.pid
    assert is_held(path) and take(path) is None
    holder.kill()
    holder.wait()
    assert not is_held(path)
    lock = take(path)
    assert lock is not None and is_held(path)
    lock.close()
    assert not is_held(path) and path.exists()


def test_a_forked_child_that_outlives_its_parent_keeps_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "record"
    holder = python(HOLDER, path, "forks")
    child = int(holder.stdout.readline())
    assert child != holder.pid and is_held(path)
    holder.kill()
    holder.wait()
    try:
        os.kill(child, 0)
        assert not is_held(path)
    finally:
        os.kill(child, signal.SIGKILL)


RACER = """
import os, random, sys, time
from pathlib import Path
from assets.store.locks import take

path, inside, until = Path(sys.argv[1]), Path(sys.argv[2]), time.monotonic() + float(sys.argv[3])
taken = 0
while time.monotonic() < until:
    lock = take(path)
    if lock is None:
        continue
    os.close(os.open(inside, os.O_CREAT | os.O_EXCL))  # fails if anybody else is inside
    taken += 1
    inside.unlink()
    if random.random() < 0.8:
        path.unlink()
    lock.close()
print(taken)
"""


def test_two_never_hold_a_lock_though_its_holder_removes_the_file(tmp_path: Path) -> None:
    """A process that opened the file before it was removed locks a file without a name: it has to notice."""
    racers = [python(RACER, tmp_path / "record", tmp_path / "inside", 2.0) for _ in range(4)]
    counts = [int(racer.communicate(timeout=60)[0] or 0) for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 4 and min(counts) > 0


READER = """
import sys
from pathlib import Path
from assets.store.locks import is_held
print("reads", flush=True)
while True:
    is_held(Path(sys.argv[1]))
"""


def test_who_only_tests_a_lock_never_keeps_another_from_taking_it(tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.touch()
    readers = [python(READER, path) for _ in range(2)]
    try:
        for reader in readers:
            reader.stdout.readline()
        until = time.monotonic() + 2.0
        while time.monotonic() < until:
            lock = take(path)
            assert lock is not None
            lock.close()
    finally:
        for reader in readers:
            reader.kill()
            reader.communicate()


@pytest.mark.parametrize("number", sorted(set(NO_LOCKS)), ids=errno.errorcode.get)
def test_a_file_system_without_locks_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """What a mount without locks answers; no file system here does so by itself."""

    def flock(file: object, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    path = tmp_path / "record"
    path.touch()
    for use in (lambda: take(path), lambda: is_held(path), lambda: alone_in(tmp_path).__enter__()):
        with pytest.raises(StoreError, match=r"has no locks .*set ORRERY_HOME to one that has") as error:
            use()
        assert "\n" not in str(error.value) and str(tmp_path) in str(error.value)


ALONE = """
import sys, time
from assets.store.locks import alone_in
with alone_in(sys.argv[1]):
    print("in", flush=True)
    time.sleep(0.5)
    print("out", flush=True)
"""


def test_the_lock_of_a_directory_is_on_a_file_and_waited_for(tmp_path: Path) -> None:
    """NFS has no locks of directories: only that of a file keeps another machine out."""
    other = python(ALONE, tmp_path)
    assert other.stdout.readline() == "in\n" and is_held(tmp_path / ".lock")
    with alone_in(tmp_path):
        wait_until(lambda: other.poll() is not None)
    assert other.stdout.readline() == "out\n"


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / "record").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        take(tmp_path / "record")
    assert is_held(tmp_path / "record"), "what is not ours is left alone"
