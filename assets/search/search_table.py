"""The table of a search: one row per trial, stored as Parquet, CSV and Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assets.identity.canonical import short_digest
from assets.identity.text import markdown_table, quantity, value_text
from assets.search.progress import SearchProgress
from assets.statistics.leaderboard import page_manifest
from assets.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

LAYER = "search"


@dataclass(frozen=True)
class StoredTable:
    """A written table."""

    path: Path
    markdown: str
    version: str


def write(progress: SearchProgress, store: Store) -> StoredTable:
    """Store the table of a search."""
    search, rows = progress.search, progress.table()
    text = markdown(progress, rows)
    version = short_digest(rows.to_csv(index=False))
    address = (search.study, LAYER, short_digest(LAYER, search.name))
    with store.writing(*address) as draft:
        draft.table("trials", rows)
        draft.page("trials.md", text)
        draft.page("trials.csv", rows.to_csv(index=False))
        draft.manifest |= page_manifest(search.name, version)
    return StoredTable(store.path(*address), text, version)


def markdown(progress: SearchProgress, rows: pd.DataFrame) -> str:
    """Render the trials as Markdown, the best first."""
    objective = progress.search.settings.objective
    sorted_rows = rows.sort_values(objective, ascending=not progress.search.settings.maximise, kind="stable")
    lines = [f"# {progress.search.name}: {progress.search.description}", "", answer(progress), ""]
    return "\n".join([*lines, *markdown_table(sorted_rows.drop(columns=["detail"])), ""])


def answer(progress: SearchProgress) -> str:
    """Name the best trial and its settings, and how the others ended, in one line."""
    search, best = progress.search, progress.best
    ends = ", ".join(f"{count} {status}" for status, count in progress.counts.most_common())
    rest = f"; {progress.to_begin} have not begun" if progress.to_begin else ""
    trials = f"{quantity(len(progress.trials), 'trial')} ({ends or 'none has begun'}{rest})"
    if best is None:
        return f"No trial is complete yet: {trials}."
    settings = ", ".join(f"{name} = {value_text(value)}" for name, value in best.values.items())
    which = "largest" if search.settings.maximise else "smallest"
    value = f"{search.settings.objective}, {best.objective:.5g}"
    return f"Trial {best.number} has the {which} {value}, of {trials}: {settings}."
