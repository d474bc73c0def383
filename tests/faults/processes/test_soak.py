"""A short soak: `python -m benchmarks.soak` is the long one."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.orchestration.conftest import ROOT

SHORT = ("--configurations", "20", "--launcher-kills", "1", "--worker-kills", "2")


@pytest.mark.exhaustive
def test_a_sweep_under_kills_converges_and_leaves_nothing_behind_or_outside(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.soak", *SHORT, "--place", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20 configurations: ok 18" in done.stdout and "launcher 1" in done.stdout
    assert "every configuration accounted for" in done.stdout
    assert list(tmp_path.iterdir()) == []
