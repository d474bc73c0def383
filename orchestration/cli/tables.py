"""Tables on the terminal: the leaderboard of a sweep, its answer, and the effects of its axes."""

from collections.abc import Iterable
from string import ascii_lowercase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from assets.report.tables import Shown
    from assets.statistics.experiment import Experiment

HIDDEN = ("test", "dataset", "test_dataset", "metric", "unit", "low", "high", "iqr", "keys", "code")
SCORES = ("score", "score_low", "score_high")


def print_leaderboard(console: "Console", experiment: "Experiment", rows: "pd.DataFrame") -> None:
    """Print a leaderboard: one table per test set, one row per setting, and what ranks."""
    from assets.statistics.leaderboard import how_ranked

    sweep = experiment.sweep
    console.print(f"{sweep.name}: {sweep.description}", markup=False)
    for test, table in rows.groupby("test", sort=False):
        _print_test(console, experiment, str(test), table)
    console.print(how_ranked(sweep, experiment.study), markup=False, highlight=False)


def _print_test(console: "Console", experiment: "Experiment", test: str, table: "pd.DataFrame") -> None:
    from rich.table import Table

    from assets.identity.text import cell, ranged
    from assets.statistics.experiment import short

    axes = [axis for axis in experiment.sweep.axes if axis in table]
    unit = next(filter(None, table["unit"]), "1")
    datasets = ", ".join(table["test_dataset"].unique())
    title = f"test set {test} ({datasets}): {experiment.metric} [{unit}], mean with 95 % interval"
    letters = _letters(table["marks"])
    notes = "; ".join(f"{letter}: {mark}" for mark, letter in letters.items())
    drawn = Table(title=_plain(title), title_justify="left", caption=_plain(notes) or None, caption_justify="left")
    names = [name for name in table.columns if name not in (*HIDDEN, *SCORES)]
    for name in names:
        text = name in ("rank", "status", "stopped", "marks", *axes)
        header = short(name) if name in axes else name.replace("_", "\n")
        drawn.add_column(header, justify="left" if text else "right", no_wrap=name not in ("status", "stopped"))
    for row in table.to_dict("records"):
        marks = " ".join(letters[mark] for mark in _marks(row["marks"]))
        shown = row | {"mean": ranged(row["mean"], row["low"], row["high"]), "marks": marks}
        drawn.add_row(*[_plain(cell(shown[name])) for name in names])
    console.print(drawn)


def _marks(text: str) -> list[str]:
    return [mark for mark in text.split("; ") if mark]


def _letters(texts: Iterable[str]) -> dict[str, str]:
    """Give every mark a letter, in order; a table has the letters and says below what they are."""
    found = dict.fromkeys(mark for text in texts for mark in _marks(text))
    return dict(zip(found, ascii_lowercase, strict=False))


def print_effects(console: "Console", table: "pd.DataFrame", metric: str) -> None:
    """Print the paired comparisons of the axes of a sweep."""
    from rich.table import Table

    from assets.identity.text import cell, ranged, shown
    from assets.statistics.experiment import short

    if not len(table):
        return
    drawn = Table(title=f"effects on {metric}, everything else held equal", title_justify="left")
    for title in ("axis", "a", "b", "pairs", "b better", "effect [95 %]", "p", "p Holm", "verdict"):
        drawn.add_column(title)
    for row in table.to_dict("records"):
        effect = ranged(row["effect"], row["low"], row["high"])
        sign = "b/a " if row["scale"] == "ratio" else "b-a "
        texts = [short(row["axis"]), shown(row["a"]), shown(row["b"]), str(row["pairs"]), str(row["better_b"])]
        texts += [sign + effect if effect else "", cell(row["p"]), cell(row["p_holm"]), row["verdict"]]
        drawn.add_row(*map(_plain, texts))
    console.print(drawn)


def print_shown(console: "Console", table: "Shown") -> None:
    """Print a table of a page for people."""
    from rich.table import Table

    drawn = Table(title=_plain(table.title), title_justify="left", caption=_plain(table.note), caption_justify="left")
    for name in table.header:
        drawn.add_column(_plain(name), overflow="fold")
    for row in table.rows:
        drawn.add_row(*map(_plain, row))
    console.print(drawn)


def wide_console() -> "Console":
    """Return a console as wide as the terminal, or wide enough for a table where there is none."""
    import sys

    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=180)


def _plain(text: str) -> str:
    """Keep brackets in a text from being read as markup."""
    from rich.markup import escape

    return escape(text)
