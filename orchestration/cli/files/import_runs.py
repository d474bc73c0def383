"""`orrery import`: runs that a tracker exported, beside those of a sweep."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from orchestration.cli.request import any_sweep, clear_errors, refuse

Sweep = Annotated[str, typer.Option("--sweep", help="The sweep beside which they stand; empty: the default sweep.")]
Values = Annotated[
    list[str] | None,
    typer.Option("--values", help="METRIC@TEST=COLUMN; repeated. Without it: every column called TEST/METRIC."),
]


def import_(
    tracker: Annotated[Literal["wandb"], typer.Argument(help="Where they come from: wandb.")],
    file: Annotated[Path, typer.Argument(help="Its export: .csv of the runs table, or .json.")],
    sweep: Sweep = "",
    values: Values = None,
) -> None:
    """Import runs exported from Weights & Biases; tables and reports show them beside a sweep, marked."""
    from assets.report.imported.runs import columns_of, imported, place, store_runs
    from assets.report.imported.wandb_export import read_export

    with clear_errors():
        target = any_sweep(sweep)
        try:
            exported = read_export(file)
            columns = columns_of(target, exported, values or [])
            runs = [imported(run, columns) for run in exported]
            replaced = store_runs(target, runs)
        except ValueError as error:
            refuse(str(error))
    missing = len(runs) * len(columns) - sum(len(values) for run in runs for values in run.values.values())
    print(f"{len(runs)} runs imported beside {target.name}, {replaced} of them again: {os.path.relpath(place(target))}")
    print(f"  {len(columns)} metrics of test sets each; {missing} values are missing or not finite, and left out")
    print(f"  orrery table {target.name}      shows them below the leaderboards")
