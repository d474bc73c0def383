"""`orrery compare`: stored models side by side, on the terminal, as JSON or as one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.request import Json, clear_errors, print_json, writable

if TYPE_CHECKING:
    from assets.report.comparison import Comparison

Models = Annotated[list[str], typer.Argument(help="Stored models: key, hash, or the beginning of one; <study>/ first.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write a page that opens offline to this file.")]


def compare(models: Models, output: Output = None, json: Json = False) -> None:
    """Compare stored models with the first: settings that differ, metrics with intervals, a paired verdict."""
    from assets.catalogue import read_catalogue
    from assets.report.comparison import as_json, page
    from assets.report.comparison import compare as compared
    from assets.store.store import Store
    from orchestration.launch.home import prepare

    with clear_errors():
        found = compared(models, Store(), read_catalogue().sweeps.values())
        if output is not None:
            prepare()
            writable(output).write_text(page(found), encoding="utf-8")
    if json:
        print_json(as_json(found) | ({} if output is None else {"page": str(output)}))
        return
    _print(found)
    print(f"page: {output}" if output else "with curves and orbits: --output page.html, or /compare of `orrery ui`")


def _print(comparison: "Comparison") -> None:
    from assets.report.comparison_tables import tables_of
    from orchestration.cli.tables import print_shown, wide_console

    console = wide_console()
    for side in comparison.sides:
        console.print(f"{side.letter}  {side.study.name}/{side.key}", markup=False, highlight=False)
    told, headline = tables_of(comparison), comparison.sides[0].study.headline
    measured = [table.of_rows(headline) for table in told["measured"]]
    for table in (told["settings"], *measured, told["verdicts"], told["seeds"]):
        if table.rows:
            print_shown(console, table)
    for line in (*comparison.lacking, comparison.conclusion):
        console.print(line, markup=False, highlight=False)
