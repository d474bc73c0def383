"""(b) A sweep of 16 configurations from cold: ours through the engine, against one process per configuration.

Four heads x four seeds, 3000 steps each as in the diary's sweep, nothing compiled before. Both ways use every CPU, one
process or worker each, and end with the errors on three test sets; ours with Dagster, the tracker, intervals, the
leaderboard and the report besides. `sampled` plain configurations, one per head first, stand for all 16: seeds cost the
same, and the time is scaled up.
"""

from __future__ import annotations

import itertools
import json
import time
from collections import deque
from pathlib import Path
from typing import Any

from assets.home.hardware import usable_cpus
from benchmarks import processes
from benchmarks.planning import orrery
from benchmarks.problem import TESTS, model_config, write_plain

HEADS = ("mlp_4D_signed", "mlp_4D_abs", "mlp_4D_unit_softplus", "mlp_4D_softplus")
SEEDS, STEPS = (0, 1, 2, 3), 3000

SWEEP = f"""study: two_body
description: How long does a sweep take from cold?
tests: [{", ".join(f"complex_planar_{count}_test" for count in TESTS)}]
base:
  dataset: complex_planar_10_train
  model:
    loss: {{name: percent_error_plus_nmse}}
    phases: [{{steps: {STEPS}, learning_rate: 1e-3, segment_length: 18}}]
vary:
  model.output_layer: [{", ".join(HEADS)}]
  model.seed: {list(SEEDS)}
"""


def ours(scratch: Path) -> float:
    """Return the seconds of our sweep in a new home."""
    path = processes.ROOT / "sweeps/two_body/bench-cold.yaml"
    path.write_text(SWEEP)
    try:
        return orrery(scratch / "cold", "run", f"two_body/{path.stem}", tracking="on")
    finally:
        path.unlink()


def plain(scratch: Path, sampled: int) -> float:
    """Return the seconds of 16 plain processes, as many at a time as there are CPUs."""
    data = write_plain(scratch / "segments.npz", 10)
    waiting = deque(list(itertools.product(SEEDS, HEADS))[:sampled])
    free, running, start = deque(usable_cpus()), [], time.perf_counter()
    while waiting or running:
        while waiting and free:
            seed, head = waiting.popleft()
            model = model_config(seed, STEPS, {"output_layer": head}).model_dump(mode="json")
            settings = json.dumps({"model": model, "steps": STEPS, "solver": "adaptive", "evaluate": TESTS})
            cpu = free.popleft()
            running.append((cpu, processes.start(cpu, "benchmarks.plain", str(data), settings, cached=False)))
        for cpu, process in [one for one in running if one[1].poll() is not None]:
            processes.result(process)
            running.remove((cpu, process))
            free.append(cpu)
        time.sleep(0.1)
    return (time.perf_counter() - start) * len(SEEDS) * len(HEADS) / sampled


def measure(scratch: Path, sampled: int = len(HEADS)) -> dict[str, Any]:
    """Measure (b)."""
    own, other = ours(scratch), plain(scratch, sampled)
    return {"ours [s]": own, "plain [s]": other, "ratio": other / own, "plain configurations run": sampled}
