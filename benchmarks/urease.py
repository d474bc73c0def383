"""(i) Urease: pH curves by the master curve and the stiff integrator against the source's loop, one by one, on one CPU.

Ours counts everything that makes a training curve: drawing, reactor, probe, noise. The peer is the source's method for
the reactor alone: scipy's BDF (rtol 1e-6, atol 1e-12, steps of 60 s at most) with a bracketing search for the pH in
every call, to the same 300 s. Both are asked for the same parameters, and differ by what is printed. The training step
is that of the default network against the source's smallest one (three levels of 64, 128, 256 channels on 100 points),
per curve; ours learns five prefixes in it, the source's one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from benchmarks.spread import ratio_of
from trainers import STUDIES
from trainers.common.torch_training.task import Epoch
from trainers.study import Job
from trainers.urease.kinetics.charge_balance import charges
from trainers.urease.kinetics.families import reactors_of
from trainers.urease.kinetics.rate_law import bell, bell_constants, product_inhibition, rate_constant, saturation
from trainers.urease.kinetics.reactor import Reactors, ramp_factor
from trainers.urease.kinetics.solution import solve
from trainers.urease.train import task_of

STUDY = STUDIES["urease"]
OURS, PEER = 4000, 6
"""Curves that are simulated by us and by the peer."""
TIMES = np.arange(301.0)

SOURCE = {
    "kind": "gaussian",
    "durations": (30.0,),
    "sampling": "adaptive",
    "finer": "warn",
    "channels": "source",
    "components": 0,
    "filters": (64, 128, 256),
    "known_hidden": (256, 128),
    "pooling": {"heads": 1},
    "redraw": False,
}
"""The source's smallest network, on 100 points of 30 s."""


def by_bdf(one: Reactors) -> np.ndarray:
    """Return the pH of one reactor at `TIMES` as the source integrates it."""
    shape, constant = bell_constants(one.temperature, one.law), float(rate_constant(one.temperature)[0])
    strong, last = float(one.strong[0]), [float(one.initial_ph[0])]

    def acidity(N: float, C: float) -> float:
        def balance(pH: float) -> float:
            part = charges(np.array(pH))
            return float(N * part.ammonium + strong - part.water - C * part.carbonate)

        last[0] = float(brentq(balance, last[0] - 3, last[0] + 3, xtol=1e-12))
        return last[0]

    def right(t: float, state: np.ndarray) -> list[float]:
        S, N, C = state
        pH = np.array([acidity(N, C)])
        acting = ramp_factor(np.array([t]), one.ramp) * one.enzyme * np.exp(-one.deactivation * t)
        r = constant * bell(pH, shape) * saturation(np.array([max(S, 0.0)]))
        r = float((r / product_inhibition(np.array([N]), pH) * acting)[0])
        return [-r / 2, r, r / 2 + float(one.gas_rate[0]) * (float(one.gas_level[0]) - C)]

    start = [float(one.substrate[0]), 0.0, 0.0]
    done = solve_ivp(right, (0, TIMES[-1]), start, "BDF", t_eval=TIMES, rtol=1e-6, atol=1e-12, max_step=60)
    return np.array([acidity(N, C) for N, C in zip(done.y[1], done.y[2], strict=True)])


def seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return the time of one call, and its result."""
    started = time.perf_counter()
    value = function()
    return time.perf_counter() - started, value


def step_seconds(settings: dict[str, Any], steps: int = 8) -> float:
    """Return the time of a training step per curve."""
    config = STUDY.model.model_validate({"batch_size": 256, "epochs": 20} | settings)
    segments = STUDY.segment(config.segmentation(), STUDY.simulate(STUDY.dataset(trajectories=400, seed=42)))
    task = task_of(Job("step", config, segments))
    optimiser, index = torch.optim.Adam(task.network.parameters()), torch.arange(256)

    def step() -> None:
        optimiser.zero_grad()
        task.loss(index, Epoch(0, 0, 0, 1, torch.Generator().manual_seed(0)))["loss"].backward()  # type: ignore
        optimiser.step()

    step()
    return seconds(lambda: [step() for _ in range(steps)])[0] / steps / 256


def measure(repeats: int = 3) -> dict[str, Any]:
    """Measure (i): curves per second of each way, paired; training steps per second and curve."""
    torch.set_num_threads(1)
    ratios: dict[str, Any] = {}
    off = []
    for family in ("v1", "v2", "v3"):
        few = STUDY.simulate(STUDY.dataset(family=family, trajectories=PEER, seed=42))
        reactors = reactors_of(few.parameters)
        rates = []
        for _ in range(repeats):
            config = STUDY.dataset(family=family, trajectories=OURS, seed=42)
            own, _made = seconds(lambda config=config: STUDY.simulate(config))
            parts = [reactors.take(slice(k, k + 1)) for k in range(PEER)]
            took, peer = seconds(lambda parts=parts: np.stack([by_bdf(part) for part in parts]))
            rates.append((OURS / own, PEER / took))
        off.append(f"{family}: {np.abs(peer - solve(reactors, TIMES)).max():.1e}")
        ratios[f"{family}, curves/s against BDF with a root search"] = ratio_of(rates)
    pairs = [(1 / step_seconds({}), 1 / step_seconds(SOURCE)) for _ in range(repeats)]
    ratios["training, curves/s of a step against the source's smallest network"] = ratio_of(pairs)
    return {"ratios": ratios, "largest difference of pH from the peer": off}


if __name__ == "__main__":
    print(json.dumps(measure()))
