"""Our way, in one process: `python -m benchmarks.ours SEGMENTS '{...}'` trains one cohort and prints one line of JSON.

The twin of `plain`: same data, initial weights, loss and number of optimiser steps; several seeds in one process, as a
worker of the engine does it.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from benchmarks.problem import model_config, segments, test_points
from trainers import STUDIES
from trainers.study import Job
from trainers.two_body.apply import apply


def main(settings: dict) -> list[dict]:
    """Train each seed; return the results that `plain` returns, one row per seed."""
    study, rows = STUDIES["two_body"], []
    states, truth = test_points()
    for seed in settings["seeds"]:
        start = time.perf_counter()
        config = model_config(seed, settings["steps"], settings.get("model", {}))
        trained = next(study.train([Job(str(seed), config, segments(config, settings["orbits"]))]))
        seconds = time.perf_counter() - start
        predicted = apply(config, trained, "last").acceleration(states)
        error = np.linalg.norm(predicted - truth, axis=-1) / np.linalg.norm(truth, axis=-1)
        rows.append(
            {
                "seed": seed,
                "steps_per_second": settings["steps"] / trained.timings["train"],
                "compile_seconds": trained.timings["trace"] + trained.timings["compile"],
                "seconds": seconds,
                "field_error": float(100 * error.mean()),
            }
        )
    return rows


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
