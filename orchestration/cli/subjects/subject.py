"""The subject of a command: a sweep or a search, of which every command asks the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

from assets.catalogue import Catalogue
from assets.sweeps.sweep import Sweep
from orchestration.cli.request import print_json


@dataclass(frozen=True)
class Answer:
    """What a command found: as JSON types, and as what it prints for people."""

    data: Any
    show: Callable[[], None]

    def give(self, json: bool) -> None:
        """Print it as JSON or for people."""
        if json:
            print_json(self.data)
        else:
            self.show()


@dataclass(frozen=True)
class RunOptions:
    """The options of `orrery run`."""

    cpus: int = 0
    """Workers, one CPU each; 0: all that this process may use."""
    json: bool = False
    only_failed: bool = False
    limit: float | None = None
    """Seconds after which no training begins; None: no limit."""


@dataclass(frozen=True)
class View:
    """Which rows of a sweep are looked at, and by which metric."""

    metric: str = ""
    """Empty: the first headline metric."""
    where: tuple[str, ...] = ()
    """Conditions such as `depth=2`, all of which the rows meet."""


WHOLE = View()
"""Every row, by the first headline metric."""


@dataclass(frozen=True)
class TableOptions:
    """The options of `orrery table`."""

    csv: bool = False
    json: bool = False
    group_by: str = ""
    top: int = 1
    save: Path | None = None
    view: View = WHOLE
    column: str = ""
    """The column of the leaderboard that ranks; empty: the score."""


class WrittenReport(Protocol):
    """A report in the store."""

    @property
    def path(self) -> Path:
        """The HTML page."""

    @property
    def markdown(self) -> Path:
        """The same as Markdown."""

    @property
    def answer(self) -> str:
        """What it says, in a sentence."""


class Subject(Protocol):
    """A sweep or a search, as commands see it."""

    plural: str
    """What several of them are called: `sweeps` or `searches`."""

    @property
    def name(self) -> str:
        """`<study>/<file stem>`."""

    def rows(self) -> Sweep:
        """Return its configurations as a sweep: those that are requested so far, or the trials so far."""

    def plan(self, keys: bool, segments: bool) -> Answer:
        """Say what a run would do."""

    def run(self, catalogue: Catalogue, options: RunOptions) -> NoReturn:
        """Run what is missing, print how it ended, and exit."""

    def status(self) -> dict[str, Any]:
        """Return how many rows or trials ended how, and the disk space they take."""

    def status_cells(self, status: dict[str, Any]) -> tuple[str, str]:
        """Return its name and how many rows or trials it has, for a table of `status`."""

    def table(self, options: TableOptions) -> None:
        """Print its table."""

    def report(self, view: View = WHOLE) -> WrittenReport:
        """Write its report, unless what is stored is up to date."""
