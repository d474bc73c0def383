"""Tables and numbers as people read them: Markdown with every pipe escaped, three significant digits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from assets.identity.canonical import compact

if TYPE_CHECKING:
    import pandas as pd


def cell(value: Any) -> str:
    """Format a value: three significant digits, nothing for what is missing, text as it is."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return _number(value)
    return str(value) if not isinstance(value, list | dict | tuple) else compact(value)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return ""
    return f"{value:.3g}" if not 1000 <= abs(value) < 1e6 else f"{value:.0f}"


def value_text(value: Any) -> str:
    """Write the value of an axis as text."""
    return value if isinstance(value, str) else compact(value)


def with_interval(mean: float | None, low: float, high: float) -> str:
    """Write a number with its interval, if it has one: `1.23 [1.1, 1.4]`."""
    text = cell(mean)
    return f"{text} [{cell(low)}, {cell(high)}]" if text and math.isfinite(low) and math.isfinite(high) else text


def markdown_table(table: pd.DataFrame) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = ["| " + " | ".join(map(markdown_text, table.columns)) + " |", "|" + "---|" * len(table.columns)]
    rows = table.itertuples(index=False, name=None)
    return lines + ["| " + " | ".join(markdown_text(cell(value)) for value in row) + " |" for row in rows]


def markdown_text(text: Any) -> str:
    """Keep text from being read as Markdown or HTML."""
    for sign, instead in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|"), ("\n", " ")):
        text = str(text).replace(sign, instead)
    return text


def quantity(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: `1 seed`, `3 seeds`."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"
