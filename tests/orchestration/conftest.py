"""A copy of the project that a test may edit, with a home of its own."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.homes import begin_home

ROOT = Path(__file__).parents[2]
COPIED = ("orchestration", "assets", "trainers", "run", "pyproject.toml", "workspace.yaml")

TINY = """
study: two_body
description: Which head is best on two orbits?
tests: [{tests}]
base:
  dataset: {{orbits: 2, points: 36}}
  model:
    width: 4
    depth: 1
    phases: [{{steps: {steps}, segment_length: 6}}]
vary:
  model.output_layer: [{heads}]
  model.seed: [{seeds}]
"""


@dataclass
class Project:
    """A copy of the project in a folder of its own."""

    root: Path

    @property
    def python_path(self) -> str:
        """Where its commands look for packages first."""
        return str(self.root)

    @property
    def home(self) -> Path:
        """Where it writes."""
        return self.root / "home"

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "ORRERY_HOME": str(self.home),
            "DAGSTER_HOME": str(self.home / "dagster"),
            "PYTHONPATH": self.python_path,
        }

    def orrery(self, *arguments: str, code: int = 0) -> str:
        """Run the command line in this copy, and check its exit code."""
        command = [sys.executable, "-m", "orchestration.cli", *arguments]
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=280)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def plan(self, sweep: str = "two_body/tiny") -> dict:
        """Return the plan of a sweep as JSON."""
        return json.loads(self.orrery("plan", sweep, "--json"))

    def due(self, layer: str, sweep: str = "two_body/tiny") -> list[str]:
        """Return the reasons of what a layer would do."""
        idle = ("fresh", "settled", "blocked")
        return [i["reason"] for i in self.plan(sweep)["items"] if i["layer"] == layer and i["state"] not in idle]

    def write_sweep(self, name: str = "tiny", **settings: str) -> None:
        """Write a small sweep."""
        values = {"heads": "mlp_4D_signed", "seeds": "0, 1", "steps": "20", "tests": "complex_planar_1_test"} | settings
        folder = self.root / "sweeps" / "two_body"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.yaml").write_text(TINY.format(**values))

    def edit(self, path: str, old: str, new: str, count: int = -1) -> None:
        """Replace text in a source file of this copy."""
        text = (self.root / path).read_text()
        assert old in text, f"{old!r} is not in {path}"
        (self.root / path).write_text(text.replace(old, new, count))


def copy_project(target: Path) -> Project:
    """Copy what runs to another folder, without sweeps."""
    for name in COPIED:
        source = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target / name, ignore=ignored) if source.is_dir() else shutil.copy(
            source, target / name
        )
    return Project(target)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project with one tiny sweep that has run."""
    project = copy_project(tmp_path_factory.mktemp("project"))
    begin_home(project.home)
    project.write_sweep()
    assert "trained 2, evaluated 2, cached 0, failed 0" in project.orrery("run", "two_body/tiny")
    return project
