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

OUT = processes.ROOT / "results/benchmarks"


def chosen(scratch: Path, sampled: int) -> dict[str, Callable[[], Any]]:
    """Return every benchmark by name; those of one CPU run as a process there."""
    cpus = usable_cpus()
    alone = {
        name: lambda name=name: processes.result(processes.start(cpus[-1], f"benchmarks.{name}"))
        for name in ("simulation", "matrix", "preference")
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
    """Run what was asked for and add it to what is known."""
    path = OUT / "bench.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    with tempfile.TemporaryDirectory() as scratch:
        runs = chosen(Path(scratch), sampled)
        for name in names or runs:
            if name not in runs:
                raise typer.BadParameter(f"{name!r}; expected some of {', '.join(runs)}")
            print(f"benchmark {name} ...", flush=True)
            known[name] = {"machine": machine(), **runs[name]()}
            OUT.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(known, indent=1) + "\n")
    (OUT / "bench.md").write_text(markdown(known))
    print(markdown(known))


def machine() -> str:
    """Say what was measured on."""
    return f"{len(usable_cpus())} CPUs, {platform.machine()}, Python {platform.python_version()}"


if __name__ == "__main__":
    typer.run(main)
