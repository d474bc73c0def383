"""Settings that are neighbours in rank, each by one trained model, so that the two can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from assets.report.sweep_pictures import median_row
from assets.statistics.best_against_rest import ranked_settings, seeds_of
from assets.statistics.experiment import Experiment, Setting

if TYPE_CHECKING:
    import pandas as pd

    from assets.sweeps.sweep import Row


@dataclass(frozen=True)
class Neighbours:
    """Two settings of which the second ranks right after the first."""

    rank: int
    """Of the first."""
    first: str
    other: str
    """`<study>/<hash>` of the model of the median seed of the first setting, and of the same seed of the other one."""
    settings: tuple[str, str]


def neighbours(experiment: Experiment, board: pd.DataFrame) -> Iterator[Neighbours]:
    """Yield the neighbours in rank, best first."""
    for rank, (first, other) in enumerate(pairwise(ranked_settings(experiment, board)), start=1):
        row = median_row(experiment, first)
        beside = _same_seed(experiment, row, other) or median_row(experiment, other)
        one, two = (f"{experiment.sweep.study}/{here.configuration.item.hash}" for here in (row, beside))
        yield Neighbours(rank, one, two, (first.text, other.text))


def _same_seed(experiment: Experiment, row: Row, setting: Setting) -> Row | None:
    """Return the row of a setting that has the seeds of a row of another one."""
    seeds = seeds_of(row, setting)
    return next((one for one in experiment.usable(setting) if seeds_of(one, setting) == seeds), None)
