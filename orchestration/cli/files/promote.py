"""`orrery promote`: a trial of a search as a sweep file of its own."""

import os
from typing import Annotated

import typer

from orchestration.cli.request import clear_errors, known_search, refuse

Name = Annotated[str, typer.Argument(help="A search: <study>/<search>, or its file under sweeps/.")]


def promote(
    search: Name,
    trial: Annotated[int | None, typer.Option("--trial", min=0, help="Its number; without it the best one.")] = None,
    name: Annotated[str, typer.Option("--name", help="Name of the sweep; default: <search>_best.")] = "",
) -> None:
    """Write a trial as a sweep file beside the search; what is stored of it is not trained again."""
    from assets.search.promotion import CannotPromote, promote_trial
    from assets.store.store import Store

    with clear_errors():
        file = known_search(search)
        try:
            promotion = promote_trial(file, Store(), trial, name)
        except CannotPromote as error:
            refuse(str(error))
    print(f"{os.path.relpath(promotion.path)}: trial {promotion.trial} of {file.name}")
    print(f"  orrery plan {promotion.name}      nothing that is stored is trained again")
