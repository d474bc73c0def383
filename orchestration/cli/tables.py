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
    console.print(how_ranked(sweep, experiment.study), markup=False, highlight=False)


def print_effects(console: "Console", effects: "pd.DataFrame", metric: str) -> None:
    """Print the paired comparisons of the values of every axis."""
    from assets.report.tables.effects import effect_table

    if len(effects):
        print_table(console, effect_table(effects, metric))


def print_table(console: "Console", content: "Table") -> None:
    """Print a table without its details; columns of numbers are flush right."""
    from rich.markup import escape
    from rich.table import Table

    narrow = content.narrow()
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
