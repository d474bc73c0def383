"""(e) Simulation: exact Kepler propagation against general integrators at equal accuracy, on one CPU.

Peers: scipy's DOP853 orbit by orbit at rtol 1e-12, and diffrax's Dopri8 on all orbits at once at the same tolerance.
The error is the largest relative change of the orbital energy.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.spread import ratio_of
from trainers import STUDIES
from trainers.study import Trajectories
from trainers.two_body.problems import equation_of_motion, load_problem

STUDY = STUDIES["two_body"]
RTOL = 1e-12


def exact(orbits: int) -> Trajectories:
    """Simulate as the project does."""
    return STUDY.simulate(STUDY.dataset(orbits=orbits))


def scipy_way(truth: Trajectories) -> np.ndarray:
    """Integrate orbit by orbit, (N, T, 6)."""
    field = equation_of_motion("two_body")
    flat = [
        solve_ivp(lambda t, y: field(y), (t[0], t[-1]), y[0], "DOP853", t, rtol=RTOL, atol=RTOL)
        for t, y in zip(truth.t, truth.y, strict=True)
    ]
    return np.stack([solution.y.T for solution in flat])


def diffrax_way(truth: Trajectories) -> Callable[[], np.ndarray]:
    """Return a call that integrates all orbits under `vmap`, (N, T, 6); it compiles when first called."""
    import diffrax

    field = equation_of_motion("two_body")

    @jax.jit
    @jax.vmap
    def solve(t, y0):
        return diffrax.diffeqsolve(
            diffrax.ODETerm(lambda _, y, args: field(y)),
            diffrax.Dopri8(),
            t[0],
            t[-1],
            None,
            y0,
            saveat=diffrax.SaveAt(ts=t),
            stepsize_controller=diffrax.PIDController(rtol=RTOL, atol=RTOL),
            max_steps=100_000,
        ).ys

    return lambda: np.asarray(solve(truth.t, truth.y[:, 0]))


def energy_error(y: np.ndarray) -> float:
    """Return the largest relative change of the energy."""
    energy = load_problem("two_body").invariants(np.moveaxis(y, -1, 0))["energy"]
    return float(np.abs(energy / energy[:, :1] - 1).max())


def seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return the time of one call, and its result."""
    start = time.perf_counter()
    value = function()
    return time.perf_counter() - start, value


def measure(repeats: int = 3) -> dict[str, Any]:
    """Measure (e): points per second of each way, paired."""
    exact(1000)
    few = exact(100)
    batched = diffrax_way(few)
    with jax.enable_x64(True):
        batched()
    rows = []
    for _ in range(repeats):
        own, orbits = seconds(lambda: exact(1000))
        serial, by_scipy = seconds(lambda: scipy_way(few))
        with jax.enable_x64(True):
            vector, by_diffrax = seconds(batched)
        errors = [energy_error(y) for y in (orbits.y, by_scipy, by_diffrax)]
        rates = orbits.t.size / own, few.t.size / serial, few.t.size / vector
        rows.append({"points_per_second": rates, "energy_error": errors})
    pairs = [row["points_per_second"] for row in rows]
    return {
        "ratios": {
            "against scipy DOP853, points/s": ratio_of([(a, b) for a, b, _ in pairs]),
            "against diffrax Dopri8 batched, points/s": ratio_of([(a, c) for a, _, c in pairs]),
        },
        "largest energy error (ours, scipy, diffrax)": rows[-1]["energy_error"],
        "rows": rows,
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
