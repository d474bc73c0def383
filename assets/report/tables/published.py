"""Tables of published numbers beside ours, and of the readings of the published table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assets.identity.text import cell, with_interval
from assets.report.tables.effects import percent
from assets.report.tables.table import Table, table_of
from assets.statistics.published_agreement import FEWEST_SEEDS, WIDEST, WIDEST_DIFFERENCE, level

if TYPE_CHECKING:
    import pandas as pd

    from assets.sweeps.sweep import Sweep


def published_tables(sweep: Sweep, agreement: pd.DataFrame, readings: Sequence[Mapping[str, Any]]) -> Iterator[Table]:
    """Yield published numbers beside ours, and the readings of the published table, where there are any."""
    if not len(agreement):
        return
    yield _agreement_table(sweep, agreement)
    if readings:
        rows = [
            [
                one["reading"],
                with_interval(one["distance"], one["low"], one["high"]),
                percent(one["closest"]),
                one["verdict"],
            ]
            for one in readings
        ]
        header = ("reading", "distance, a factor", "closest in (share of resamples)", "verdict")
        note = "Over the rows that a reading moves, without a common level per test set. Resampled over seeds."
        yield table_of("Readings of the published table", header, rows, note)


def _agreement_table(sweep: Sweep, agreement: pd.DataFrame) -> Table:
    rows = [
        [row["row"], row["test"], row["metric"], row["published"], with_interval(row["ours"], row["low"], row["high"]),
         f"{cell(row['run_low'])} to {cell(row['run_high'])}" if math.isfinite(row["run_low"]) else "",
         row["verdict"], row["doubt"]]
        for row in agreement.to_dict("records")
    ]  # fmt: skip
    header = ("row", "test set", "metric", "published", "ours", "one more run", "verdict",
              "doubt about the published value")  # fmt: skip
    counts = "; ".join(_counts(str(metric), part) for metric, part in agreement.groupby("metric", sort=False))
    note = (
        f"Published: {sweep.published.file if sweep.published else ''}. In all: {counts}. Ours: geometric mean over "
        "seeds, or mean where a value is not positive, with its 95 % interval. A published value is one run: it agrees "
        "if it lies where one more of our runs is expected (95 %, with new seeds and test trajectories; about one in "
        f"twenty falls outside by chance). It is inconclusive with fewer than {FEWEST_SEEDS} seeds; where the range of "
        f"one more run spans more than a factor of {WIDEST:g}, or more than {WIDEST_DIFFERENCE:g} times the published "
        "value where values are not all positive; and outside the range on a single test trajectory, since theirs may "
        "be another one, or of a metric of a whole test set, whose spread over trajectories is not measured."
    )
    return table_of("Published beside ours", header, rows, note)


def _counts(metric: str, agreement: pd.DataFrame) -> str:
    """Count the verdicts on a metric, and say by which factor published numbers lie above ours."""
    counts = agreement["verdict"].str.split(":").str[0].value_counts()
    verdicts = ", ".join(f"{name} {count}" for name, count in counts.items())
    factor = with_interval(*level(agreement))
    over = f", published over ours {factor} (geometric mean over rows)" if factor else ""
    return f"{metric}: {verdicts}{over}"
