"""(f) The training as a fraction of the machine's matrix-product rate, on one CPU.

    fraction = steps/s x 6 x weights x field evaluations per step / rate of a 1024 x 1024 product in single precision

6 operations per weight and evaluation: two each for the value, for the gradient to the input and to the weights. What
the backward pass recomputes does not count as useful; `with_recomputation` counts it (8 instead of 6).
"""

from __future__ import annotations

import json
import time
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.diary import rate
from benchmarks.problem import model_config, segments
from trainers.two_body.models.feature_layers import FEATURE_LAYERS
from trainers.two_body.models.output_layers import OUTPUT_LAYERS
from trainers.two_body.phase_data import phase_data

SIZE, STAGES = 1024, 6


def product_rate(repeats: int = 20) -> float:
    """Return the best rate of a large matrix product [GFLOP/s]."""
    a = jnp.ones((SIZE, SIZE))
    product = jax.jit(lambda a: a @ a)
    product(a).block_until_ready()
    laps = []
    for _ in range(repeats):
        start = time.perf_counter()
        product(a).block_until_ready()
        laps.append(time.perf_counter() - start)
    return 2 * SIZE**3 / min(laps) / 1e9


def evaluations(orbits: int, length: int) -> float:
    """Return the field evaluations that one optimiser step needs: six per planned step and one per segment."""
    config = model_config(0, 1, {}, length)
    data = phase_data(config, segments(config, orbits), 0).train
    steps = np.asarray(data.plan.dt > 0).sum() / data.t.shape[1]
    return data.weight.size * (STAGES * float(steps) + 1)


def measure(orbits: int = 10, length: int = 18) -> dict[str, Any]:
    """Measure (f)."""
    before, cell, after = product_rate(), rate(orbits, length, 2, "leaky_relu"), product_rate()
    config = model_config(0, 1)
    sizes = FEATURE_LAYERS[config.feature_layer].size, 64, 64, OUTPUT_LAYERS[config.output_layer].size
    weights = sum(a * b for a, b in pairwise(sizes))
    useful = cell["steps_per_second"] * 6 * weights * evaluations(orbits, length) / 1e9
    peak = max(before, after)
    return {
        "product_gflops": peak,
        "training_gflops": useful,
        "fraction": useful / peak,
        "with_recomputation": useful / peak * 8 / 6,
        "steps_per_second": cell["steps_per_second"],
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
