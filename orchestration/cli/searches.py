"""What commands do with a search: plan, run, status, table, report."""

import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from orchestration.cli.request import print_json
from orchestration.launch.report_switch import writes_report

if TYPE_CHECKING:
    from assets.search.progress import Standing
    from assets.search.search import Search
    from assets.search.search_report import SearchReport
    from assets.sweeps.sweep import Sweep
    from orchestration.search_launch import SearchSummary

NOT_DONE = 1


def plan(search: "Search", json: bool) -> None:
    """Show which trials there are and what a run would do."""
    from assets.search.search_table import answer

    standing = _standing(search)
    found = {
        **_counts(standing),
        "to_begin": standing.to_begin,
        "to_go_on": standing.open,
        "best": _best(standing),
        "warnings": list(search.warnings),
        "models": _models(standing),
        "due": [
            {"layer": v.item.layer, "key": v.item.key, "state": v.state, "reason": v.reason} for v in standing.due()
        ],
    }
    if json:
        print_json(found)
        return
    for warning in search.warnings:
        print(f"warning: {warning}")
    states = ", ".join(f"{name} {count}" for name, count in found["states"].items()) or "none yet"
    print(f"{search.name}: {found['trials']} of {found['wanted']} trials ({states})")
    print(f"a run begins {standing.to_begin} trials and goes on with {standing.open}")
    for state, count in found["models"].items():
        print(f"  model  {state}: {count}")
    for one in found["due"]:
        print(f"  best trial  {one['layer']} {one['key']}  {one['state']}: {one['reason']}")
    if standing.best:
        print(f"best so far: {answer(standing)}")


def run(search: "Search", cpus: int, json: bool, limit: float | None) -> None:
    """Run a search with progress, and print its trials and what to do next."""
    from orchestration.launch.terminal import run_in_terminal
    from orchestration.search_launch import run_search

    summary = run_in_terminal(partial(run_search, search), cpus, json, limit)
    written = _written(search) if writes_report() else None
    if json:
        found = {"trials": summary.trials, "failed": summary.failed, "seconds": summary.seconds}
        print_json({"search": search.name, **found, "best": _best(_standing(search)), "report": written})
    else:
        _epilogue(search, summary, written)
    raise typer.Exit(NOT_DONE if summary.failed else 0)


def status(search: "Search") -> dict[str, Any]:
    """Return how the trials of a search ended, and the disk they take."""
    from assets.home.disk_space import size_of_sweep
    from assets.store.store import Store

    standing = _standing(search)
    return {**_counts(standing), "best": _best(standing), "bytes": size_of_sweep(standing.sweep(), Store())}


def trials(search: "Search") -> "Sweep":
    """Return the trials of a search as the rows of a sweep."""
    return _standing(search).sweep()


def table(search: "Search", csv: bool, json: bool) -> None:
    """Print every trial."""
    rows = _standing(search).table()
    if csv or json:
        print(rows.to_csv(index=False) if csv else rows.to_json(orient="records", indent=2))
    else:
        _print_trials(search)


def report(search: "Search") -> "SearchReport":
    """Write the report of a search."""
    from assets.search.search_report import write
    from assets.store.store import Store

    return write(search, Store())


def _standing(search: "Search") -> "Standing":
    from assets.search.progress import Standing
    from assets.store.store import Store

    return Standing.of(search, Store())


def _counts(standing: "Standing") -> dict[str, Any]:
    wanted = standing.search.settings.trials
    told = {"search": standing.search.name, "trials": len(standing.trials), "wanted": wanted}
    return told | {"states": dict(sorted(standing.counts.items()))}


def _best(standing: "Standing") -> dict[str, Any] | None:
    best, row = standing.best, standing.best_row
    if best is None or row is None:
        return None
    told = {"trial": best.number, "objective": best.objective, "values": dict(best.values)}
    return told | {"key": row.configuration.key}


def _models(standing: "Standing") -> dict[str, int]:
    """Count the models of complete trials by how they are stored."""
    from collections import Counter

    complete = [standing.rows[trial.number] for trial in standing.trials if trial.state == "complete"]
    return dict(Counter(standing.planner.verdict(row.configuration.item).state for row in complete))


def _written(search: "Search") -> str | None:
    """Write the report, unless somebody asked to stop: who does, does not wait for pictures."""
    from assets.engine.engine import shared_engine

    if shared_engine().interrupted:
        return None
    try:
        return str(report(search).path)
    except OSError as error:
        print(f"orrery: no report: {error}", file=sys.stderr)
        return None


def _epilogue(search: "Search", summary: "SearchSummary", written: str | None) -> None:
    _print_trials(search)
    for text in summary.failed.values():
        print(text)
    print(f"{summary.line} ({summary.seconds:.0f} s)")
    print("next:")
    print(f"  orrery promote {search.name}      the best trial as a sweep file; nothing is trained again")
    print(f"  orrery plan {search.name}      what a further run would do")
    if written:
        print(f"report: {os.path.relpath(written)}")


def _print_trials(search: "Search") -> None:
    """Print the trials, the best first."""
    from rich.markup import escape
    from rich.table import Table

    from assets.identity.text import cell
    from assets.statistics.experiment import short
    from orchestration.cli.tables import wide_console

    rows = _standing(search).table().drop(columns=["step", "detail"])
    ordered = rows.sort_values(search.settings.objective, ascending=not search.settings.maximise, kind="stable")
    drawn = Table(title=escape(f"{search.name}: {search.description}"), title_justify="left")
    for name in ordered.columns:
        drawn.add_column(short(name) if "." in name else name)
    for row in ordered.itertuples(index=False, name=None):
        drawn.add_row(*[escape(cell(value)) for value in row])
    wide_console().print(drawn)
