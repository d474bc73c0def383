"""A table for people, every cell as text: one model for HTML (templates), Markdown (here) and the terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

from assets.identity.text import cell, markdown_text

MOST_ROWS = 300

CAVEATS = "caveats"
"""The column that says why to doubt a row; several caveats are separated by `; `."""

NUMBER = re.compile(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?( \[.*\]| %)?|-?")
"""A number, perhaps with its interval or in percent, or nothing."""


@dataclass(frozen=True)
class Table:
    """A table for people."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    details: tuple[str, ...] = ()
    """Columns that a narrow place, such as a terminal, leaves out."""

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Whether each column holds numbers alone, to be set flush right."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.header)
        return tuple(bool({*column} - {"", "-"}) and all(map(NUMBER.fullmatch, column)) for column in columns)

    def of_rows(self, firsts: Sequence[str]) -> Table:
        """Return the table with only the rows whose first cell is one of `firsts`, and without its note."""
        return Table(self.title, self.header, tuple(row for row in self.rows if row[0] in firsts))

    def narrow(self) -> Table:
        """Return the table for a narrow place: without its details, caveats as letters that the note explains."""
        places = [place for place, name in enumerate(self.header) if name not in self.details]
        texts = [cell for row in self.rows for name, cell in zip(self.header, row, strict=True) if name == CAVEATS]
        distinct = dict.fromkeys(caveat for text in texts for caveat in text.split("; ") if caveat)
        letters = dict(zip(distinct, ascii_lowercase, strict=False))

        def short(name: str, cell: str) -> str:
            return " ".join(letters.get(one, one) for one in cell.split("; ")) if name == CAVEATS else cell

        header = tuple(self.header[place] for place in places)
        rows = tuple(tuple(short(self.header[place], row[place]) for place in places) for row in self.rows)
        legend = "; ".join(f"{letter}: {caveat}" for caveat, letter in letters.items())
        return Table(self.title, header, rows, "\n".join(filter(None, (legend, self.note))))

    @property
    def markdown(self) -> str:
        """The table as Markdown, everything in it escaped: title, rows (`none` without any), note."""
        lines = [f"### {markdown_text(self.title)}", ""]
        if self.rows:
            rules = ["---:" if numeric else "---" for numeric in self.numeric]
            lines += ["| " + " | ".join(map(markdown_text, self.header)) + " |", "|" + "|".join(rules) + "|"]
            lines += ["| " + " | ".join(map(markdown_text, row)) + " |" for row in self.rows]
        else:
            lines += ["none"]
        lines += ["", markdown_text(self.note)] if self.note else []
        return "\n".join([*lines, ""])


def table_of(
    title: str, header: Sequence[str], rows: Sequence[Sequence[Any]], note: str = "", details: Sequence[str] = ()
) -> Table:
    """Return a table of at most 300 rows with its cells as text; the note says how many rows there are beyond."""
    cells = tuple(tuple(map(cell, row)) for row in rows[:MOST_ROWS])
    more = f"{len(rows) - len(cells)} more rows are in the table of the store. " if len(rows) > len(cells) else ""
    return Table(title, tuple(header), cells, more + note, tuple(details))
