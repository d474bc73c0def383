"""`orrery run`: run what is missing of a sweep, with progress, and print its leaderboard."""

import os
from typing import Annotated

import typer

from orchestration.cli.plan import Name
from orchestration.cli.request import clear_errors, known_sweep, print_json

SOME_FAILED = 1


def run(
    sweep: Name = "",
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    cpus: Annotated[int, typer.Option(min=0, help="Workers, one CPU each; 0: all that this process may use.")] = 0,
) -> None:
    """Run what is missing or stale of a sweep; what is stored already is not repeated."""
    with clear_errors():
        chosen, catalogue = known_sweep(sweep)
    summary = _run(chosen, catalogue, cpus, quiet=json)
    if json:
        print_json(
            {
                "sweep": chosen.name,
                "trained": summary.trained,
                "evaluated": summary.evaluated,
                "cached": summary.cached,
                "failed": summary.failed,
                "seconds": summary.seconds,
            }
        )
    else:
        _epilogue(chosen, summary)
    raise typer.Exit(SOME_FAILED if summary.failed else 0)


def _run(chosen, catalogue, cpus: int, quiet: bool):
    """Run the sweep as one Dagster run with one child run per layer."""
    from orchestration.home import prepare

    with clear_errors():
        prepare()
    import dagster as dg

    from assets import progress
    from assets.engine import shared_engine
    from orchestration.cli.live import live_display
    from orchestration.definitions import defs
    from orchestration.sweep_run import run_sweep

    shared_engine(cpus or None)
    with dg.DagsterInstance.get() as instance, live_display(quiet) as listener, progress.listening(listener):
        return run_sweep(chosen, catalogue, instance, defs.resolve_job_def)


def _epilogue(chosen, summary) -> None:
    """Print the leaderboard, the failures, where everything is, and what to do next."""
    from assets.store import home
    from orchestration.cli.inspect import print_leaderboard, wide_console

    console = wide_console()
    print_leaderboard(console, chosen)
    for key, text in summary.failed.items():
        console.print(f"  {key}: {text.splitlines()[0]}", markup=False, soft_wrap=True)
    print(summary.line + f" ({summary.seconds:.0f} s)")
    if not summary.trained and not summary.evaluated and not summary.failed:
        print("nothing to do: configuration, data and code of every row are those of what is stored")
    print(
        f"stored in {os.path.relpath(home())}: store/ (tables, weights, manifests), dagster/ (events), mlflow/ (curves)"
    )
    print("next:")
    print(f"  orrery plan {chosen.name}      what a further run would do, and why")
    print(f"  orrery table {chosen.name} --csv > {chosen.name.split('/')[1]}.csv      the whole table")
    print("  make ui      partitions, lineage and curves in the browser")
