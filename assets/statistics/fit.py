"""A trained model on data of one's own: read the data, compare them with the training data, estimate, name the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assets.identity.canonical import canonical
from assets.identity.paths import dotted
from assets.sweeps.file_dataset import FileDataset, read_labelled
from assets.sweeps.validate import InvalidError, validate
from trainers.common.measurements import caveats, conform
from trainers.study import ModelConfigBase, Study, Trained, Trajectories

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Fit:
    """Estimates from data of one's own; trajectories by the names that their files give them."""

    estimates: pd.DataFrame
    """One row per trajectory and parameter, see `trainers.study.Estimates`."""
    tables: Mapping[str, pd.DataFrame]
    """Tables behind the estimates: curves, forecasts, residuals."""
    level: float
    """Nominal coverage of the intervals [1]."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the file dataset, with the checksum of the files; empty for trajectories that came from no file."""


def fit(
    study: Study,
    config: ModelConfigBase,
    trained: Trained,
    training: Trajectories,
    data: Trajectories | Mapping[str, Any],
) -> Fit:
    """Estimate parameters from trajectories, or from files that the fields of a file dataset describe.

    Raises:
        ValueError: one line for each field that is wrong, or for the first mismatch with the training data.
    """
    if isinstance(data, Trajectories):
        trajectories, labels, description = data, tuple(map(str, range(len(data.t)))), {}
    else:
        dataset = file_dataset_of(data)
        trajectories, labels = read_labelled(dataset)
        description = canonical(dataset)
    trajectories = conform(study.accept(trajectories), training, study.observed)
    result = study.fit(config, trained, trajectories)
    estimates = result.estimates.assign(caveat=_join_caveats(result.estimates, caveats(trajectories, training)))
    tables = {name: _with_labels(table, labels) for name, table in result.tables.items()}
    return Fit(_with_labels(estimates, labels), tables, result.level, description)


def file_dataset_of(settings: Mapping[str, Any]) -> FileDataset:
    """Return the file dataset that settings describe.

    Raises:
        ValueError: one line for each field that is wrong.
    """
    try:
        return validate(FileDataset, dict(settings))
    except InvalidError as error:
        lines = [f"{dotted(place)}: {text}" if place else text for place, text in error.findings]
        raise ValueError("\n".join(lines)) from None


def _join_caveats(estimates: pd.DataFrame, further: list[str]) -> list[str]:
    """Return the caveats of every row with those of its trajectory."""
    rows = zip(estimates["caveat"], estimates["trajectory"], strict=True)
    return ["; ".join(filter(None, (own, further[number]))) for own, number in rows]


def _with_labels(table: pd.DataFrame, labels: tuple[str, ...]) -> pd.DataFrame:
    """Return a table with the names of trajectories in the place of their numbers."""
    if "trajectory" not in table:
        return table
    return table.assign(trajectory=[labels[number] for number in table["trajectory"]])
