"""Strike a pipeline at its n-th write: `python -m tests.faults.strike kill|full HOME STRIDE` for n = 1, 1 + STRIDE, ...

kill: the process is killed before its n-th operation on a file of the home. full: the home is a tmpfs of 1 MB that is
filled until n - 1 pages are free. Each time what is left is looked at as a reader does, then the pipeline runs again.
One JSON object per n goes to standard output: how it ended, what it said, and what is wrong.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from assets.home import running
from assets.store.store import Store, verify
from tests.faults.pipeline import chain, make, manifests
from tests.plain_study import STUDY
from trainers import STUDIES

WRITES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.link")


def main(mode: str, home: Path, stride: int) -> None:
    """Strike at n = 1, 1 + stride, ... until a pipeline passes untouched."""
    STUDIES[STUDY.name] = STUDY
    os.environ["ORRERY_HOME"] = str(home)
    if mode == "full":
        home.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", home], check=True)
    assert all(status == "ok" for _, status, _ in _run(home, 0))
    expected, _ = manifests(home / "store"), _wipe(home)
    n, passed = 1, False
    while not passed:
        result = _strike(mode, home, n)
        passed = not result["died"] and all(end[1] == "ok" for end in result["ends"])
        result |= _aftermath(home, expected)
        print(json.dumps({"n": n, "passed": passed, **result}), flush=True)
        _wipe(home)
        n += stride


def _strike(mode: str, home: Path, n: int) -> dict[str, Any]:
    if mode == "full" and n:
        _fill(home, n - 1)
    return _forked(lambda: _run(home, n if mode == "kill" else 0))


def _aftermath(home: Path, expected: dict) -> dict[str, Any]:
    """Look at what is left, make room, run again, and compare."""
    store = Store()
    state = {"damaged": verify(store), "partial": _differing(manifests(store.root), expected)}
    (home / "filler").unlink(missing_ok=True)
    again = _forked(lambda: _run(home, 0))
    running.close_killed()
    store.remove_leftovers()
    leftovers = [str(path) for path in home.rglob("*") if path.name.startswith(".") and path.name != ".lock"]
    leftovers += [str(one.record.path) for one in running.attempts() if not one.over]
    return {**state, "again": again, "converged": manifests(store.root) == expected, "left": leftovers}


def _differing(manifests: dict, expected: dict) -> list[str]:
    """Return what is stored as ok and is not what an untouched pipeline stores."""
    return [name for name, value in manifests.items() if value["status"] == "ok" and value != expected.get(name)]


def _run(home: Path, fatal: int) -> Iterator[tuple[str, str, str]]:
    if fatal:
        sys.addaudithook(Killer(str(home), fatal))
    for outcome in make(Store(), *chain()):
        yield outcome.item.layer, outcome.status, outcome.detail


class Killer:
    """An audit hook that kills this process before its n-th operation on a file of the home."""

    def __init__(self, home: str, n: int) -> None:
        self.home, self.remaining = home, n

    def __call__(self, event: str, arguments: tuple) -> None:
        writes = event in WRITES or (event == "open" and _is_writing(arguments))
        if writes and (str(arguments[0]).startswith(self.home) or _within_a_tree(event, arguments)):
            self.remaining -= 1
            if not self.remaining:
                os.kill(os.getpid(), signal.SIGKILL)


def _within_a_tree(event: str, arguments: tuple) -> bool:
    """Whether a name is removed by the handle of its directory, as `shutil.rmtree` does."""
    return event in ("os.remove", "os.rmdir") and arguments[1] not in (None, -1)


def _is_writing(arguments: tuple) -> bool:
    return bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _forked(work: Callable[[], Iterator]) -> dict[str, Any]:
    """Do the work in a process of its own; return what it yields, and whether it was killed."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        with os.fdopen(writing, "w") as pipe:
            for one in work():
                pipe.write(json.dumps(one) + "\n")
                pipe.flush()
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        ends = [json.loads(line) for line in pipe]
    return {"ends": ends, "died": os.WIFSIGNALED(os.waitpid(child, 0)[1])}


def _fill(home: Path, pages: int) -> None:
    """Fill the disk until so many pages are free."""
    stat = os.statvfs(home)
    (home / "filler").write_bytes(bytes((stat.f_bavail - pages) * stat.f_bsize))


def _wipe(home: Path) -> None:
    for path in home.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
