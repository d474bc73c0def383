"""(c) The diary's sweep: model-steps per second over its datasets, segment lengths, depths and activations.

576 configurations x 3000 steps = 1,728,000 model-steps took 268.6 minutes on a share not stated of a machine with 192
threads. Every cell is measured here with one feature layer and one head; features and heads differ by little and share
the cell's rate. The projection is

    minutes = sum over cells (configurations x 3000 / steps per second + compilation) / 60 / CPUs
"""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np

from benchmarks.problem import model_config, segments
from trainers.common.jax_training.programs import CHUNK, Clock
from trainers.two_body.phase_data import phase_data
from trainers.two_body.train import programs

ORBITS, LENGTHS, DEPTHS, ACTIVATIONS = (1, 10, 100), (4, 10, 18), (2, 4), ("leaky_relu", "tanh")
CONFIGURATIONS, STEPS, PUBLISHED_MINUTES = 576, 3000, 268.6
COMPILED_PER_CELL = 8
"""Features x heads: each is a program of its own."""


def rate(orbits: int, length: int, depth: int, activation: str, chunks: int = 3) -> dict[str, Any]:
    """Return steps per second of the best of some chunks, and the seconds of compilation."""
    config = model_config(0, STEPS, {"depth": depth, "activation": activation}, length)
    part, clock = phase_data(config, segments(config, orbits), 0), Clock()
    program = programs(config)
    batches, rates = part.batches(0, np.arange(CHUNK)), np.full(CHUNK, 1e-3, np.float32)
    learner = program.advance(clock, program.start(0), part.train, batches, rates, np.int32(CHUNK)).learner
    compiled, laps = clock.seconds["trace"] + clock.seconds["compile"], []
    for _ in range(chunks):
        start = time.perf_counter()
        learner = program.advance(clock, learner, part.train, batches, rates, np.int32(CHUNK)).learner
        laps.append(time.perf_counter() - start)
    cell = {"orbits": orbits, "length": length, "depth": depth, "activation": activation}
    return cell | {"steps_per_second": CHUNK / float(np.median(laps)), "compile_seconds": compiled}


def measure(cpus: int) -> dict[str, Any]:
    """Measure (c) on the CPU that this process is on, and project it to as many."""
    cells = [rate(*cell) for cell in itertools.product(ORBITS, LENGTHS, DEPTHS, ACTIVATIONS)]
    each = CONFIGURATIONS / len(cells)
    training = sum(each * STEPS / cell["steps_per_second"] for cell in cells)
    compiling = sum(COMPILED_PER_CELL * cell["compile_seconds"] for cell in cells)
    minutes = (training + compiling) / 60 / cpus
    return {
        "cells": cells,
        "training_core_minutes": training / 60,
        "compilation_core_minutes": compiling / 60,
        "projected_minutes": minutes,
        "published_minutes": PUBLISHED_MINUTES,
        "model_steps_per_second": CONFIGURATIONS * STEPS / (minutes * 60),
        "cpus": cpus,
    }


if __name__ == "__main__":
    import json
    import sys

    print(json.dumps(measure(int(sys.argv[1]))))
