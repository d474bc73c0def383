"""Published numbers beside a sweep: which lines of a table belong to which of its rows."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from assets.identity.paths import Place
from assets.identity.provenance import project_root
from trainers.common.names import nearest
from trainers.study import Config

MOST_BYTES = 10_000_000

TRAIN = "train"
"""The test set that is the training dataset of each row, so that tables show the gap."""

Row = Mapping[str, str]


class Published(Config):
    """Where published numbers stand, and which of them belong to which value of an axis."""

    file: str
    """CSV file with a header, absolute or from the project's directory."""
    axis: str
    """Axis whose values `rows` names."""
    test: str
    """Column that holds the name of the test set, as under `tests`."""
    values: Annotated[dict[str, str], Field(min_length=1)]
    """Metric -> column of its published value."""
    rows: Annotated[dict[str, dict[str, str]], Field(min_length=1)]
    """Value of the axis -> {column: text} that all of its lines have."""
    training: dict[str, str] = {}
    """Metric -> column of its published value on the training data, one for all test sets of a run."""
    doubt: str | None = None
    """Column that says why a line is doubtful; empty where it is not."""
    readings: dict[str, dict[str, str]] = {}
    """Other readings of the table: name -> {value of the axis: the one whose lines it has in truth}."""


@dataclass(frozen=True)
class Line:
    """One published number."""

    row: str
    """Value of the axis that it belongs to."""
    test: str
    metric: str
    value: float
    doubt: str


def lines(published: Published) -> list[Line]:
    """Return the published numbers of every value of the axis, as printed.

    Raises:
        ValueError: the file cannot be read; one line.
    """
    table = read_table(published.file)
    numbers = []
    for name, cells in published.rows.items():
        rows = _first_of_each_test(_matching(table, cells), published.test)
        printed = [(row, row[published.test], published.values) for row in rows]
        # the training data are those of the run, whatever it was tested on: its first line counts
        printed += [(row, TRAIN, published.training) for row in rows[:1]]
        numbers += [
            Line(name, test, metric, float(row[column]), row[published.doubt] if published.doubt else "")
            for row, test, values in printed
            for metric, column in values.items()
            if row[column].strip()
        ]
    return numbers


def read_table(file: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file.

    Raises:
        ValueError: no such file, or none with a header and rows of equal length.
    """
    path = project_root() / file
    if path.suffix != ".csv" or not path.is_file():
        raise ValueError(f"given {file!r}; expected a .csv file that is there, from {project_root()}")
    status = path.stat()
    if status.st_size > MOST_BYTES:
        raise ValueError(f"{file} holds {status.st_size} bytes; expected at most {MOST_BYTES}")
    return _parse(path, status.st_mtime_ns)


@lru_cache(maxsize=8)
def _parse(path: Path, modified: int) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    if not rows or any(None in row or None in row.values() for row in rows):
        raise ValueError(f"{path.name} is no table; expected a header and rows of as many cells")
    return rows


def findings(
    published: Published, axes: Mapping[str, Sequence[str]], tests: Sequence[str]
) -> Iterator[tuple[Place, str]]:
    """Yield what does not fit the sweep: its axes with their values as text, and its test sets."""
    try:
        table = read_table(published.file)
    except (ValueError, OSError, csv.Error) as error:
        yield ("file",), str(error)
        return
    columns = list(table[0])
    used: dict[Place, str] = {("test",): published.test}
    used |= {("values", metric): name for metric, name in published.values.items()}
    used |= {("training", metric): name for metric, name in published.training.items()}
    used |= {("doubt",): published.doubt} if published.doubt else {}
    used |= {("rows", name, column): column for name, cells in published.rows.items() for column in cells}
    unknown = {place: name for place, name in used.items() if name not in columns}
    for place, name in unknown.items():
        yield place, f"{published.file} has no column {name!r}; nearest: {', '.join(nearest(name, columns))}"
    if published.axis not in axes:
        choices = ", ".join(nearest(published.axis, axes)) or "none, as nothing varies"
        yield ("axis",), f"no such axis {published.axis!r}; nearest: {choices}"
    elif not unknown:
        yield from _row_findings(published, table, axes[published.axis], tests)
    if published.training and TRAIN not in tests:
        yield ("training",), f"needs the training data as a test set; expected {TRAIN} under `tests`"
    yield from _reading_findings(published)


def _row_findings(
    published: Published, table: Sequence[Row], values: Sequence[str], tests: Sequence[str]
) -> Iterator[tuple[Place, str]]:
    for name, cells in published.rows.items():
        place: Place = ("rows", name)
        if name not in values:
            yield place, f"no value {name!r} of {published.axis}; nearest: {', '.join(nearest(name, values))}"
        lines_of_row = _matching(table, cells)
        if not any(row[published.test] in tests for row in lines_of_row):
            yield place, f"no line of {published.file} has {dict(cells)} on a test set of this sweep"
        yield from ((place, text) for text in _ambiguous(published, lines_of_row))
        yield from ((place, text) for text in _several_training_values(published, lines_of_row))
        for column in (*published.values.values(), *published.training.values()):
            if wrong := next((row[column] for row in lines_of_row if not _is_number(row[column])), None):
                yield place, f"{column} is {wrong!r} in {published.file}; expected a number"


def _ambiguous(published: Published, rows: Sequence[Row]) -> Iterator[str]:
    """Yield a line for every test set of which several lines say different things."""
    columns = published.values.values()
    for test in dict.fromkeys(row[published.test] for row in rows):
        numbers = {tuple(row[column] for column in columns) for row in rows if row[published.test] == test}
        if len(numbers) > 1:
            yield f"{len(numbers)} different lines on {test}; expected one; name more columns"


def _several_training_values(published: Published, rows: Sequence[Row]) -> Iterator[str]:
    """Yield a line for every column of training values in which the lines of one run differ."""
    for column in published.training.values():
        numbers = {row[column] for row in rows}
        if len(numbers) > 1:
            yield f"{len(numbers)} different values of {column}; expected one for all test sets; name more columns"


def _reading_findings(published: Published) -> Iterator[tuple[Place, str]]:
    for name, moves in published.readings.items():
        for row, source in moves.items():
            for value in (row, source):
                if value not in published.rows:
                    choices = ", ".join(nearest(value, published.rows))
                    text = f"unknown row {value!r}; expected one under `rows`; nearest: {choices}"
                    yield ("readings", name, row), text


def _matching(table: Sequence[Row], cells: Mapping[str, str]) -> list[Row]:
    return [row for row in table if all(row[column] == text for column, text in cells.items())]


def _first_of_each_test(rows: Sequence[Row], test: str) -> list[Row]:
    # A dict keeps the last row of each key: the first one of the reversed rows.
    return list({row[test]: row for row in reversed(rows)}.values())[::-1]


def _is_number(text: str) -> bool:
    try:
        return not text.strip() or math.isfinite(float(text))
    except ValueError:
        return False
