"""Resources of every run: an IO manager that refuses to write, and the one Dagster home."""

import os
from pathlib import Path

import dagster as dg

from assets.store.store import home


class RefusingIOManager(dg.IOManager):
    """Refuse to store outputs: assets write the store themselves, and nothing is pickled."""

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Refuse."""
        if obj is not None:
            raise dg.DagsterInvariantViolationError("an op returned a value; assets write the store and return nothing")

    def load_input(self, context: dg.InputContext) -> None:
        """Refuse."""
        raise dg.DagsterInvariantViolationError("an op asked for a stored input; read the store instead")


@dg.io_manager
def refusing_io_manager() -> RefusingIOManager:
    """Build the IO manager that refuses."""
    return RefusingIOManager()


def dagster_home() -> Path:
    """Return the one place where Dagster keeps its events: `<home>/dagster`."""
    return home() / "dagster"


def require_dagster_home() -> None:
    """Check that this process uses the project's Dagster home.

    Raises:
        dagster.Failure: it uses another one, or a temporary one that the UI would never show.
    """
    present = os.environ.get("DAGSTER_HOME")
    if not present or Path(present).resolve() != dagster_home().resolve():
        raise dg.Failure(
            f"DAGSTER_HOME is {present or 'not set'}; expected {dagster_home()}; run `make setup` once, or set it",
            allow_retries=False,
        )
