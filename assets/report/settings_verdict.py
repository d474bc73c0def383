"""Two models as settings of a sweep: the seeds of both say whether a setting is better, not only a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from assets.report.compared_models import Side
from assets.statistics.best_against_rest import compared_by_seed
from assets.statistics.effects import verdict
from assets.statistics.experiment import Experiment, Setting
from assets.store.store import Store

if TYPE_CHECKING:
    from assets.sweeps.sweep import Row, Sweep


@dataclass(frozen=True)
class SettingsVerdict:
    """What the seeds of a sweep say of the settings of two models."""

    sweep: str
    first: str
    other: str
    told: dict[str, Any]
    """Of `compare_samples`, one pair per seed that both settings have; empty where they differ in their seed alone."""

    @property
    def text(self) -> str:
        """The verdict in words."""
        if not self.told:
            return f"{self.first} and {self.other} differ in their seed alone"
        row = self.told | {"a": self.first, "b": self.other, "p_holm": self.told["p"]}
        return verdict(row, 1, "seed") if row["pairs"] else "no seed of which both models are ok"


def holding(sweeps: Iterable[Sweep], side: Side) -> Iterator[tuple[Sweep, Row]]:
    """Yield every sweep that holds a model, with its row."""
    for sweep in sweeps:
        if sweep.study == side.study.name:
            for row in sweep.rows:
                if row.configuration.item.hash == side.manifest["hash"]:
                    yield sweep, row


def settings_verdicts(first: Side, other: Side, sweeps: Iterable[Sweep], store: Store) -> Iterator[SettingsVerdict]:
    """Yield what each sweep says that holds both models."""
    rows = {sweep.name: row for sweep, row in holding(sweeps, other)}
    for sweep, row in holding(sweeps, first):
        if sweep.name in rows:
            told = _compared(sweep, row, rows[sweep.name], store)
            yield SettingsVerdict(sweep.name, first.letter, other.letter, told)


def _compared(sweep: Sweep, first: Row, other: Row, store: Store) -> dict[str, Any]:
    """Compare the settings of two rows by the seeds that both have, reading these rows alone."""
    whole = Experiment(sweep, store)
    a, b = (_setting(whole, row) for row in (first, other))
    if a is b:
        return {}
    return compared_by_seed(Experiment(replace(sweep, rows=(*a.rows, *b.rows)), store), a, b)


def _setting(experiment: Experiment, row: Row) -> Setting:
    return next(setting for setting in experiment.settings if row in setting.rows)
