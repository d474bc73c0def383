"""(h) Phase field on one CPU: semi-implicit steps against the source's explicit ones at equal error, and LSTM steps.

The explicit scheme takes 30,000 steps of 0.001 for a run of 128 x 128 cells. A part of them is run here and scaled by
the number of steps, each of which costs the same. Errors are those of radial profiles against a reference of third
order with steps of 0.0025, over whole runs on 32 x 32 cells, both with the five-point Laplacian: ours takes the largest
step of `STEPS` whose error is not above that of the explicit scheme.

The training step of the sequence generator runs consecutive forced inputs in one call; the peer feeds it row by row,
the loop that one writes first.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.spread import ratio_of
from trainers import STUDIES
from trainers.phase_field.microstructure.two_point import autocorrelation, radial_profile
from trainers.phase_field.models.sequence_generator import SequenceGenerator
from trainers.phase_field.simulate import snapshots
from trainers.study import Trajectories

STUDY = STUDIES["phase_field"]
RUNS = 8
"""Runs of ours that are simulated together."""
EXPLICIT_STEPS, PART = 30_000, 600
"""Steps of the explicit scheme in a run, and those that are measured."""
STEPS = (0.1, 0.2 / 3, 0.05, 0.04, 0.025)
"""Our steps, largest first."""
POINTS, FORCING, BATCH = 151, 0.6, 32
"""Rows of a curve, probability of forcing, and runs per batch of the training step."""


PROGRAMME_RUNS, PROGRAMME_EPOCHS = 4400, 500
"""Training runs and epochs of a programme of the source, with its 256 units."""


def run(runs: int, **settings: Any) -> Trajectories:
    """Simulate as the project does."""
    return STUDY.simulate(STUDY.dataset(trajectories=runs, seed=42, **settings))


def profiles(step: float, scheme: str) -> np.ndarray:
    """Return the profiles (T, B, R) of small runs, for errors."""
    settings = {"grid": 32, "laplacian": "five_point", "step": step, "scheme": scheme, "trajectories": 4}
    fields = snapshots(STUDY.dataset(seed=42, **settings), np.arange(4))
    return np.stack([radial_profile(autocorrelation(c)) for c in fields])


def equal_error() -> tuple[float, float, float]:
    """Return our largest step whose error is not above the explicit scheme's, its error, and that of the scheme."""
    reference = profiles(0.0025, "sbdf3")
    explicit = float(np.abs(profiles(0.001, "explicit") - reference).mean())
    for step in STEPS:
        error = float(np.abs(profiles(step, "sbdf3") - reference).mean())
        if error <= explicit:
            return step, error, explicit
    raise RuntimeError(f"no step of {STEPS} is as exact as the explicit scheme, {explicit:.2g}")


def explicit_run() -> float:
    """Return the seconds of one explicit run, scaled from a part of its steps."""
    settings = {"scheme": "explicit", "laplacian": "five_point", "step": 0.001}
    part = {"duration": PART * 0.001, "snapshots": PART // 200 + 1}
    took = seconds(lambda: run(1, **settings, **part))
    return took * EXPLICIT_STEPS / PART


def training_step(network: SequenceGenerator, inputs: torch.Tensor, forced: torch.Tensor, by_row: bool) -> None:
    """Take the gradient of one batch."""
    rows = _row_by_row(network, inputs, forced) if by_row else network(inputs, POINTS, forced)
    network.zero_grad()
    (rows - inputs).abs().mean().backward()


def _row_by_row(network: SequenceGenerator, inputs: torch.Tensor, forced: torch.Tensor) -> torch.Tensor:
    _, state = network.encoder(inputs[:, :1])
    rows = [inputs[:, :1]]
    for step in range(POINTS - 1):
        fed = inputs[:, step : step + 1] if forced[step] else rows[-1]
        hidden, state = network.decoder(fed, state)
        rows.append(network.output(hidden))
    return torch.cat(rows, dim=1)


def seconds(function: Callable[[], Any]) -> float:
    """Return the time of one call."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def measure(repeats: int = 5) -> dict[str, Any]:
    """Measure (h), paired."""
    torch.set_num_threads(1)
    step, error, explicit_error = equal_error()
    runs, trained = [], []
    torch.manual_seed(0)
    network, inputs = SequenceGenerator(7, 64, 2, 0.3), torch.randn(BATCH, POINTS, 7)
    for repeat in range(repeats):
        own = seconds(lambda: run(RUNS, step=step, laplacian="five_point")) / RUNS
        runs.append((1 / own, 1 / explicit_run()))
        forced = torch.rand(POINTS, generator=torch.Generator().manual_seed(repeat)) < FORCING
        ours, peer = (
            seconds(lambda way=way, forced=forced: training_step(network, inputs, forced, way)) for way in (False, True)
        )
        trained.append((BATCH / ours, BATCH / peer))
    published = SequenceGenerator(7, 256, 2, 0.3)
    forced = torch.rand(POINTS, generator=torch.Generator().manual_seed(0)) < FORCING
    batch = min(seconds(lambda: training_step(published, inputs, forced, False)) for _ in range(repeats))
    hours = batch * -(-PROGRAMME_RUNS // BATCH) * PROGRAMME_EPOCHS / 3600
    return {
        "ratios": {
            "simulation against the source's explicit scheme at equal error, runs/s": ratio_of(runs),
            "training step of an LSTM of 64 units against row by row, sequences/s": ratio_of(trained),
        },
        "a programme of the source, projected to one CPU [hours]": hours,
        "our step": step,
        "mean error of profiles, ours": error,
        "mean error of profiles, explicit steps of 0.001": explicit_error,
        "explicit run": f"scaled from {PART} of {EXPLICIT_STEPS} steps",
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
