"""`orrery report`: one page of a sweep or search that opens offline, and the same as Markdown."""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.request import Json, Metric, Models, Name, Where, clear_errors, print_json, writable

Output = Annotated[Path | None, typer.Option("--output", "-o", help="Copy the page to this file, too.")]


def report(
    sweep: Name = "",
    output: Output = None,
    json: Json = False,
    metric: Metric = "",
    where: Where = None,
    model: Models = None,
) -> None:
    """Write the report of a sweep or search from what is stored, and print where it is; or that of chosen models."""
    from orchestration.cli.subjects.choice import looked_at
    from orchestration.cli.subjects.subject import View
    from orchestration.launch.home import prepare

    with clear_errors():
        prepare()
        result = looked_at(sweep, model).report(View(metric, tuple(where or ())))
        if output is not None:
            writable(output).write_bytes(result.path.read_bytes())
    page = output or result.path
    if json:
        print_json({"report": str(page), "markdown": str(result.markdown), "answer": result.answer})
        return
    print(result.answer)
    print(f"report: {page}")
    print(f"as Markdown with pictures, and the tables as CSV: {result.markdown.parent}")
