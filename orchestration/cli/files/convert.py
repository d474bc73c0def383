"""`orrery convert`: a sweep file of the older format in the present one."""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.request import Dataset, Dated, clear_errors, refuse


def convert(
    path: Annotated[Path, typer.Argument(help="A sweep file in the older format.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write; default: print.")] = None,
    dataset: Dataset = "",
    dated: Dated = "",
) -> None:
    """Write an older sweep file in the present form, with a comment on each decision."""
    from assets.sweeps.older_format import Additions
    from assets.sweeps.older_format import convert as present_form

    with clear_errors():
        text = present_form(path, Additions(dataset, dated))
        if output is None:
            print(text, end="")
        elif output.exists():
            refuse(f"{output} exists; give another path, or remove it first")
        else:
            output.write_text(text, encoding="utf-8")
