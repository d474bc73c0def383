"""Imported runs in tables: below the leaderboards, and as rows of the whole table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from assets.identity.text import value_text
from assets.report.imported.runs import axis_value, imported_runs, records
from assets.report.tables.table import Table, table_of
from assets.statistics.experiment import short

if TYPE_CHECKING:
    import pandas as pd

    from assets.sweeps.sweep import Sweep

NOTE = "Not trained here and not ranked: their data, code and seeds are not known. Imported from Weights & Biases."


def imported_tables(sweep: Sweep) -> Iterator[Table]:
    """Yield a table of the imported runs on each test set, with what they have of the axes of the sweep."""
    runs = imported_runs(sweep)
    for test in sweep.tests:
        on_test = [run for run in runs if test in run.values]
        metrics = list(dict.fromkeys(metric for run in on_test for metric in run.values[test]))
        axes = [axis for axis in sweep.axes if any(axis_value(run, axis) is not None for run in on_test)]
        rows = [
            ["imported", run.id, run.name, run.group, run.created,
             *[value_text(value) if (value := axis_value(run, axis)) is not None else "" for axis in axes],
             *[run.values[test].get(metric) for metric in metrics]]
            for run in on_test
        ]  # fmt: skip
        if rows:
            header = ["origin", "run", "name", "group", "created", *map(short, axes), *metrics]
            yield table_of(f"Imported runs on test set {test}", header, rows, NOTE, ["created"])


def with_imported(table: pd.DataFrame, sweep: Sweep) -> pd.DataFrame:
    """Return the table of a sweep with the imported runs below ours and a column `origin`; as it is without any."""
    import pandas as pd

    rows = list(records(sweep))
    if not rows:
        return table
    ours, theirs = table.assign(origin="trained here"), pd.DataFrame(rows).assign(origin="imported")
    both = pd.concat([ours.astype(object), theirs.astype(object)], ignore_index=True)
    return both[["origin", *[name for name in both if name != "origin"]]]
