"""Trajectories in a table, CSV or Parquet: one row per time."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.sweeps.file_dataset.description import FileDataset
from assets.sweeps.file_dataset.rows import Rows, need, numbers

if TYPE_CHECKING:
    import pandas as pd


def read_table(dataset: FileDataset, file: str, path: Path) -> Iterator[Rows]:
    """Yield the trajectories of a table in the order in which they first appear.

    Raises:
        ValueError: one line: the file cannot be read, or lacks a column; text among numbers; a row of no trajectory.
    """
    frame = _frame(dataset, file, path)
    if not len(frame):
        return
    columns = {name: numbers(file, name, frame[name]) for name in dataset.column_names()}
    for label, rows in _groups(dataset, file, frame):
        yield Rows(label, {name: values[rows] for name, values in columns.items()})


def _frame(dataset: FileDataset, file: str, path: Path) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    required = [*dataset.column_names(), *([dataset.trajectory] if dataset.trajectory else [])]
    unreadable = (pa.ArrowException, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError, csv.Error)
    try:
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
            need(file, frame.columns, required)
            return frame
        need(file, _header(file, path), required)
        with warnings.catch_warnings():
            # Rows that are longer than the header: pandas would drop their ends, or take their beginnings for labels.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(path, index_col=False)
        if dataset.trajectory:
            # Names as they are written: 01 is not 1, and NA is a name.
            names = pd.read_csv(path, index_col=False, usecols=[dataset.trajectory], dtype=str, na_filter=False)
            frame[dataset.trajectory] = names[dataset.trajectory]
        return frame
    except pd.errors.ParserWarning as error:
        raise ValueError(
            f"{file} has rows that are longer than its header; expected a name for every column"
        ) from error
    except unreadable as error:
        raise ValueError(f"{file} cannot be read as {path.suffix[1:]}: {str(error).splitlines()[0]}") from error


def _header(file: str, path: Path) -> list[str]:
    """Return the names in the first line of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        names = next((row for row in csv.reader(lines) if row), [])
    if not names:
        raise ValueError(f"{file} is empty; expected a line with the names of the columns, and one row per time")
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{file} has two columns {twice[0]!r}; expected every name once")
    return names


def _groups(dataset: FileDataset, file: str, frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """Yield the label and the rows of each trajectory."""
    import numpy as np

    if dataset.trajectory is None:
        yield "", slice(None)
        return
    names = frame[dataset.trajectory]
    nameless = np.flatnonzero(names.isna() | (names.astype(str).str.strip() == ""))
    if len(nameless):
        raise ValueError(
            f"{file}: {dataset.trajectory!r} is empty at row {nameless[0]}; expected the name of a trajectory per row"
        )
    for label, rows in frame.groupby(names.astype(str), sort=False).indices.items():
        yield str(label), rows
