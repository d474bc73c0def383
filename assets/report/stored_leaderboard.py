"""The leaderboard of a sweep in the store: Parquet and CSV with every column, Markdown for people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assets.identity.canonical import short_digest
from assets.identity.text import markdown_text
from assets.report.tables.ranking import leaderboards, overall_table
from assets.statistics.experiment import Experiment
from assets.statistics.leaderboard import column_value, how_ranked, page_manifest, rank

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class StoredLeaderboard:
    """A leaderboard and the place where it is stored."""

    path: Path
    rows: pd.DataFrame
    markdown: str
    failed: int
    """Rows of the sweep that are not ok."""
    version: str


def write(experiment: Experiment) -> StoredLeaderboard:
    """Rank a sweep and store the result."""
    sweep, rows = experiment.sweep, rank(experiment)
    csv, text = rows.to_csv(index=False), markdown(experiment)
    version = short_digest(csv)
    address = (sweep.study, "leaderboard", short_digest("leaderboard", sweep.name))
    with experiment.store.writing(*address) as draft:
        columns = {axis: rows[axis].map(column_value) for axis in sweep.axes if axis in rows}
        draft.table("leaderboard", rows.assign(**columns))
        draft.page("leaderboard.md", text)
        draft.page("leaderboard.csv", csv)
        draft.manifest |= page_manifest(sweep.name, version)
    failed = sum(experiment.status(row) != "ok" for row in sweep.rows)
    return StoredLeaderboard(experiment.store.path(*address), rows, text, failed, version)


def markdown(experiment: Experiment) -> str:
    """Return the leaderboard as Markdown: how it ranks, the table over all test sets, and one per test set."""
    sweep, board = experiment.sweep, rank(experiment)
    tables = [overall_table(experiment, board), *leaderboards(experiment, board)]
    title = markdown_text(f"{sweep.name}: {sweep.description}")
    return "\n".join([f"# {title}", "", how_ranked(experiment), "", *(one.markdown for one in tables)])
