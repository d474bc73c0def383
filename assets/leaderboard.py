"""The leaderboard of a sweep: one row per configuration, the headline metrics per test set, failed rows last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.identity import short_digest
from assets.results import sweep_table
from assets.store import Store
from assets.sweeps import Sweep
from trainers.study import Study

if TYPE_CHECKING:
    import pandas as pd

WORKING = ("ok",)


@dataclass(frozen=True)
class Leaderboard:
    """A written leaderboard."""

    path: Path
    rows: pd.DataFrame
    markdown: str
    failed: int
    version: str


def rank(sweep: Sweep, study: Study, store: Store) -> pd.DataFrame:
    """Rank the rows of a sweep by the mean over test sets of the first headline metric, smaller first.

    Columns: rank, the sweep's axes, status, `<test> <metric>` for every test set and headline metric, key.
    Rows that are not `ok` come last, keep their status and have no rank.
    """
    tidy = sweep_table(sweep, store)
    wide = _wide(tidy, sweep, study)
    ranking = wide[[f"{test} {study.headline[0]}" for test in sweep.tests]].mean(axis=1, skipna=False)
    ranking[~wide["status"].isin(WORKING)] = math.nan
    ordered = wide.assign(_ranking=ranking).sort_values("_ranking", na_position="last", kind="stable")
    positions = range(1, len(ordered) + 1)
    ranks = [str(n) if math.isfinite(value) else "" for n, value in zip(positions, ordered["_ranking"], strict=True)]
    ordered.insert(0, "rank", ranks)
    return ordered.drop(columns="_ranking").reset_index(drop=True)


def _wide(tidy: pd.DataFrame, sweep: Sweep, study: Study) -> pd.DataFrame:
    """Turn one row per configuration and test set into one row per configuration."""
    import pandas as pd

    records: dict[str, dict[str, Any]] = {}
    for row in tidy.to_dict("records"):
        record = records.setdefault(row["key"], {axis: row[axis] for axis in sweep.axes} | {"status": row["status"]})
        for metric in study.headline:
            record[f"{row['test']} {metric}"] = row.get(metric, math.nan)
        record["key"] = row["key"]
    columns = [*sweep.axes, "status", *(f"{t} {m}" for t in sweep.tests for m in study.headline), "key"]
    return pd.DataFrame(list(records.values()), columns=columns)


def write(sweep: Sweep, study: Study, store: Store) -> Leaderboard:
    """Rank a sweep and store the result as Parquet and Markdown."""
    rows = rank(sweep, study, store)
    text = markdown(rows, sweep, study)
    version = short_digest(rows.to_csv(index=False))
    address = (study.name, "leaderboard", short_digest("leaderboard", sweep.name))
    with store.writing(*address) as draft:
        draft.table("leaderboard", rows)
        draft.text("leaderboard", text)
        draft.manifest |= {
            "key": sweep.name,
            "label": sweep.name,
            "status": "ok",
            "config": {"sweep": sweep.name},
            "fingerprint": version,
            "parts": {"config": version, "code": "", "inputs": {}},
        }
    failed = int((~rows["status"].isin(WORKING)).sum())
    return Leaderboard(store.path(*address), rows, text, failed, version)


def markdown(rows: pd.DataFrame, sweep: Sweep, study: Study) -> str:
    """Render a leaderboard as Markdown, with the test sets and the reading of the headline named."""
    header = list(rows.columns)
    lines = [
        f"# {sweep.name}: {sweep.description}",
        "",
        f"Ranked by the mean of {study.headline[0]} over {', '.join(sweep.tests)}; smaller is better.",
        "",
        "| " + " | ".join(header) + " |",
        "|" + "---|" * len(header),
    ]
    return "\n".join(lines + ["| " + " | ".join(cells(row)) + " |" for row in rows.itertuples(index=False)]) + "\n"


def cells(row: Sequence[Any]) -> list[str]:
    """Format one row for people: three significant digits, an empty cell for what is missing."""
    return [_cell(value) for value in row]


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if math.isfinite(value) else ""
    return str(value)
