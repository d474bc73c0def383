"""`orrery changes`: what settings and names of the studies gained, lost or changed since a git revision."""

from dataclasses import asdict
from typing import Annotated

import typer

from orchestration.cli.request import Json, print_json, refuse

Since = Annotated[str, typer.Argument(help="A commit, tag or branch; without one, what is not committed yet.")]


def changes(since: Since = "HEAD", json: Json = False) -> None:
    """List, as a section of a changelog, what changed of settings and of tables of names since a git revision."""
    from assets.identity import changes as identity_changes

    try:
        entries = identity_changes.changes(since)
    except LookupError as error:
        refuse(str(error))
    if json:
        print_json([asdict(change) for change in entries])
    else:
        print(identity_changes.markdown(entries, since))
