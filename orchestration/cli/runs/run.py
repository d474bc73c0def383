"""`orrery run`: run what is missing of a sweep, with progress, and print its leaderboard."""

import os
import re
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from assets.search.search import Search
from orchestration.cli import searches
from orchestration.cli.request import Name, clear_errors, known_file, print_json, refuse
from orchestration.launch.report_switch import turn_off_report, writes_report

if TYPE_CHECKING:
    from assets.catalogue import Catalogue
    from assets.engine.budget import Budget
    from assets.launch import Launch
    from assets.report.sweep_report import Report
    from assets.stages.freshness import Planner
    from assets.statistics.experiment import Experiment
    from assets.sweeps.sweep import Sweep
    from orchestration.sweep_run import Summary

SOME_FAILED = 1


def run(
    sweep: Name = "",
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    cpus: Annotated[int, typer.Option(min=0, help="Workers, one CPU each; 0: all that this process may use.")] = 0,
    only_failed: Annotated[
        bool, typer.Option("--only-failed", help="Only rows that failed and may end otherwise; nothing that is new.")
    ] = False,
    time_limit: Annotated[
        str,
        typer.Option("--for", help="Begin no training after this time (20m, 1.5h, 90s); seed by seed."),
    ] = "",
    detach: Annotated[bool, typer.Option("--detach", help="Go on in the background, also after the log-out.")] = False,
    no_report: Annotated[
        bool, typer.Option("--no-report", help="Write no report; `orrery report` writes it later.")
    ] = False,
) -> None:
    """Run what is missing or stale of a sweep; what is stored already is not repeated."""
    from assets.launch import launching

    if no_report:
        turn_off_report()
    with clear_errors():
        chosen, catalogue = known_file(sweep)
        if isinstance(chosen, Search) and only_failed:
            refuse(f"{chosen.name} is a search; --only-failed is for sweeps, a search goes on by itself")
        limit = seconds_of(time_limit)
        if detach:
            options = ["--cpus", str(cpus), *(["--only-failed"] if only_failed else [])]
            return _detach(chosen.name, [*options, *(["--for", time_limit] if time_limit else [])], json)
        if isinstance(chosen, Search):
            return searches.run(chosen, cpus, json, limit)
        with launching() as launch:
            rows = failed_rows(chosen, launch.planner) if only_failed else chosen
            summary = _run(rows, catalogue, cpus, json, limit)
            _conclude(chosen, summary, json, launch)


def _run(chosen: "Sweep", catalogue: "Catalogue", cpus: int, quiet: bool, limit: float | None) -> "Summary":
    """Say what it takes, and run the sweep as one Dagster run per layer and stretch of keys."""
    from assets.home.disk_space import free_space_line
    from assets.launch import present_launch
    from assets.store.store import home
    from orchestration.launch.terminal import run_in_terminal

    needed = what_it_takes(chosen, cpus, present_launch())
    if not quiet:
        print(needed.line, free_space_line(home()), sep="\n", flush=True)
    needed.check()
    from orchestration.sweep_run import run_sweep

    return run_in_terminal(partial(run_sweep, chosen, catalogue), cpus, quiet, limit)


def _conclude(sweep: "Sweep", summary: "Summary", json: bool, launch: "Launch") -> NoReturn:
    """Write the report if one is wanted, say how the run ended, and exit."""
    from assets.engine.engine import shared_engine

    experiment = launch.experiment(sweep)
    written = _written(experiment) if writes_report() else None
    if json:
        counts = {"trained": summary.trained, "evaluated": summary.evaluated, "cached": summary.cached}
        ended = {"failed": summary.failed, "seconds": summary.seconds, "busy": summary.busy}
        print_json({"sweep": sweep.name, **counts, **ended, "report": written and str(written.path)})
    else:
        _epilogue(experiment, summary, written)
    lacks_report = writes_report() and written is None
    raise typer.Exit(SOME_FAILED if summary.failed or shared_engine().interrupted or lacks_report else 0)


