"""A copy of the project that knows the plain study, so that whole launches pass in seconds and can be killed."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import dagster as dg
import psutil

from assets.home.running import Attempt, attempt_at
from assets.store.store import Store
from assets.sweeps.sweep import Sweep
from assets.sweeps.sweep_file import load_sweep
from tests.faults.pipeline import make, manifests
from tests.installed_studies import INSTALLED
from tests.orchestration.conftest import ROOT, Project, copy_project

SWEEP = """
study: plain
description: Which seed is best?
tests: [test]
base:
  dataset: {dataset}
  model: {{pause: {pause}, phases: {phases}}}
vary:
  {axes}
"""


@dataclass
class PlainProject(Project):
    """A copy of the project with the plain study beside the others."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its commands; tracking is off."""
        return super().environment | {"ORRERY_TRACKING": "off", "PYTHONUNBUFFERED": "1"}

    @property
    def python_path(self) -> str:
        """The copy, and the test studies as installed packages."""
        return f"{self.root}{os.pathsep}{INSTALLED}"

    def sweep(
        self,
        name: str = "few",
        axes: str = "model.seed: [0, 1, 2]",
        pause: float = 0.0,
        phases: str = "[{steps: 60}]",
        dataset: str = "few",
    ) -> str:
        """Write a sweep and return its name."""
        folder = self.root / "sweeps/plain"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.yaml").write_text(SWEEP.format(axes=axes, pause=pause, phases=phases, dataset=dataset))
        return f"plain/{name}"

    def start(self, *arguments: str, **options) -> subprocess.Popen:
        """Start a command without waiting for it."""
        command = [sys.executable, "-m", "orchestration.cli", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True} | options
        return subprocess.Popen(command, cwd=self.root, env=self.environment, **pipes)

    def json(self, *arguments: str, code: int = 0) -> dict | list:
        """Return what a command prints as JSON."""
        command = [sys.executable, "-m", "orchestration.cli", *arguments, "--json"]
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=280)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def manifests(self, layer: str = "*") -> dict[str, dict]:
        """Return every manifest of the store by layer and hash, without what differs between two equal runs."""
        return manifests(self.home / "store", layer)

    def manifest(self, layer: str, hash: str) -> dict:
        """Return one whole manifest."""
        return json.loads((self.home / f"store/plain/{layer}/{hash}/manifest.json").read_text())

    def load(self, name: str) -> Sweep:
        """Return a sweep of this project."""
        return load_sweep(self.root / f"sweeps/{name}.yaml", self.root / "sweeps")

    def expected(self, *names: str) -> dict[str, dict]:
        """Return the manifests that untouched runs of some sweeps leave, made in this process and without waiting."""
        with tempfile.TemporaryDirectory() as place, mock.patch("time.sleep"):
            for name in names:
                for items in self.load(name).items().values():
                    assert all(outcome.status == "ok" for outcome in make(Store(Path(place)), *items))
            return manifests(Path(place))

    def instance(self) -> dg.DagsterInstance:
        """Return what Dagster knows of this home."""
        return dg.DagsterInstance.from_config(str(self.home / "dagster"))

    def tidy(self) -> bool:
        """Whether nothing is left of any launch: no process, record that is not over, scratch, unfinished version."""
        return not self.left() and not processes_of(self)

    def left(self) -> list[Path]:
        """Return what launches left: records of launches, records that are not over, scratch, unfinished versions."""
        home = self.home
        records = [one.record.path for one in self.attempts() if not one.over]
        stops = home.glob("running/*.stop")
        hidden = [path for path in (home / "store").glob("*/*/.*") if path.name != ".lock"]
        return [*records, *stops, *home.glob("launches/*.json"), *home.glob("scratch/*"), *hidden]

    def attempts(self) -> list[Attempt]:
        """Return what the running records tell."""
        paths = sorted((self.home / "running").glob("*.jsonl"))
        return [attempt for path in paths if (attempt := attempt_at(path))]

    def makes(self, layer: str) -> bool:
        """Whether somebody makes an artifact of a layer now."""
        return any(one.alive and one.layer == layer for one in self.attempts())

    def training(self, step: int = 1) -> bool:
        """Whether a training that runs now has told that it did so many steps."""
        return any(one.alive and one.progress and one.progress["step"] >= step for one in self.attempts())


def plain_project(target: Path) -> PlainProject:
    """Copy the project, and the plain study, which registers by its entry point."""
    copy_project(target)
    for name in ("plain_study", "toy_study"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "tests" / name, target / "tests" / name, ignore=ignored)
    return PlainProject(target)


def wait_until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait for something to come true."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not true within {seconds} s"
        time.sleep(0.02)


def processes_of(project: PlainProject) -> list[psutil.Process]:
    """Return the processes that work in a home, launchers and workers."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("ORRERY_HOME") == str(project.home) and process.pid != os.getpid():
                found.append(process)
        except psutil.Error:
            continue
    return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]
