"""Runs that Weights & Biases exported, as CSV or JSON.

CSV: the runs table of its pages, one column per setting and per metric; or the columns `name`, `config` and `summary`
of the export script in its documentation. JSON: a list of runs with `config` and `summary` (or `summaryMetrics`).
"""

from __future__ import annotations

import ast
import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets.sweeps.yaml_loader import one_line

MOST_BYTES = 50_000_000

FACTS = {"name": "name", "id": "id", "group": "group", "state": "state", "created": "created", "runtime": "runtime"}
"""What the tracker itself says of a run: the column or key in lower case, and the name here."""

NOT_FINITE = re.compile(r"(?<=[\s:,\[])-?(?:nan|inf)(?=[\s,\]}])")
"""In Python's form of a mapping."""

NESTED = ("config", "summary", "summarymetrics")


@dataclass(frozen=True)
class ExportedRun:
    """A run as it was exported."""

    facts: Mapping[str, str]
    """Of FACTS those that the export has."""
    values: Mapping[str, Any] = field(repr=False)
    """Settings and metrics by their names, nested ones joined by dots."""

    @property
    def id(self) -> str:
        """What tells the run from the others: its id, or its name."""
        return self.facts.get("id") or self.facts["name"]


def read_export(path: Path) -> list[ExportedRun]:
    """Return the runs of an export.

    Raises:
        ValueError: it is no such file; one line.
    """
    if path.suffix not in (".csv", ".json"):
        raise ValueError(f"{path}: expected a .csv or .json file that Weights & Biases exported")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path} holds {path.stat().st_size} bytes; expected at most {MOST_BYTES}")
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = list(_csv_rows(text) if path.suffix == ".csv" else _json_rows(text))
        runs = [_run(row) for row in rows]
    except (ValueError, SyntaxError, RecursionError, csv.Error) as error:
        raise ValueError(f"{path}: {one_line(str(error))}; expected an export of Weights & Biases") from None
    if not runs:
        raise ValueError(f"{path} holds no run; expected at least one")
    names = [run.id for run in runs]
    if twice := next((name for number, name in enumerate(names) if name in names[:number]), None):
        raise ValueError(f"{path} holds two runs {twice!r}; export the column ID, too, which tells runs apart")
    return runs


def _csv_rows(text: str) -> Iterator[dict[str, Any]]:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise ValueError(f"row {number} has another number of cells than the header")
        yield {name: _cell(name, cell) for name, cell in row.items() if cell.strip()}


def _cell(name: str, text: str) -> Any:
    """Return a mapping or a list of a cell, else its text."""
    if text[:1] not in "{[" or name.lower() in FACTS:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return ast.literal_eval(NOT_FINITE.sub("None", text))  # the documented script writes Python's form of a mapping


def _json_rows(text: str) -> Iterator[dict[str, Any]]:
    data = json.loads(text)
    rows = data.get("runs", [data]) if isinstance(data, dict) else data
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("given no list of runs")
    for row in rows:
        texts = {key: row[key] for key in row if key.lower() in NESTED and isinstance(row[key], str)}
        yield row | {key: json.loads(text) for key, text in texts.items()}


def _run(row: Mapping[str, Any]) -> ExportedRun:
    facts = {FACTS[key.lower()]: str(value) for key, value in row.items() if key.lower() in FACTS and value is not None}
    if not facts.get("id") and not facts.get("name"):
        raise ValueError(f"a run has neither ID nor Name, but {', '.join(list(row)[:6])}")
    values: dict[str, Any] = {}
    for key, value in row.items():
        if key.lower() in NESTED:
            if not isinstance(value, Mapping):
                raise ValueError(f"{key} is {str(value)[:40]!r}; expected a mapping")
            values |= dict(_leaves(value, ""))
        elif key.lower() not in FACTS and key:
            values |= dict(_leaves({key: value}, ""))
    return ExportedRun(facts, values)


def _leaves(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield names and values; W&B's own (`_wandb`) and what is not finite are left out, and `{"value": x}` is x."""
    for key, value in tree.items():
        if str(key).startswith("_"):
            continue
        if isinstance(value, Mapping) and "value" in value and value.keys() <= {"value", "desc"}:
            value = value["value"]
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        elif value is not None and not (isinstance(value, float) and not math.isfinite(value)):
            yield f"{prefix}{key}", value
