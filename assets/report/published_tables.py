"""The tables of a report that compare: answers to the questions of a sweep, and published numbers beside ours."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assets.identity.text import cell, ranged
from assets.report.tables import Shown, shown_table
from assets.statistics.answers import Answer
from assets.statistics.effects import SCALES
from assets.statistics.published_agreement import FEWEST_SEEDS, WIDEST, level

if TYPE_CHECKING:
    import pandas as pd

    from assets.sweeps.sweep import Sweep


def answer_tables(found: Sequence[Answer]) -> Iterator[tuple[str, Shown]]:
    """Yield the answer to every question, in words and as the table behind it, titled by the question."""
    header = ("a", "b", "b is better in", "scale", "effect", "p", "p corrected")
    for one in found:
        rows = [
            [told["a"], told["b"], f"{told['better_b']} of {told['pairs']}", SCALES[told["scale"]],
             ranged(told["effect"], told["low"], told["high"]), told["p"], told["p_holm"]]
            for told in one.comparisons
        ]  # fmt: skip
        note = f"Of {one.question.metric}. " if one.question.metric else ""
        note += "Paired by seed; p of the permutation test, corrected for all questions of this sweep (Holm)."
        yield one.text, shown_table(one.question.ask, header, rows, note)


def published_tables(sweep: Sweep, table: pd.DataFrame, read: Sequence[Mapping[str, Any]]) -> Iterator[Shown]:
    """Yield published numbers beside ours, and the readings of the published table."""
    if not len(table):
        return
    yield _beside(sweep, table)
    if read:
        rows = [
            [one["reading"], ranged(one["distance"], one["low"], one["high"]), _share(one["closest"]), one["verdict"]]
            for one in read
        ]
        header = ("reading", "distance, a factor", "closest in", "verdict")
        note = "Over the rows that a reading moves; a common level per test set is taken out. Resampled over seeds."
        yield shown_table("Readings of the published table", header, rows, note)


def _beside(sweep: Sweep, table: pd.DataFrame) -> Shown:
    rows = [
        [row["row"], row["test"], row["metric"], row["published"], ranged(row["ours"], row["low"], row["high"]),
         _between(row["run_low"], row["run_high"]), row["verdict"], row["doubt"]]
        for row in table.to_dict("records")
    ]  # fmt: skip
    header = (
        "row",
        "test set",
        "metric",
        "published",
        "ours",
        "one more run",
        "verdict",
        "doubt about the published value",
    )
    return shown_table("Published beside ours", header, rows, _note(sweep, table))


def _note(sweep: Sweep, table: pd.DataFrame) -> str:
    source = sweep.published.file if sweep.published else ""
    told = "; ".join(_counted(str(metric), part) for metric, part in table.groupby("metric", sort=False))
    return (
        f"Published: {source}. In all: {told}. Ours: geometric mean over seeds with its 95 % interval. A published "
        "value is one run: it agrees if it lies where one more run of ours is expected (95 %, seeds and test "
        "trajectories drawn anew; about one in twenty falls outside by chance). It cannot be told from fewer than "
        f"{FEWEST_SEEDS} seeds, where runs spread over more than a factor of {WIDEST:g}, and on a single test "
        "trajectory that need not be the same."
    )


def _counted(metric: str, table: pd.DataFrame) -> str:
    """Count the verdicts of a metric, and say by which factor published numbers lie above ours."""
    counts = table["verdict"].str.split(":").str[0].value_counts()
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    return f"{metric}: {told}, published over ours {ranged(*level(table)) or 'unknown'} (geometric mean over rows)"


def _between(low: float, high: float) -> str:
    return f"{cell(low)} to {cell(high)}" if math.isfinite(low) else ""


def _share(share: float) -> str:
    return f"{100 * share:.0f} % of resamples" if math.isfinite(share) else ""
