"""`orrery plan`: what would run, what is stored already, and why."""

from typing import Annotated

import typer

from orchestration.cli.request import Dataset, Dated, Json, Name, clear_errors, completed_sweep

Keys = Annotated[bool, typer.Option("--keys", help="List every key that would run, with the reason.")]
Segments = Annotated[
    bool, typer.Option("--segments", help="Simulate and cut now, and show what each phase has to train on.")
]


def plan(
    sweep: Name = "",
    keys: Keys = False,
    segments: Segments = False,
    dataset: Dataset = "",
    dated: Dated = "",
    json: Json = False,
) -> None:
    """Show what a run of a sweep would do, and why each item is due; or how far a search is."""
    from assets.sweeps.older_format import Additions
    from orchestration.cli.subjects.choice import any_subject, subject_of

    additions = Additions(dataset, dated)
    with clear_errors():
        subject = subject_of(completed_sweep(sweep, additions)) if additions.given else any_subject(sweep)
        answer = subject.plan(keys, segments)
    answer.give(json)
