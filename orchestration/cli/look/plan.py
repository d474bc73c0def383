"""`orrery plan`: what would run, what is stored already, and why."""

from typing import Annotated

import typer

from orchestration.cli.request import Json, Name, clear_errors

Keys = Annotated[bool, typer.Option("--keys", help="List every key that would run, with the reason.")]
Segments = Annotated[
    bool, typer.Option("--segments", help="Simulate and cut now, and show what each phase has to train on.")
]


def plan(sweep: Name = "", keys: Keys = False, segments: Segments = False, json: Json = False) -> None:
    """Show what a run of a sweep would do, and why each item is due; or how far a search is."""
    from orchestration.cli.subjects.choice import any_subject

    with clear_errors():
        answer = any_subject(sweep).plan(keys, segments)
    answer.give(json)
