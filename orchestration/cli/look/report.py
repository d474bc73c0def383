"""`orrery report`: one page of a sweep or search that opens offline, and the same as Markdown."""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.request import Json, Name, clear_errors, print_json, writable

Output = Annotated[Path | None, typer.Option("--output", "-o", help="Copy the page to this file, too.")]


def report(sweep: Name = "", output: Output = None, json: Json = False) -> None:
    """Write the report of a sweep or search from what is stored, and print where it is."""
    from orchestration.cli.subjects.choice import any_subject
    from orchestration.launch.home import prepare

    with clear_errors():
        prepare()
        result = any_subject(sweep).report()
        if output is not None:
            writable(output).write_bytes(result.path.read_bytes())
    page = output or result.path
    if json:
        print_json({"report": str(page), "markdown": str(result.markdown), "answer": result.answer})
        return
    print(result.answer)
    print(f"report: {page}")
    print(f"as Markdown with pictures, and the tables as CSV: {result.markdown.parent}")
