"""(a) Training: optimiser steps per second and final field error, ours against the plain way, paired by seed.

Same data, initial weights, loss and number of optimiser steps; the two ways take turns on one CPU, so that the state of
the machine meets both. Then one process of each per CPU at the same time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from assets.home.hardware import usable_cpus
from benchmarks import processes
from benchmarks.problem import model_config, write_plain
from benchmarks.spread import Ratio, ratio_of

STEPS, ORBITS = 1000, 10


def plain(cpu: int, data: Path, seed: int, steps: int, solver: str = "adaptive") -> Any:
    """Start the plain way."""
    settings = {"model": model_config(seed, steps).model_dump(mode="json"), "steps": steps, "solver": solver}
    return processes.start(cpu, "benchmarks.plain", str(data), json.dumps(settings))


def ours(cpu: int, seeds: Iterable[int], steps: int) -> Any:
    """Start our way: all seeds in one process."""
    return processes.start(cpu, "benchmarks.ours", json.dumps({"seeds": list(seeds), "steps": steps, "orbits": ORBITS}))


def one_worker(scratch: Path, seeds: Iterable[int], steps: int = STEPS) -> list[dict[str, Any]]:
    """Return a row per seed: both ways one after another on the last CPU."""
    data, cpu = write_plain(scratch / "segments.npz", ORBITS), usable_cpus()[-1]
    rows = []
    for seed in seeds:
        row: dict[str, Any] = {"seed": seed, "ours": processes.result(ours(cpu, [seed], steps))[0]}
        for solver in ("adaptive", "grid"):
            row[solver] = processes.result(plain(cpu, data, seed, steps, solver))
        rows.append(row)
    return rows


def one_per_cpu(scratch: Path, seeds: Iterable[int], steps: int = STEPS) -> list[dict[str, Any]]:
    """Return a row per seed: steps per second of all CPUs together, and of one plain process that has them all.

    The plain way is given every CPU and its threads, as a user would run it.
    """
    data, cpus, rows = write_plain(scratch / "segments.npz", ORBITS), usable_cpus(), []
    for seed in seeds:
        together = [ours(cpu, [seed], steps) for cpu in cpus]
        rate = sum(processes.result(process)[0]["steps_per_second"] for process in together)
        settings = {"model": model_config(seed, steps).model_dump(mode="json"), "steps": steps, "solver": "adaptive"}
        alone = processes.start_free("benchmarks.plain", str(data), json.dumps(settings))
        rows.append({"seed": seed, "ours": rate, "plain": processes.result(alone)["steps_per_second"]})
    return rows


def measure(scratch: Path, seeds: Iterable[int] = (0, 1, 2)) -> dict[str, Any]:
    """Measure one worker: steps per second and final field errors."""
    rows = one_worker(scratch, seeds)
    ratios: dict[str, Ratio] = {
        f"one worker against plain {solver}, steps/s": ratio_of(
            [(row["ours"]["steps_per_second"], row[solver]["steps_per_second"]) for row in rows]
        )
        for solver in ("adaptive", "grid")
    }
    ways = ("ours", "adaptive", "grid")
    errors = {f"field error {way}, by seed [%]": [round(row[way]["field_error"], 3) for row in rows] for way in ways}
    return {"ratios": ratios, **errors, "rows": rows}


def measure_all_cpus(scratch: Path, seeds: Iterable[int] = (0, 1, 2)) -> dict[str, Any]:
    """Measure one worker per CPU."""
    rows = one_per_cpu(scratch, seeds, STEPS // 2)
    ratio = ratio_of([(row["ours"], row["plain"]) for row in rows])
    return {"ratios": {"one worker per CPU against plain adaptive on all CPUs, steps/s": ratio}, "rows": rows}
