"""The progress of a search: its trials as rows, the best of them, and what a run would still do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assets.search.search import Search
from assets.search.trials import Trial, trials_of
from assets.stages.freshness import Planner, Verdict
from assets.statistics.leaderboard import column_value
from assets.store.store import Store
from assets.sweeps.sweep import Row, Sweep

if TYPE_CHECKING:
    import pandas as pd


ENDED = ("cached", "step", "seconds", "hash", "detail")
"""How a trial ended, as the table shows it."""


@dataclass(frozen=True)
class SearchProgress:
    """A search and its trials so far."""

    search: Search
    trials: tuple[Trial, ...]
    planner: Planner

    @classmethod
    def of(cls, search: Search, store: Store) -> SearchProgress:
        """Read the progress of a search; nothing is created."""
        planner = Planner(store)
        return cls(search, tuple(trials_of(search, planner)), planner)

    @property
    def counts(self) -> Counter:
        """Trials by status; `open` ones have not ended."""
        return Counter(status_of(trial) for trial in self.trials)

    @property
    def open(self) -> int:
        """Trials that have begun and not ended."""
        return sum(trial.state == "open" for trial in self.trials)

    @property
    def to_begin(self) -> int:
        """Trials that have not begun."""
        return max(0, self.search.settings.trials - len(self.trials))

    @cached_property
    def best(self) -> Trial | None:
        """The complete trial with the best objective, the first of equals; None where none is complete."""
        sign = -1.0 if self.search.settings.maximise else 1.0
        complete = [trial for trial in self.trials if trial.objective is not None]
        return min(complete, key=lambda trial: (sign * float(trial.objective or 0.0), trial.number), default=None)

    @cached_property
    def rows(self) -> dict[int, Row]:
        """The row of every trial whose settings are a configuration, by number."""
        rows_by_number = {trial.number: self.search.row(trial.values)[0] for trial in self.trials if trial.values}
        return {number: row for number, row in rows_by_number.items() if row is not None}

    @property
    def best_row(self) -> Row | None:
        """The row of the best trial."""
        return self.rows.get(self.best.number) if self.best else None

    def sweep(self) -> Sweep:
        """View all trials as the rows of a sweep; see `Search.sweep`."""
        return self.search.sweep(list(self.rows.values()))

    def due(self) -> list[Verdict]:
        """Return what the best trial still needs on the test sets, inputs first."""
        row = self.best_row
        self.planner.refresh()
        verdicts = map(self.planner.verdict, row.items()) if row else ()
        return [verdict for verdict in verdicts if verdict.due]

    @property
    def done(self) -> bool:
        """Whether a run would find nothing to do."""
        return not self.to_begin and not self.open and not self.due()

    def table(self) -> pd.DataFrame:
        """Return one row per trial: number, status, the objective, a column per dimension, and where it is stored."""
        import pandas as pd

        return pd.DataFrame([self._record(trial) for trial in self.trials], columns=self.columns)

    @property
    def columns(self) -> list[str]:
        """Columns of the table."""
        names = [dimension.name for dimension in self.search.space.dimensions]
        return ["trial", "status", self.search.settings.objective, *names, *ENDED]

    def _record(self, trial: Trial) -> dict[str, Any]:
        end = {name: trial.end.get(name) for name in ENDED}
        values = {name: column_value(value) for name, value in trial.values.items()}
        head = {"trial": trial.number, "status": status_of(trial), self.search.settings.objective: trial.objective}
        return {**head, **values, **end}


def status_of(trial: Trial) -> str:
    """Return how a trial ended: a status of a training, or `open`."""
    return "open" if trial.state == "open" else str(trial.end.get("status", trial.state))


def better(values: Sequence[float], maximise: bool) -> list[float]:
    """Return the best so far after each value."""
    best: list[float] = []
    for value in values:
        best.append(value if not best else (max if maximise else min)(best[-1], value))
    return best
