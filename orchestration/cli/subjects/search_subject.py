"""A search as the subject of commands."""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from assets.catalogue import Catalogue
from assets.search.search import Search
from assets.store.store import Store
from orchestration.cli.request import print_json, refuse
from orchestration.cli.subjects.report_writing import report_unless_stopped
from orchestration.cli.subjects.subject import WHOLE, Answer, RunOptions, TableOptions, View

if TYPE_CHECKING:
    from assets.search.progress import SearchProgress
    from assets.search.search_report import SearchReport
    from assets.sweeps.sweep import Sweep
    from orchestration.search_launch import SearchSummary

NOT_DONE = 1


class SearchSubject:
    """What commands do with a search."""

    plural = "searches"

    def __init__(self, search: Search) -> None:
        self.search = search
        self.name = search.name

    def progress(self) -> SearchProgress:
        """Read how far the search is."""
        from assets.search.progress import SearchProgress

        return SearchProgress.of(self.search, Store())

    def rows(self) -> Sweep:
        """Return the trials as the rows of a sweep."""
        return self.progress().sweep()

    def plan(self, keys: bool, segments: bool) -> Answer:
        """Say which trials there are and what a run would do."""
        from assets.search.search_table import answer

        progress = self.progress()
        complete = [progress.rows[trial.number] for trial in progress.trials if trial.state == "complete"]
        models = Counter(progress.planner.verdict(row.configuration.item).state for row in complete)
        data: dict[str, Any] = {
            **_counts(progress),
            "to_begin": progress.to_begin,
            "to_go_on": progress.open,
            "best": _best(progress),
            "warnings": list(self.search.warnings),
            "models": dict(models),
            "due": [
                {"layer": v.item.layer, "key": v.item.key, "state": v.state, "reason": v.reason} for v in progress.due()
            ],
        }

        def show() -> None:
            for warning in self.search.warnings:
                print(f"warning: {warning}")
            states = ", ".join(f"{name} {count}" for name, count in data["states"].items()) or "none yet"
            print(f"{self.name}: {data['trials']} of {data['wanted']} trials ({states})")
            print(f"a run begins {progress.to_begin} trials and resumes {progress.open}")
            for state, count in models.items():
                print(f"  model  {state}: {count}")
            for item in data["due"]:
                print(f"  best trial  {item['layer']} {item['key']}  {item['state']}: {item['reason']}")
            if progress.best:
                print(f"best so far: {answer(progress)}")

        return Answer(data, show)

    def run(self, catalogue: Catalogue, options: RunOptions) -> NoReturn:
        """Run the search with its progress on the screen, print its trials and what to do next, and exit."""
        from orchestration.launch.terminal import run_in_terminal
        from orchestration.search_launch import run_search

        if options.only_failed:
            refuse(f"{self.name} is a search; --only-failed is for sweeps, a search repeats what it needs by itself")
        work = partial(run_search, self.search)
        summary = run_in_terminal(catalogue, work, options.cpus, options.json, options.limit)
        report = report_unless_stopped(self.report)
        if options.json:
            counts = {"trials": summary.trials, "failed": summary.failed, "seconds": summary.seconds}
            best, page = _best(self.progress()), report and str(report.path)
            print_json({"search": self.name, **counts, "best": best, "report": page})
        else:
            self._print_end(summary, report)
        raise typer.Exit(NOT_DONE if summary.failed else 0)

    def status(self) -> dict[str, Any]:
        """Return how the trials ended, and the disk space they take."""
        from assets.home.disk_space import size_of_sweep

        progress = self.progress()
        return {**_counts(progress), "best": _best(progress), "bytes": size_of_sweep(progress.sweep(), Store())}

    def status_cells(self, status: dict[str, Any]) -> tuple[str, str]:
        """Return its name, and how many of its trials have begun."""
        return self.name, f"{status['trials']} of {status['wanted']} trials"

    def table(self, options: TableOptions) -> None:
        """Print every trial."""
        if options.view != WHOLE or options.column:
            refuse(f"{self.name} is a search; --metric, --where and --rank-by are for sweeps")
        rows = self.progress().table()
        if options.csv or options.json:
            print(rows.to_csv(index=False) if options.csv else rows.to_json(orient="records", indent=2))
        else:
            self._print_trials()

    def report(self, view: View = WHOLE) -> SearchReport:
        """Write the report of the search."""
        if view != WHOLE:
            refuse(f"{self.name} is a search; --metric and --where are for sweeps")
        from assets.search.search_report import write

        return write(self.search, Store())

    def _print_end(self, summary: SearchSummary, report: SearchReport | None) -> None:
        self._print_trials()
        for text in summary.failed.values():
            print(text)
        print(f"{summary.line} ({summary.seconds:.0f} s)")
        print("next:")
        print(f"  orrery promote {self.name}      the best trial as a sweep file; nothing is trained again")
        print(f"  orrery plan {self.name}      what a further run would do")
        if report:
            print(f"report: {os.path.relpath(report.path)}")

    def _print_trials(self) -> None:
        """Print the trials, the best first."""
        from rich.markup import escape
        from rich.table import Table

        from assets.identity.text import cell
        from assets.statistics.experiment import short
        from orchestration.cli.tables import wide_console

        settings = self.search.settings
        rows = self.progress().table().drop(columns=["step", "detail"])
        rows = rows.sort_values(settings.objective, ascending=not settings.maximise, kind="stable")
        table = Table(title=escape(f"{self.name}: {self.search.description}"), title_justify="left")
        for name in rows.columns:
            table.add_column(short(name) if "." in name else name)
        for row in rows.itertuples(index=False, name=None):
            table.add_row(*[escape(cell(value)) for value in row])
        wide_console().print(table)


def _counts(progress: SearchProgress) -> dict[str, Any]:
    counts = {"search": progress.search.name, "trials": len(progress.trials), "wanted": progress.search.settings.trials}
    return counts | {"states": dict(sorted(progress.counts.items()))}


def _best(progress: SearchProgress) -> dict[str, Any] | None:
    best, row = progress.best, progress.best_row
    if best is None or row is None:
        return None
    trial = {"trial": best.number, "objective": best.objective, "values": dict(best.values)}
    return trial | {"key": row.configuration.key}
