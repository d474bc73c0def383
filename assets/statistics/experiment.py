"""Experiment: the rows of a sweep grouped into settings and seeds, with their scores per trajectory."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assets.identity.canonical import compact, short_digest
from assets.identity.text import value_text
from assets.stages.freshness import Planner
from assets.statistics.adaptive_seeds import seed_progress, setting_key, sweep_so_far
from assets.statistics.intervals import Sample
from assets.statistics.sweep_table import UNTESTED, sweep_table
from assets.store.store import Store
from assets.sweeps.sweep import Row, Sweep
from assets.sweeps.sweep_file import TRAIN
from trainers.common.names import nearest
from trainers.study import Study

if TYPE_CHECKING:
    import pandas as pd

PER_TRAJECTORY = "per_trajectory"


class UnknownNameError(LookupError):
    """A metric, column or axis that a sweep does not have: one line with what it has."""


def is_seed(axis: str) -> bool:
    """Whether an axis is one of seeds, which only repeat a setting."""
    return axis.rsplit(".", 1)[-1] == "seed"


@dataclass(frozen=True)
class Setting:
    """The rows of a sweep that differ in their seeds alone."""

    axes: Mapping[str, Any]
    """Values of the axes without those of seeds."""
    rows: tuple[Row, ...]

    @property
    def text(self) -> str:
        """The setting within its sweep: the values of its axes under their short names."""
        return ", ".join(f"{short(axis)} {value_text(value)}" for axis, value in self.axes.items()) or "the one setting"

    @property
    def keys(self) -> str:
        """The hashes of its models, one per seed."""
        return " ".join(row.configuration.item.hash for row in self.rows)


def short(axis: str) -> str:
    """Return the last part of the name of an axis, without underscores."""
    return axis.rsplit(".", 1)[-1].replace("_", " ")


def row_text(row: Row) -> str:
    """Return the axes of a row in one line, seeds included."""
    return ", ".join(f"{short(axis)} {value_text(value)}" for axis, value in row.axes.items())


def settings_of(sweep: Sweep) -> list[Setting]:
    """Group the rows of a sweep by the values of its axes without seeds, in the order of the rows."""
    groups: dict[str, list[Row]] = {}
    for row in sweep.rows:
        groups.setdefault(compact({axis: row.axes[axis] for axis in sweep.axes if not is_seed(axis)}), []).append(row)
    return [
        Setting({axis: rows[0].axes[axis] for axis in sweep.axes if not is_seed(axis)}, tuple(rows))
        for rows in groups.values()
    ]


class Experiment:
    """A sweep and the results that the store holds for it, read once.

    Tables that are costly to compute stay with it (see `leaderboard.rank`). It does not follow the store: after
    artifacts have been made, create a new experiment; `state` tells whether its tables would differ.
    """

    def __init__(
        self, sweep: Sweep, store: Store, planner: Planner | None = None, metric: str = "", column: str = ""
    ) -> None:
        """Read a sweep that ranks by `metric` (default: the first of the headline) and a `column` of its leaderboard.

        Raises:
            UnknownNameError: no evaluation of the sweep has such a metric.
        """
        self.planner = planner or Planner(store)
        self.progress = seed_progress(sweep, store, self.planner)
        self.sweep = sweep_so_far(sweep, store, self.progress)
        self.store = store
        self.study: Study = sweep.ranking_study
        self.settings = settings_of(self.sweep)
        self.leaderboard: pd.DataFrame | None = None
        """Kept by `leaderboard.rank`."""
        self._tables: dict[tuple[str, str], pd.DataFrame | None] = {}
        self.metric = metric or self.study.headline[0]
        """The metric that ranks."""
        self.column = column
        """The column of the leaderboard that ranks; empty: the score."""
        if metric and metric not in self.metrics:
            choices = ", ".join(nearest(metric, self.metrics))
            raise UnknownNameError(f"given the metric {metric!r}; the nearest that {sweep.name} has: {choices}")

    @cached_property
    def state(self) -> str:
        """Digest of the sweep and of everything stored for its rows: equal states give equal tables."""
        chosen = [self.sweep.part, self.metric, self.column]
        return short_digest(self.sweep.name, list(self.sweep.tests), chosen, self.table.to_csv(index=False))

    @property
    def analyses(self) -> int:
        """Number of interim analyses in which two settings may have been compared; p values are corrected for it."""
        return self.sweep.seeds.analyses if self.sweep.seeds else 1

    def stopped(self, setting: Setting) -> str:
        """Return the progress of a setting of a sweep with `seeds`; empty for another sweep."""
        return self.progress[setting_key(setting.rows[0])].text if self.progress else ""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that an evaluation of the sweep has, the headline first."""
        return self.table.attrs["metrics"]

    @property
    def tests(self) -> tuple[str, ...]:
        """The test sets that rank: all but `train`."""
        return tuple(test for test in self.sweep.tests if test != TRAIN)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The tidy table of the sweep, see `sweep_table`."""
        return sweep_table(self.sweep, self.store, self.planner, self.metric)

    @cached_property
    def _records(self) -> dict[tuple[str, str], dict[Any, Any]]:
        return {(record["hash"], record["test"]): record for record in self.table.to_dict("records")}

    def record(self, row: Row, test: str) -> dict[str, Any]:
        """Return the record of a row on a test set in the tidy table."""
        return self._records[row.configuration.item.hash, test]

    def status(self, row: Row) -> str:
        """Return `ok`, or the first status that is not, over all test sets; without any, that of the model."""
        statuses = [str(self.record(row, test)["status"]) for test in self.sweep.tests or (UNTESTED,)]
        return next((status for status in statuses if status != "ok"), "ok")

    def usable(self, setting: Setting) -> list[Row]:
        """Return the rows of a setting that are ok on every test set."""
        return [row for row in setting.rows if self.status(row) == "ok"]

    def statuses(self, setting: Setting) -> Counter:
        """Count the statuses of the rows of a setting."""
        return Counter(self.status(row) for row in setting.rows)

    def score(self, row: Row) -> float:
        """Return the mean of the metric over the test sets that rank; NaN where one is missing."""
        values = [float(self.record(row, test)[self.metric]) for test in self.tests]
        return sum(values) / len(values) if values else math.nan

    def samples(self, rows: Sequence[Row], tests: Sequence[str] = (), metric: str = "") -> list[Sample]:
        """Return a sample per test set (default: those that rank) of rows that are ok.

        An evaluation without the table `per_trajectory` counts as one trajectory, so that its seeds alone vary.
        """
        return [self._sample(rows, test, metric or self.metric) for test in tests or self.tests]

    def _sample(self, rows: Sequence[Row], test: str, metric: str) -> Sample:
        import numpy as np

        column = self.table[metric].to_numpy(float)
        signed = bool((column[np.isfinite(column)] < 0).any())
        tables = [table for row in rows if (table := self._per_trajectory(row, test)) is not None and metric in table]
        if len(tables) < len(rows):
            values = np.array([[float(self.record(row, test)[metric])] for row in rows])
            return Sample(values, np.ones_like(values), signed)
        return Sample(
            np.array([table[metric].to_numpy(float) for table in tables]),
            np.array([table["n"].to_numpy(float) for table in tables]),
            signed,
        )

    def _per_trajectory(self, row: Row, test: str) -> pd.DataFrame | None:
        place = (row.configuration.item.hash, test)
        if place not in self._tables:
            item = row.evaluations[list(self.sweep.tests).index(test)]
            artifact = self.store.open(*item.address)
            self._tables[place] = artifact.table(PER_TRAJECTORY) if PER_TRAJECTORY in artifact.tables() else None
        return self._tables[place]

    def pairs(self, first: Setting, second: Setting, axis: str) -> Iterator[tuple[Row, Row]]:
        """Yield rows of two settings that differ in one axis alone, paired by their seeds, both ok."""
        others = [name for name in self.sweep.axes if name != axis]
        partners = {compact([row.axes[name] for name in others]): row for row in self.usable(second)}
        for row in self.usable(first):
            if partner := partners.get(compact([row.axes[name] for name in others])):
                yield row, partner
