"""Tables on the terminal: the leaderboard of a sweep and the effects of its axes, as reports have them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from assets.report.tables.table import Table
    from assets.statistics.experiment import Experiment


def print_leaderboard(console: "Console", experiment: "Experiment", board: "pd.DataFrame") -> None:
    """Print a leaderboard: over all test sets that rank if there are several, on each test set, and how it ranks."""
    from assets.report.tables.ranking import leaderboards, overall_table
    from assets.statistics.leaderboard import how_ranked

    sweep = experiment.sweep
    console.print(f"{sweep.name}: {sweep.description}", markup=False)
    for table in leaderboards(experiment, board):
        print_table(console, table)
    if len(experiment.tests) > 1:
        print_table(console, overall_table(experiment, board))
    console.print(how_ranked(experiment), markup=False, highlight=False)


def print_effects(console: "Console", effects: "pd.DataFrame", metric: str) -> None:
    """Print the paired comparisons of the values of every axis."""
    from assets.report.tables.effects import effect_table

    if len(effects):
        print_table(console, effect_table(effects, metric))


WRAPPED = 14
"""Characters to which a column of text may be wrapped."""

KEPT = ("caveats",)
"""Columns that are never left out for the width."""


def within(content: "Table", width: int) -> "Table":
    """Return a table that fits a width: columns are left out from the right, and its note names them.

    Numbers are never cut; text may be wrapped.
    """
    from assets.report.tables.table import Table

    sizes = [
        max(map(len, column)) if numeric else min(WRAPPED, max(map(len, column)))
        for numeric, column in zip(content.numeric, zip(content.header, *content.rows, strict=True), strict=True)
    ]
    places: list[int] = list(range(len(sizes)))
    left_out: list[str] = []
    while len(places) > 2 and sum(sizes[place] + 3 for place in places) + 1 > width:
        last = next(place for place in reversed(places) if content.header[place] not in KEPT)
        places.remove(last)
        left_out.insert(0, content.header[last])
    if not left_out:
        return content
    rows = tuple(tuple(row[place] for place in places) for row in content.rows)
    missing = f"No room here for {', '.join(left_out)}: a wider terminal, --csv or --json has them."
    note = "\n".join(filter(None, (content.note, missing)))
    return Table(content.title, tuple(content.header[place] for place in places), rows, note)


def print_table(console: "Console", content: "Table") -> None:
    """Print a table without its details, as wide as there is room; columns of numbers are flush right."""
    from rich.markup import escape
    from rich.table import Table

    narrow = within(content.narrow(), console.width)
    table = Table(title=escape(narrow.title), title_justify="left", caption=escape(narrow.note) or None)
    table.caption_justify = "left"
    for name, numeric in zip(narrow.header, narrow.numeric, strict=True):
        table.add_column(escape(name), justify="right" if numeric else "left", overflow="fold", no_wrap=numeric)
    for row in narrow.rows:
        table.add_row(*map(escape, row))
    console.print(table)


def wide_console() -> "Console":
    """Return a console as wide as the terminal, or wide enough for a table where there is none."""
    import sys

    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=180)
