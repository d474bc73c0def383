"""`python benchmarks/walk.py [SWEEP]`: one walk from a sweep file to its leaderboard, measured in a new home.

It runs `orrery run SWEEP` (default: two_body/smoke) in this process, through the command line, and prints for the
parent and for its workers: the files in which a function was entered, the distinct functions, the calls whose caller
stands in another file, and how often what should be made once is made. Only code of the project is counted, and what
runs while a module is imported is not. The project is the present directory, so that two checkouts can be compared:

    cd OLD && python NEW/benchmarks/walk.py

Counts hold on any machine; the seconds are those of a run under a profiler.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

PARTS = ("assets", "orchestration", "trainers")
COUNTED = (
    "Store.__init__", "Planner.__init__", "Experiment.__init__", "rank", "sweep_table", "code_version", "project_root",
    "read_catalogue",
)  # fmt: skip
"""Functions, by qualified name, of which the number of calls is printed."""

OUT = "ORRERY_WALK"
"""Environment variable with the folder into which each worker writes its counts."""

CO_OPTIMIZED = 0x1
"""Flag of the code of a function; that of a module or class lacks it."""


class Walk:
    """Counts of the functions of the project that are entered."""

    def __init__(self, root: Path) -> None:
        self.roots = tuple(f"{root}/{part}/" for part in PARTS)
        self.functions: Counter[tuple[str, str]] = Counter()
        self.crossings = 0

    def begin(self) -> None:
        """Count from now on, on this thread and on all that begin later."""
        threading.setprofile(self)
        sys.setprofile(self)

    def end(self) -> None:
        """Count no more."""
        sys.setprofile(None)
        threading.setprofile(None)

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        """Count one call; the profiler of this thread calls this."""
        code = frame.f_code
        if event != "call" or not code.co_flags & CO_OPTIMIZED or not code.co_filename.startswith(self.roots):
            return
        self.functions[code.co_filename, code.co_qualname] += 1
        caller = frame.f_back.f_code.co_filename if frame.f_back else ""
        if caller != code.co_filename and caller.startswith(self.roots):
            self.crossings += 1

    def counts(self) -> dict[str, Any]:
        """Return what was counted, as JSON types."""
        names = [(file, name) for file, name in self.functions if "<lambda>" not in name and not name.endswith("comp>")]
        by_name: Counter[str] = Counter()
        for (_, name), count in self.functions.items():
            by_name[name] += count
        return {
            "files": sorted({file for file, _ in names}),
            "functions": len(names),
            "calls_across_files": self.crossings,
            **{name: by_name[name] for name in COUNTED},
        }


def count_worker() -> None:
    """Count in a worker, and write the counts when it leaves: it leaves by `os._exit`, which runs no other hook."""
    walk, leave = Walk(Path.cwd()), os._exit

    def write_and_leave(code: int) -> None:
        walk.end()
        Path(os.environ[OUT], f"{os.getpid()}.json").write_text(json.dumps(walk.counts()), encoding="utf-8")
        leave(code)

    os._exit = write_and_leave  # type: ignore[assignment]
    walk.begin()


HOOK = """import sys
if sys.orig_argv[1:2] == ["-m"] and sys.orig_argv[2].endswith("worker"):
    import importlib.util
    specification = importlib.util.spec_from_file_location("orrery_walk", {path!r})
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.count_worker()
"""
"""Python runs a `sitecustomize` that it finds before anything else: so a worker is counted from its first function."""


def measure(sweep: str) -> dict[str, Any]:
    """Run a sweep in a new home; return the counts of the parent, of its workers together, and the seconds."""
    project = Path.cwd()
    sys.path.insert(0, str(project))
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, "sitecustomize.py").write_text(HOOK.format(path=str(Path(__file__).resolve())), encoding="utf-8")
        home = Path(scratch, "home")
        os.environ |= {
            "ORRERY_HOME": str(home),
            "DAGSTER_HOME": str(home / "dagster"),
            "DAGSTER_DISABLE_TELEMETRY": "true",
            "PYTHONPATH": os.pathsep.join([scratch, str(project)]),
            OUT: scratch,
        }
        from orchestration.cli import app

        walk, start = Walk(project), time.monotonic()
        walk.begin()
        try:
            code = app(["run", sweep], standalone_mode=False)
        finally:
            walk.end()
        seconds = time.monotonic() - start
        # The module of the engine has moved between versions, and workers write their counts when it closes them.
        engines = (module for name, module in list(sys.modules.items()) if name.startswith("assets.engine"))
        next(module for module in engines if hasattr(module, "shared_engine")).shared_engine().close()
        workers = [json.loads(path.read_text(encoding="utf-8")) for path in Path(scratch).glob("*.json")]
    parent = walk.counts()
    files = {file for counts in (parent, *workers) for file in counts["files"]}
    return {
        "sweep": sweep,
        "exit code": code or 0,
        "seconds": round(seconds, 1),
        "files": len(files),
        "parent": parent | {"files": len(parent["files"])},
        "workers": [counts | {"files": len(counts["files"])} for counts in workers],
    }


if __name__ == "__main__":
    print(json.dumps(measure(*(sys.argv[1:] or ["two_body/smoke"])), indent=1))