def _written(experiment: "Experiment") -> "Report | None":
    """Write the report, unless somebody asked to stop: who does, does not wait for pictures."""
    from assets.engine.engine import shared_engine
    from assets.report import sweep_report

    if shared_engine().interrupted:
        return None
    try:
        return sweep_report.write(experiment)
    except OSError as error:
        print(f"orrery: no report: {error}", file=sys.stderr)
        return None


def failed_rows(sweep: "Sweep", planner: "Planner") -> "Sweep":
    """Return a sweep of those rows alone that ended as something the next run may end otherwise."""

    def failed(row) -> bool:
        items = (*row.configuration.item.upstream(), row.configuration.item, *row.evaluations)
        return any(planner.verdict(item).state == "retry" for item in items)

    return replace(sweep, rows=tuple(filter(failed, sweep.rows)))


def _detach(name: str, options: list[str], json: bool) -> None:
    """Launch in the background, and say how to look at it and how to end it."""
    from orchestration.launch.detached import detach

    begun = detach(name, options)
    if json:
        print_json({"sweep": name, "pid": begun and begun.pid, "log": begun and begun.log})
    elif begun is None:
        print(f"{name}: nothing to do; every row is ok")
    else:
        print(f"{name} runs as process {begun.pid}; its output goes to {os.path.relpath(begun.log)}")
        print(f"  orrery status {name}      where it stands")
        print(f"  orrery attach {name}      what it prints; Ctrl-C leaves it running")
        print(f"  orrery stop {name}        checkpoint and end it; a further run goes on from there")


def what_it_takes(sweep: "Sweep", cpus: int, launch: "Launch") -> "Budget":
    """Return about what a run of the sweep will use."""
    from assets.engine.budget import budget
    from assets.home.hardware import choose_cpus
    from assets.statistics.adaptive_seeds import sweep_so_far

    items = [item for layer in sweep_so_far(sweep, launch.store).items().values() for item in layer]
    return budget([launch.planner.verdict(item) for item in items], launch.store, len(choose_cpus(cpus or None)))


def seconds_of(text: str) -> float | None:
    """Return the seconds of `90s`, `20m` or `1.5h`; None for an empty text.

    Anything else is refused.
    """
    if not text:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if found is None or not float(found[1]):
        refuse(f"--for is {text!r}; expected a time such as 90s, 20m or 1.5h")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def _epilogue(experiment: "Experiment", summary: "Summary", written: "Report | None") -> None:
    """Print the leaderboard, the answer, the failures, where everything is, and what to do next."""
    from assets.statistics.leaderboard import rank
    from assets.store.store import home
    from orchestration.cli.tables import print_leaderboard, wide_console

    chosen, console = experiment.sweep, wide_console()
    print_leaderboard(console, experiment, rank(experiment))
    if written:
        console.print(f"answer: {written.answer}", markup=False, highlight=False)
    for key, text in summary.failed.items():
        console.print(f"  {key}: {text.splitlines()[0]}", markup=False, soft_wrap=True)
    print(summary.line + f" ({summary.seconds:.0f} s, CPUs {100 * summary.busy:.0f} % busy)")
    if not summary.trained and not summary.evaluated and not summary.failed:
        print("nothing to do: configuration, data and code of every row are those of what is stored")
    print(
        f"stored in {os.path.relpath(home())}: store/ (tables, weights, manifests), dagster/ (events), mlflow/ (curves)"
    )
    print("next:")
    if summary.failed:
        print(f"  orrery failures {chosen.name}      what failed, grouped by cause")
    print(f"  orrery plan {chosen.name}      what a further run would do, and why")
    print(f"  orrery table {chosen.name} --csv > {chosen.name.split('/')[1]}.csv      the whole table")
    print("  make ui      partitions, lineage and curves in the browser")
    if written:
        print(f"report: {os.path.relpath(written.path)}")
