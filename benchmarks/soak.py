"""A soak: hundreds of tiny configurations, some impossible, some diverging, under kills, until a rerun changes nothing.

    python -m benchmarks.soak --configurations 500 --seed 0

The plain study of the tests runs in a copy of the project, with a home of its own. The launcher is killed by SIGKILL,
and so are workers, each at a random share of the work; a launch that ends is launched again. In the end every row
has the status that its configuration causes, the store holds what an untouched pipeline makes, no process is left, and
no file lies outside the home. Anything else ends in exit code 1 with what is wrong.
"""

import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Annotated

import numpy as np
import typer

from assets.store.store import Store
from tests.faults.pipeline import make, manifests
from tests.faults.project import PlainProject, plain_project, processes_of
from tests.plain_study import STUDY
from trainers import STUDIES

SWEEP = "plain/soak"
SHARE = 0.05
"""Part of the configurations that is impossible, and part that diverges."""

KINDS = {
    "ok": "{{model: {{seed: {n}}}}}",
    "skipped:zero_segments": "{{model: {{seed: {n}, phases: [{{steps: 20, segment_length: 60}}]}}}}",
    "diverged": "{{model: {{seed: {n}, phases: [{{steps: 200, learning_rate: 10.0}}]}}}}",
}
"""Entry of a configuration, by the status that it is expected to end in."""

LAUNCHES = 30
"""Launches, at most; more count as no convergence."""


class Soaked(PlainProject):
    """A copy of the project with a user and a temporary directory of its own, so that stray files show."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its commands."""
        outside = {"HOME": str(self.root / "user"), "TMPDIR": str(self.root / "tmp")}
        return super().environment | outside | {"PYTHONDONTWRITEBYTECODE": "1"}

    def files(self) -> set[Path]:
        """Return all files outside the home."""
        return {path for path in self.root.rglob("*") if not path.is_relative_to(self.home)}

    def artifact_count(self) -> int:
        """Return the number of stored models and evaluations."""
        layers = (self.home / "store/plain" / layer for layer in ("model", "evaluation"))
        return sum(1 for layer in layers for _ in layer.glob("[0-9a-f]*"))


@dataclass
class Soak:
    """A soak test: its expected end, the kills to come, and what has happened so far."""

    project: Soaked
    expected: dict[str, str]
    """Status by case."""
    kills: deque[tuple[int, str]]
    """(number of stored artifacts, victim) of each kill to come."""
    launches: int = 0
    killed: Counter = field(default_factory=Counter)
    """Kills of launchers and of workers at work, by layer."""
    repeats: Counter = field(default_factory=Counter)
    """Rows that launches reported as to be repeated, by status."""

    def run(self) -> None:
        """Launch until no kill is to come and a launch changes nothing."""
        while self.launch():
            assert self.launches < LAUNCHES, f"no convergence within {LAUNCHES} launches"
        assert not self.kills, f"nothing is left to do and {len(self.kills)} kills are to come"

    def launch(self) -> bool:
        """Launch once, with the kills that are due; return whether it changed anything."""
        self.launches += 1
        output = self.project.root / "home" / f"launch-{self.launches}.json"
        output.parent.mkdir(exist_ok=True)
        with output.open("w") as out:
            launch = self.project.start("run", SWEEP, "--json", stdout=out, stderr=DEVNULL)
            while launch.poll() is None:
                self.strike(launch)
                time.sleep(0.01)
        text = output.read_text()
        output.unlink()
        if launch.returncode == -signal.SIGKILL:
            return True
        summary = json.loads(text)
        self.repeats.update(reason.split()[0] for reason in summary["failed"].values() if "last time" in reason)
        return bool(summary["trained"] or summary["evaluated"] or self.kills)

    def strike(self, launch: Popen) -> None:
        """Do the next kill, if as much is stored as it waits for."""
        if not self.kills or self.project.artifact_count() < self.kills[0][0]:
            return
        if self.kills[0][1] == "launcher":
            launch.kill()
            self.killed["launcher"] += 1
        elif not self.kill_worker():
            return
        self.kills.popleft()

    def kill_worker(self) -> bool:
        """Kill a worker at work, if there is one now."""
        for attempt in self.project.attempts():
            if not attempt.alive or not attempt.pid:
                continue
            try:
                os.kill(attempt.pid, signal.SIGKILL)
            except OSError:  # it has just ended
                continue
            self.killed[f"worker in {attempt.layer}"] += 1
            return True
        return False


