"""What no file of the project may do, and what no file that it writes may hold."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.orchestration.conftest import ROOT

BANNED = [
    "import pickle", "from pickle import loads", "import cloudpickle", "import dill", "import joblib", "import marshal",
    "import shelve", "import jsonpickle", "import yaml",
    "import torch\ntorch.load('x')", "import torch\ntorch.save(1, 'x')",
    "import pandas as pd\npd.read_pickle('x')", "import equinox as eqx\neqx.tree_deserialise_leaves('x', 1)",
    "import mlflow\nmlflow.log_model(1)", "from mlflow import pyfunc",
    "import os\nos.system('x')", "import os\nos.popen('x')",
    "eval('1')", "exec('1')", "import subprocess\nsubprocess.run('x', shell=True)",
]  # fmt: skip


def complaints(source: str) -> str:
    """Return what the linter says of a module of the project."""
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--stdin-filename",
        "assets/trial.py",
        "--output-format",
        "concise",
        "-",
    ]
    done = subprocess.run(command, cwd=ROOT, input=source, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout


@pytest.mark.parametrize("source", BANNED)
def test_the_linter_refuses_what_pickles_or_runs_text(source: str) -> None:
    assert any(f" {rule} " in complaints(f'"""Trial."""\n\n{source}\n') for rule in ("TID251", "S102", "S307", "S602"))


TELEMETRY = """
import os, sys
from pathlib import Path
from assets.mlflow_runs import MlflowRuns
from assets.store import Store
from orchestration.home import prepare

prepare()
MlflowRuns(Path(sys.argv[1]), Store())
from mlflow.telemetry.utils import is_telemetry_disabled
from dagster import DagsterInstance
print(is_telemetry_disabled(), DagsterInstance.get().telemetry_enabled)
"""


def test_nothing_reports_to_anyone_whatever_the_environment_says(tmp_path: Path) -> None:
    quiet = ("DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY", "DAGSTER_DISABLE_TELEMETRY", "CI", "PYTEST_CURRENT_TEST")
    environment = {name: value for name, value in os.environ.items() if name not in quiet}
    environment |= {"ORRERY_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", TELEMETRY, str(tmp_path / "mlflow")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.split() == ["True", "False"], done.stderr
