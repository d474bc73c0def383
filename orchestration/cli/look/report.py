"""`orrery report`: one page of a sweep that opens offline, and the same as Markdown."""

from pathlib import Path
from typing import Annotated

import typer

from assets.search.search import Search
from orchestration.cli import searches
from orchestration.cli.request import Json, Name, any_file, clear_errors, print_json, writable

Output = Annotated[Path | None, typer.Option("--output", "-o", help="Copy the page to this file, too.")]


def report(sweep: Name = "", output: Output = None, json: Json = False) -> None:
    """Write the report of a sweep or search from what is stored, and print where it is."""
    from assets.report.sweep_report import write
    from assets.statistics.experiment import Experiment
    from assets.store.store import Store
    from orchestration.launch.home import prepare

    with clear_errors():
        prepare()
        chosen = any_file(sweep)
        made = searches.report(chosen) if isinstance(chosen, Search) else write(Experiment(chosen, Store()))
        if output is not None:
            writable(output).write_bytes(made.path.read_bytes())
    if json:
        print_json({"report": str(output or made.path), "markdown": str(made.markdown), "answer": made.answer})
        return
    print(made.answer)
    print(f"report: {output or made.path}")
    print(f"as Markdown with pictures, and the tables as CSV: {made.markdown.parent}")