def prepare(project: Soaked, configurations: int, launcher_kills: int, worker_kills: int, seed: int) -> Soak:
    """Write the sweep; draw which configurations fail, and the time and the victim of each kill."""
    rng, bad = np.random.default_rng(seed), round(SHARE * configurations)
    kinds = rng.permutation(["skipped:zero_segments"] * bad + ["diverged"] * bad + ["ok"] * (configurations - 2 * bad))
    cases = {f"c{n:04d}": str(kind) for n, kind in enumerate(kinds)}
    lines = [f"    {case}: {KINDS[kind].format(n=n)}" for n, (case, kind) in enumerate(cases.items())]
    project.sweep("soak", axes="\n".join(["case:", *lines]), pause=0.005)
    kills = rng.permutation(["launcher"] * launcher_kills + ["worker"] * worker_kills)
    when = np.sort(rng.uniform(0.05, 0.85, len(kills))) * 2 * (configurations - bad)
    return Soak(project, cases, deque((int(count), str(kind)) for count, kind in zip(when, kills, strict=True)))


def faults(soak: Soak, before: set[Path]) -> list[str]:
    """Return one line for each check that fails at the end."""
    project = soak.project
    statuses = {row["case"]: row["status"] for row in project.json("table", SWEEP)}
    wrong = {case: statuses.get(case) for case, status in soak.expected.items() if statuses.get(case) != status}
    stored = {name: one for name, one in project.manifests().items() if not name.startswith("leaderboard/")}
    untouched = made_untouched(project)
    unlike = [name for name in {*stored, *untouched} if stored.get(name) != untouched.get(name)]
    checks = {
        "rows without their status": wrong,
        "artifacts unlike those of an untouched pipeline": unlike,
        "processes left": processes_of(project),
        "files outside the home": sorted(map(str, project.files() - before)),
        "left in the home": sorted(map(str, project.left())),
        "damaged": [] if "orrery: 0 damaged" in project.orrery("verify") else "see `orrery verify`",
    }
    return [f"{name}: {what}" for name, what in checks.items() if what]


def made_untouched(project: Soaked) -> dict[str, dict]:
    """Return the manifests of the same sweep made in this process, with nothing killed and without waiting."""
    with tempfile.TemporaryDirectory(dir=project.root) as place:
        os.environ["ORRERY_HOME"] = place
        store = Store()
        sleep, time.sleep = time.sleep, lambda seconds: None
        for items in project.load(SWEEP).items().values():
            for _ in make(store, *items):
                pass
        time.sleep = sleep
        return manifests(store.root)


def summary(soak: Soak, seconds: float) -> str:
    """Return the report: configurations, kills, and the ends of rows."""
    statuses = ", ".join(f"{status} {count}" for status, count in Counter(soak.expected.values()).items())
    killed = ", ".join(f"{who} {count}" for who, count in sorted(soak.killed.items()))
    repeats = ", ".join(f"{status} {count}" for status, count in sorted(soak.repeats.items()))
    return "\n".join(
        [
            f"soak: {len(soak.expected)} configurations: {statuses}",
            f"killed: {killed}; rows to be repeated: {repeats or 'none'}",
            f"launches until nothing changed: {soak.launches} ({seconds:.0f} s)",
        ]
    )


def main(
    configurations: Annotated[int, typer.Option(min=1, help="Rows of the sweep; 5 % impossible, 5 % diverging.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Seed of which rows fail and when processes are killed.")] = 0,
    launcher_kills: Annotated[int, typer.Option(min=0, help="SIGKILLs of the launcher.")] = 2,
    worker_kills: Annotated[int, typer.Option(min=0, help="SIGKILLs of workers at work.")] = 10,
    place: Annotated[Path | None, typer.Option(help="Empty directory to work in; default: a temporary one.")] = None,
) -> None:
    """Run the soak test; exit with 1 if anything is lost, left over or outside the home."""
    STUDIES[STUDY.name] = STUDY
    with tempfile.TemporaryDirectory(dir=place, prefix="orrery-soak-") as directory:
        for name in ("user", "tmp"):
            (Path(directory) / name).mkdir()
        project = Soaked(plain_project(Path(directory)).root)
        soak = prepare(project, configurations, launcher_kills, worker_kills, seed)
        before, start = project.files(), time.monotonic()
        soak.run()
        print(summary(soak, time.monotonic() - start))
        wrong = faults(soak, before)
    for line in wrong:
        print(f"wrong: {line}")
    print(f"soak: {'failed' if wrong else 'every configuration accounted for, nothing left, nothing outside the home'}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    typer.run(main)
