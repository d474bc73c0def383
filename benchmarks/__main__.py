"""`python -m benchmarks [NAME ...]`: run benchmarks, write `results/benchmarks/bench.{md,json}`, print the table."""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from assets.home.hardware import usable_cpus
from benchmarks import planning, processes, sweep, training
from benchmarks.table import markdown
from docs.results_age import stamp

OUT = processes.ROOT / "results/benchmarks"


def all_benchmarks(scratch: Path, sampled: int) -> dict[str, Callable[[], Any]]:
    """Return every benchmark by name; those of one CPU run in a process of their own on it."""
    cpus = usable_cpus()
    alone = {
        name: lambda name=name: processes.result(processes.start(cpus[-1], f"benchmarks.{name}"))
        for name in ("simulation", "matrix", "preference", "phase_field", "urease", "vehicle")
    }
    return {
        "training": lambda: training.measure(scratch),
        "training-all-cpus": lambda: training.measure_all_cpus(scratch),
        "sweep": lambda: sweep.measure(scratch, sampled),
        "diary": lambda: processes.result(processes.start(cpus[-1], "benchmarks.diary", str(len(cpus)))),
        "planning": lambda: planning.measure(scratch),
        **alone,
    }


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Benchmarks; none: all.")] = None,
    sampled: Annotated[int, typer.Option(help="Plain configurations that `sweep` really runs.")] = 4,
) -> None:
    """Run benchmarks and add their results to the stored ones."""
    path = OUT / "bench.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    with tempfile.TemporaryDirectory() as scratch:
        runs = all_benchmarks(Path(scratch), sampled)
        for name in names or runs:
            if name not in runs:
                raise typer.BadParameter(f"{name!r}; expected some of {', '.join(runs)}")
            print(f"benchmark {name} ...", flush=True)
            results[name] = {"machine": machine(), **runs[name]()}
            OUT.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(results, indent=1) + "\n")
            stamp(f"results/benchmarks/bench.json#{name}", [f"benchmarks/{name.removesuffix('-all-cpus')}.py"])
    (OUT / "bench.md").write_text(markdown(results))
    print(markdown(results))


def machine() -> str:
    """Return a description of this machine."""
    return f"{len(usable_cpus())} CPUs, {platform.machine()}, Python {platform.python_version()}"


if __name__ == "__main__":
    typer.run(main)
