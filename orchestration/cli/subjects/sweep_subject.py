"""A sweep as the subject of commands."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from assets.catalogue import Catalogue
from assets.launch import Launch, launching, present_launch
from assets.statistics.adaptive_seeds import seed_progress, setting_key, sweep_so_far
from assets.statistics.experiment import UnknownNameError
from assets.sweeps.selection.conditions import filtered
from assets.sweeps.sweep import Row, Sweep
from assets.sweeps.titles import titles
from orchestration.cli.request import print_json, refuse, writable
from orchestration.cli.subjects.report_writing import report_unless_stopped
from orchestration.cli.subjects.segment_blocks import print_cuts
from orchestration.cli.subjects.subject import WHOLE, Answer, RunOptions, TableOptions, View
from orchestration.launch.report_switch import writes_report

if TYPE_CHECKING:
    from assets.engine.budget import Budget
    from assets.report.sweep_report import Report
    from orchestration.sweep_run import Summary

SOME_FAILED = 1


class SweepSubject:
    """What commands do with a sweep."""

    plural = "sweeps"

    def __init__(self, sweep: Sweep, launch: Launch | None = None) -> None:
        self.sweep = sweep
        self.name = sweep.name
        self.launch = launch or present_launch()

    def rows(self) -> Sweep:
        """Return the rows that are requested so far: all of them for a sweep without `seeds`."""
        progress = seed_progress(self.sweep, self.launch.store, self.launch.planner)
        return sweep_so_far(self.sweep, self.launch.store, progress)

    def plan(self, keys: bool, segments: bool) -> Answer:
        """Say what a run would do and why each item is due; `segments` simulates and cuts now."""
        from assets.engine.segment_counts import make_segments, segment_counts
        from assets.home.disk_space import free_space_line
        from assets.store.store import home

        rows, store = self.rows(), self.launch.store
        if segments:
            make_segments(rows, store)
            self.launch.refresh()
        cuts, seeds, budget = list(segment_counts(rows, store, segments)), self._seeds(), self.budget(rows)
        verdicts = [self.launch.planner.verdict(item) for items in rows.items().values() for item in items]
        items = [{"layer": v.item.layer, "key": v.item.key, "state": v.state, "reason": v.reason} for v in verdicts]
        unvalidated = sum(not row.configuration.model.validates() for row in rows.rows)
        data = {
            "sweep": self.name,
            "configurations": len(rows.rows),
            "unvalidated": unvalidated,
            "warnings": rows.warnings,
            "budget": asdict(budget),
            "segments": cuts,
            **({"seeds": seeds} if seeds else {}),
            "items": items,
        }

        def show() -> None:
            self._print_items(items, len(rows.rows), keys)
            print_cuts(cuts, segments)
            if unvalidated:
                print(_no_validation(unvalidated, len(rows.rows)))
            for setting, progress in seeds.items():
                print(f"{setting}: {progress}")
            print(budget.line)
            print(free_space_line(home()))

        return Answer(data, show)

    def budget(self, rows: Sweep, cpus: int = 0) -> Budget:
        """Estimate what a run of some rows will take."""
        from assets.engine.budget import budget
        from assets.home.hardware import choose_cpus

        verdicts = [self.launch.planner.verdict(item) for items in rows.items().values() for item in items]
        return budget(verdicts, self.launch.store, len(choose_cpus(cpus or None)))

    def run(self, catalogue: Catalogue, options: RunOptions) -> NoReturn:
        """Run the sweep as one Dagster run per layer and stretch of keys, print how it ended, and exit."""
        from assets.engine.engine import shared_engine

        with launching(self.launch):
            summary = self._launch(catalogue, options)
            report = report_unless_stopped(self.report)
            if options.json:
                counts = {"trained": summary.trained, "evaluated": summary.evaluated, "cached": summary.cached}
                end = {"failed": summary.failed, "seconds": summary.seconds, "busy": summary.busy}
                print_json({"sweep": self.name, **counts, **end, "report": report and str(report.path)})
            else:
                self._print_end(summary, report)
        lacks_report = writes_report() and report is None
        raise typer.Exit(SOME_FAILED if summary.failed or shared_engine().interrupted or lacks_report else 0)

    def status(self) -> dict[str, Any]:
        """Return how many rows ended how, and the disk space they take."""
        from assets.home.disk_space import size_of_sweep
        from assets.statistics.failure_causes import row_status

        rows = self.rows()
        states = Counter(row_status(row, self.launch.planner)[0] for row in rows.rows)
        size = size_of_sweep(rows, self.launch.store)
        return {"sweep": self.name, "rows": len(rows.rows), "states": dict(states), "bytes": size}

    def status_cells(self, status: dict[str, Any]) -> tuple[str, str]:
        """Return its name and how many rows it has."""
        return self.name, str(status["rows"])

    def table(self, options: TableOptions) -> None:
        """Print the leaderboard and the effects of the axes, or every row, or the best of each value of an axis."""
        from assets.report.best_as_sweep import best_as_sweep
        from assets.report.imported.tables import imported_tables, with_imported
        from assets.statistics.effects import effects
        from assets.statistics.leaderboard import best_of, rank
        from orchestration.cli.tables import print_effects, print_leaderboard, print_table, wide_console

        if options.save is not None and not options.group_by:
            refuse("--save writes what --group-by keeps; name an axis, such as --group-by output_layer")
        plain = options.csv or options.json
        try:
            experiment = self.launch.experiment(self._part(options.view), options.view.metric, options.column)
            whole = with_imported(experiment.table, experiment.sweep)
            ranked = bool(options.group_by or options.column)
            rows = whole if plain and not ranked else rank(experiment)
            if options.group_by:
                rows = best_of(rows, experiment.sweep, options.group_by, options.top)
        except (UnknownNameError, ValueError) as error:
            refuse(str(error))
        if options.save is not None:
            writable(options.save).write_text(best_as_sweep(rows, experiment.sweep), encoding="utf-8")
        if plain:
            print(rows.to_csv(index=False) if options.csv else rows.to_json(orient="records", indent=2))
            return
        console = wide_console()
        print_leaderboard(console, experiment, rows)
        for imported in imported_tables(experiment.sweep):
            print_table(console, imported)
        print_effects(console, effects(experiment), experiment.metric)

    def report(self, view: View = WHOLE) -> Report:
        """Write the report of the sweep, or of a part of it."""
        try:
            return self.launch.report(self._part(view), view.metric)
        except UnknownNameError as error:
            refuse(str(error))

    def _part(self, view: View) -> Sweep:
        """Return the rows that a view asks for; the whole sweep without conditions."""
        try:
            return filtered(self.rows(), view.where) if view.where else self.sweep
        except ValueError as error:
            refuse(str(error))

    def _launch(self, catalogue: Catalogue, options: RunOptions) -> Summary:
        """Say what the run will take, and run."""
        from assets.home.disk_space import free_space_line
        from assets.store.store import home
        from orchestration.launch.terminal import run_in_terminal
        from orchestration.sweep_run import run_sweep

        sweep = self._retry_rows() if options.only_failed else self.sweep
        rows = SweepSubject(sweep, self.launch).rows()
        budget = self.budget(rows, options.cpus)
        if not options.json:
            print(budget.line, free_space_line(home()), sep="\n", flush=True)
        budget.check()
        work = partial(run_sweep, sweep, catalogue)
        return run_in_terminal(catalogue, work, options.cpus, options.json, options.limit, titles(sweep))

    def _retry_rows(self) -> Sweep:
        """Return a sweep of only those rows that failed with a cause that is not settled."""

        def retries(row: Row) -> bool:
            return any(self.launch.planner.verdict(item).state == "retry" for item in row.items())

        return replace(self.sweep, rows=tuple(filter(retries, self.sweep.rows)))

    def _seeds(self) -> dict[str, str]:
        """Return the progress of each setting of a sweep with `seeds`, by the text of its axes."""
        from assets.statistics.experiment import settings_of

        progress = seed_progress(self.sweep, self.launch.store, self.launch.planner)
        return (
            {one.text: progress[setting_key(one.rows[0])].text for one in settings_of(self.sweep)} if progress else {}
        )

    def _print_items(self, items: Sequence[Mapping[str, str]], configurations: int, keys: bool) -> None:
        """Print how many items of each layer are in which state and why, and with `keys` every one that is due."""
        from rich.console import Console
        from rich.table import Table

        console, title = Console(), f"{self.name}: {configurations} configurations"
        for warning in self.sweep.warnings:
            console.print(f"warning: {warning}", style="yellow", markup=False)
        table = Table("layer", "state", "items", "reason", title=title, title_justify="left")
        counts = Counter((item["layer"], item["state"], item["reason"]) for item in items)
        for (layer, state, reason), count in counts.items():
            table.add_row(layer, state, str(count), reason)
        console.print(table)
        for item in items if keys else ():
            if item["state"] != "fresh":
                line = f"{item['layer']}  {item['key']}  {item['state']}: {item['reason']}"
                console.print(line, markup=False, soft_wrap=True)

    def _print_end(self, summary: Summary, report: Report | None) -> None:
        """Print the leaderboard, the answer, the failures, where everything is, and what to do next."""
        from assets.statistics.leaderboard import rank
        from assets.store.store import home
        from orchestration.cli.tables import print_leaderboard, wide_console

        experiment, console = self.launch.experiment(self.sweep), wide_console()
        print_leaderboard(console, experiment, rank(experiment))
        if report:
            console.print(f"answer: {report.answer}", markup=False, highlight=False)
        for key, text in summary.failed.items():
            console.print(f"  {key}: {text.splitlines()[0]}", markup=False, soft_wrap=True)
        print(f"{summary.line} ({summary.seconds:.0f} s, CPUs {100 * summary.busy:.0f} % busy)")
        if not summary.trained and not summary.evaluated and not summary.failed:
            print("nothing to do: every row is up to date with its configuration, data and code")
        parts = "store/ (tables, weights, manifests), dagster/ (events), mlflow/ (curves)"
        print(f"stored in {os.path.relpath(home())}: {parts}")
        print("next:")
        if summary.failed:
            print(f"  orrery failures {self.name}      what failed, grouped by cause")
        print(f"  orrery plan {self.name}      what a further run would do, and why")
        print(f"  orrery table {self.name} --csv > {self.sweep.key}.csv      the whole table")
        print("  make ui      partitions, lineage and curves in the browser")
        if report:
            print(f"report: {os.path.relpath(report.path)}")


def _no_validation(unvalidated: int, configurations: int) -> str:
    return (
        f"{unvalidated} of {configurations} configurations validate on nothing, so that the best weights are those of "
        "the smallest training loss; to validate, set model.validation or a model.train_fraction below 1"
    )
