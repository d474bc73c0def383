"""(d) Orchestration per configuration above its training, from 10 to some thousands of configurations.

A sweep of constant baselines, which train in no time, goes through Dagster on one worker, without and with the tracker;
what the stages themselves took, by their manifests, is subtracted. Then the unchanged sweep is run again and planned.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from assets.stages.layers import LAYERS
from benchmarks import processes

SWEEP = """study: two_body
description: How long does orchestration take?
tests: [complex_planar_1_test]
base:
  dataset: complex_planar_1_train
  model: {{kind: mean_acceleration}}
vary:
  model.seed: {seeds}
"""


SIZES = (10, 100, 1000)


def orrery(home: Path, *arguments: str, tracking: str = "off") -> float:
    """Run a command in a home of its own; return its seconds."""
    environment = os.environ | {"ORRERY_HOME": str(home), "ORRERY_TRACKING": tracking}
    start = time.perf_counter()
    command = [sys.executable, "-m", "orchestration.cli", *arguments]
    subprocess.run(command, cwd=processes.ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def stage_seconds(home: Path) -> float:
    """Return the seconds that all stages took, by their manifests."""
    manifests = (json.loads(path.read_text()) for path in (home / "store").glob("*/*/*/manifest.json"))
    stages = (manifest for manifest in manifests if manifest["layer"] in LAYERS)
    return sum(one["timings"].get(name, 0.0) for one in stages for name in ("inputs", LAYERS[one["layer"]].stage))


def size(count: int, scratch: Path) -> dict[str, Any]:
    """Measure a sweep of `count` configurations."""
    path = processes.ROOT / "sweeps/two_body" / f"bench-{os.getpid()}-{count}.yaml"
    path.write_text(SWEEP.format(seeds=list(range(count))))
    name, row = f"two_body/{path.stem}", {"configurations": count}
    try:
        for tracking in ("off", "on"):
            home = scratch / f"home-{count}-{tracking}"
            empty = orrery(home, "plan", name)
            seconds = orrery(home, "run", name, "--cpus", "1", tracking=tracking)
            row[f"per configuration, tracker {tracking} [s]"] = (seconds - empty - stage_seconds(home)) / count
        row["run again [s]"] = orrery(home, "run", name, "--cpus", "1")
        row["plan [s]"] = orrery(home, "plan", name)
    finally:
        path.unlink()
    return row


def measure(scratch: Path, sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """Measure (d)."""
    return {"sizes": [size(count, scratch) for count in sizes]}


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(measure(Path(scratch), tuple(map(int, sys.argv[1:])) or SIZES)))
