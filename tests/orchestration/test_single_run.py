"""A configuration alone and in a sweep, launched as a whole or layer by layer: one hash, one record, equal numbers."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.pipeline import register
from tests.faults.project import PlainProject, plain_project
from tests.homes import begin_home

pytestmark = pytest.mark.launch

LAYER_BY_LAYER = """
import sys
import dagster as dg
from orchestration.launch.home import prepare

prepare()
from orchestration.definitions import defs
from assets.catalogue import read_catalogue

sweep = read_catalogue().sweeps[sys.argv[1]]
with dg.DagsterInstance.get() as instance:
    for layer, items in sweep.items().items():
        keys = [row.configuration.key for row in sweep.rows] if layer == "evaluation" else [one.key for one in items]
        for key in keys:
            job = defs.resolve_job_def(f"plain_{layer}")
            done = job.execute_in_process(instance=instance, partition_key=key, raise_on_error=False)
            assert done.success, (layer, key)
"""


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict, list]]:
    """Manifests and table of one configuration, by how it was launched."""
    by_kind = {}
    with pytest.MonkeyPatch.context() as patch:
        register(patch)
        project = plain_project(tmp_path_factory.mktemp("single"))
        project.sweep("alone", axes="model.seed: [1]")
        project.sweep("among", axes="model.seed: [0, 1, 2]")
        for name, kind in (("plain/alone", "alone"), ("plain/among", "among"), ("plain/alone", "layer by layer")):
            begin_home(home := project.root / kind)
            patch.setattr(PlainProject, "home", home)
            patch.setattr(PlainProject, "environment", property(lambda self, home=home: at(self, home)))
            if kind == "layer by layer":
                launch_by_layers(project, name)
            else:
                project.orrery("run", name)
            rows = [
                {name: row[name] for name in row if not name.endswith(("_seconds", "_mb"))}
                for row in project.json("table", name)
                if str(row.get("model.seed", 1)) == "1"
            ]
            by_kind[kind] = project.manifests(), rows
    return by_kind


def at(project: PlainProject, home: Path) -> dict[str, str]:
    """Return the environment of commands over another home."""
    variables = {"ORRERY_HOME": str(home), "DAGSTER_HOME": str(home / "dagster"), "ORRERY_TRACKING": "off"}
    return super(PlainProject, project).environment | variables


def launch_by_layers(project: PlainProject, name: str) -> None:
    """Materialize each partition by the job of its layer, as one does in the Dagster UI."""
    command = [sys.executable, "-c", LAYER_BY_LAYER, name]
    done = subprocess.run(
        command, cwd=project.root, env=project.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("other", ["among", "layer by layer"])
def test_the_same_configuration_has_the_same_hash_and_the_same_metrics_however_it_is_launched(records, other) -> None:
    (alone, rows), (elsewhere, other_rows) = records["alone"], records[other]
    artifacts = {name: one for name, one in alone.items() if not name.startswith("leaderboard/")}
    assert {name.split("/")[0] for name in artifacts} == {"dataset", "segments", "model", "evaluation"}
    assert {name: elsewhere.get(name) for name in artifacts} == artifacts
    (row,), (other_row,) = rows, other_rows
    assert row == other_row
    assert row["hash"] == other_row["hash"] and row["step_error"] > 0
