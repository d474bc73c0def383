"""The rows of one trajectory of a file, and their checks: each failure is one line with its place."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assets.sweeps.file_dataset.description import FileDataset
from trainers.common.names import nearest

if TYPE_CHECKING:
    import numpy as np

MOST_LISTED = 12
"""Columns of a file that a message lists."""


@dataclass(frozen=True)
class Rows:
    """One trajectory of a file."""

    label: str
    """As the file or the column of trajectories names it."""
    columns: dict[str, np.ndarray]
    """(T,) each."""


def need(file: str, present: Collection[Any], required: Collection[str]) -> None:
    """Refuse a file that lacks a column or array, with the nearest ones that it has."""
    missing = [name for name in required if name not in present]
    if missing:
        names = [str(name) for name in present]
        more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
        columns = ", ".join(map(repr, names[:MOST_LISTED])) + more
        near = nearest(missing[0], names, 1) if len(names) > 1 else []
        hint = f"; nearest to {missing[0]!r}: {near[0]!r}" if near else ""
        if len(names) == 1 and any(sign in names[0] for sign in ";\t"):
            hint = "; expected columns separated by commas"
        raise ValueError(f"{file} has no {', '.join(map(repr, missing))}; it has {columns}{hint}")


def numbers(file: str, name: str, values: Any) -> np.ndarray:
    """Return a column or array as float64, and refuse what is no number."""
    import numpy as np
    import pandas as pd

    array = np.asarray(values)
    if array.dtype.kind in "iuf":
        return array.astype(np.float64)
    if array.ndim == 1 and array.dtype.kind in "OUT":
        numeric = pd.to_numeric(pd.Series(array, dtype=object), errors="coerce").to_numpy(np.float64, na_value=np.nan)
        texts = np.flatnonzero(np.isnan(numeric) & ~pd.isna(array))
        if not len(texts) and not any(isinstance(value, str | bool) for value in array):
            return numeric
        if len(texts):
            row, text = int(texts[0]), str(array[texts[0]])[:40]
            raise ValueError(f"{file}: {name!r} holds text, {text!r} at row {row}; expected numbers such as 1.5")
    raise ValueError(f"{file}: {name!r} holds {array.dtype} values; expected numbers")


def check(dataset: FileDataset, file: str, rows: Rows) -> None:
    """Check one trajectory.

    Raises:
        ValueError: one line: nothing in it, NaN or infinity, times that do not increase, a parameter that changes.
    """
    import numpy as np

    here = f"trajectory {rows.label or 0}"
    times = rows.columns[dataset.time]
    if not len(times):
        raise ValueError(f"{file}: {here} holds no finite value; expected at least one row, or leave it out")
    for name, values in rows.columns.items():
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            what = f"{file}: {name!r} of {here} is {values[bad[0]]} at its row {bad[0]}"
            raise ValueError(f"{what}; expected finite numbers, so remove that row")
    late = np.flatnonzero(np.diff(times) <= 0)
    if len(late):
        first, then = times[late[0]], times[late[0] + 1]
        what = (
            f"{file}: time {dataset.time!r} of {here} does not increase after its row {late[0]} ({first:g}, {then:g})"
        )
        advice = "remove one of two rows at the same time" if first == then else "sort the rows"
        raise ValueError(f"{what}; expected strictly increasing times, so {advice} or name the trajectory column")
    for name in dataset.parameters.values():
        if np.ptp(rows.columns[name]) != 0:
            raise ValueError(f"{file}: parameter {name!r} changes within {here}; expected a constant")
