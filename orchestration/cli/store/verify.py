"""`orrery verify`: the checksums of everything in the store."""

import typer

from orchestration.cli.request import clear_errors


def verify() -> None:
    """Check the sums of everything in the store."""
    from assets.store.store import Store
    from assets.store.store import verify as damaged_in

    with clear_errors():
        damaged = list(damaged_in(Store()))
    for line in damaged:
        print(line)
    print(f"orrery: {len(damaged)} damaged")
    raise typer.Exit(1 if damaged else 0)
