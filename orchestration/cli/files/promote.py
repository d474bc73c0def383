"""`orrery promote`: a trial of a search as a sweep file of its own."""

import os
from typing import Annotated

import typer

from assets.search.search import Search
from orchestration.cli.request import clear_errors, known_file, refuse

Name = Annotated[str, typer.Argument(help="A search: <study>/<search>, or its file under sweeps/.")]


def promote(
    search: Name,
    trial: Annotated[int | None, typer.Option("--trial", min=0, help="Its number; without it the best one.")] = None,
    name: Annotated[str, typer.Option("--name", help="Name of the sweep; default: <search>_best.")] = "",
) -> None:
    """Write a trial as a sweep file beside the search; what is stored of it is not trained again."""
    from assets.search.promotion import CannotPromote, promoted
    from assets.store.store import Store

    with clear_errors():
        chosen, _ = known_file(search)
        if not isinstance(chosen, Search):
            refuse(f"{chosen.name} is a sweep already; expected a search")
        try:
            made = promoted(chosen, Store(), trial, name)
        except CannotPromote as error:
            refuse(str(error))
    print(f"{os.path.relpath(made.path)}: trial {made.trial} of {chosen.name}")
    print(f"  orrery plan {made.name}      nothing that is stored is trained again")
