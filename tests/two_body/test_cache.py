"""Compiled programs are cached between processes: training, validation and evaluation."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assets.engine.worker_process import environment

pytestmark = pytest.mark.training

PROGRAM = """
import json
from collections import Counter
import jax
seen = Counter()
jax.monitoring.register_event_listener(lambda name, **_: seen.update([name.rsplit("/", 1)[-1]]))
from tests.two_body.problem_set import TEST, small, trained
from trainers.two_body.evaluate import evaluate
config = small()
evaluate(config, trained(config), TEST)
print(json.dumps(seen))
"""


def test_a_second_process_compiles_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("ORRERY_HOME", str(tmp_path))
    runs = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=environment("cpu", None) | {"PYTHONPATH": str(Path.cwd())},
            capture_output=True,
            text=True,
            check=True,
        )
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    first, second = runs
    assert first["cache_misses"] > 0
    assert second.get("cache_misses", 0) == 0 and second["cache_hits"] >= first["cache_misses"]
