"""Tables of effects: comparisons of the values of an axis, what each value reached, interactions, answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from assets.identity.text import value_text, with_interval
from assets.report.tables.table import Table, table_of
from assets.statistics.answers import Answer
from assets.statistics.experiment import short
from assets.statistics.paired_comparison import SCALES, TEST

if TYPE_CHECKING:
    import pandas as pd


def effect_table(effects: pd.DataFrame, metric: str) -> Table:
    """Return the paired comparisons of the values of every axis."""
    rows = [
        [short(row["axis"]), value_text(row["a"]), value_text(row["b"]), f"{row['better_b']} of {row['pairs']}",
         SCALES[row["scale"]], with_interval(row["effect"], row["low"], row["high"]),
         row["p"], row["p_holm"], row["p_permutation"], row["verdict"]]
        for row in effects.to_dict("records")
    ]  # fmt: skip
    header = ("axis", "a", "b", "b is better in", "scale", "effect", "p", "p corrected", "p permutation", "verdict")
    note = (
        f"Of {metric}, averaged over the test sets that rank; the rows of a pair differ in this axis alone and have "
        f"the same seed. {TEST}"
    )
    return table_of("Comparisons", header, rows, note)


def axis_table(values: pd.DataFrame) -> Table:
    """Return the scores at every value of every axis."""
    rows = [
        [short(row["axis"]), value_text(row["value"]), row["runs"], row["best"], row["median"],
         with_interval(row["mean"], row["low"], row["high"]), percent(row["importance"])]
        for row in values.to_dict("records")
    ]  # fmt: skip
    header = ("axis", "value", "runs", "best", "median", "mean", "share of the variance")
    return table_of("Axes", header, rows, "Scores over all other axes and all seeds.")


def interaction_table(interactions: pd.DataFrame) -> Table:
    """Return the shares of the variance that two axes explain, alone and together."""
    rows = [
        [short(row["first"]), short(row["second"]), row["rows"],
         *[percent(row[name]) for name in ("share_first", "share_second", "share_both", "interaction")]]
        for row in interactions.to_dict("records")
    ]  # fmt: skip
    header = ("first axis", "second axis", "rows", "first alone", "second alone", "both, additive", "their interaction")
    return table_of("Interactions", header, rows, "Shares of the variance of the scores of all rows that are ok.")


def answer_tables(answers: Sequence[Answer]) -> Iterator[tuple[str, Table]]:
    """Yield the answer to every question, in words and as the table behind it, with the question as its title."""
    header = ("a", "b", "b is better in", "scale", "effect", "p", "p corrected", "p permutation")
    for answer in answers:
        rows = [
            [one["a"], one["b"], f"{one['better_b']} of {one['pairs']}", SCALES[one["scale"]],
             with_interval(one["effect"], one["low"], one["high"]), one["p"], one["p_holm"],
             one["p_permutation"]]
            for one in answer.comparisons
        ]  # fmt: skip
        note = f"Of {answer.question.metric}. " if answer.question.metric else ""
        note += f"Paired by seed. {TEST} The comparisons are those of all questions of this sweep."
        yield answer.text, table_of(answer.question.ask, header, rows, note)


def percent(share: float) -> str:
    """Return a share [1] in percent; empty where there is none."""
    return f"{100 * share:.0f} %" if math.isfinite(share) else ""
