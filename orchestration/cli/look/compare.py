"""`orrery compare`: stored models side by side, on the terminal, as JSON or as one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.request import Json, Metric, clear_errors, print_json, writable

if TYPE_CHECKING:
    from assets.report.comparison.comparison import Comparison

Models = Annotated[list[str], typer.Argument(help="Stored models: key, hash, or the beginning of one; <study>/ first.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write a page that opens offline to this file.")]


def compare(models: Models, output: Output = None, json: Json = False, metric: Metric = "") -> None:
    """Compare stored models with the first: settings that differ, metrics with intervals, a paired verdict."""
    from assets.catalogue import read_catalogue
    from assets.report.comparison.comparison import as_json
    from assets.report.comparison.comparison import compare as compare_models
    from assets.report.comparison.page import page
    from assets.store.store import Store
    from orchestration.launch.home import prepare

    with clear_errors():
        comparison = compare_models(models, Store(), read_catalogue().sweeps.values(), metric)
        if output is not None:
            prepare()
            writable(output).write_text(page(comparison), encoding="utf-8")
    if json:
        print_json(as_json(comparison) | ({} if output is None else {"page": str(output)}))
        return
    _print(comparison)
    print(f"page: {output}" if output else "with curves and orbits: --output page.html, or /compare of `orrery ui`")


def _print(comparison: "Comparison") -> None:
    from assets.report.comparison.tables import tables_of_comparison
    from orchestration.cli.tables import print_table, wide_console

    console = wide_console()
    for model in comparison.models:
        console.print(f"{model.letter}  {model.study.name}/{model.key}", markup=False, highlight=False)
    tables, headline = tables_of_comparison(comparison), comparison.models[0].study.headline
    metrics = [table.of_rows([*headline, comparison.metric]) for table in tables["metrics"]]
    for table in (tables["settings"], *metrics, tables["verdicts"], tables["seeds"]):
        if table.rows:
            print_table(console, table)
    for line in (*comparison.missing, comparison.conclusion):
        console.print(line, markup=False, highlight=False)
