"""`orrery table`: the leaderboard of a sweep with the effects of its axes, or every trial of a search."""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.request import Json, Metric, Models, Name, Where, clear_errors

Csv = Annotated[
    bool, typer.Option("--csv", help="Print CSV: every metric of every row, or the leaderboard with --group-by.")
]
GroupBy = Annotated[
    str, typer.Option("--group-by", help="Keep the best settings for each value of an axis, such as output_layer.")
]
Top = Annotated[int, typer.Option("--top", min=1, help="How many per value of the axis.")]
Save = Annotated[
    Path | None, typer.Option("--save", help="Write what --group-by keeps as a sweep file, to evaluate it further.")
]


RankBy = Annotated[
    str, typer.Option("--rank-by", help="Rank by a column: iqr, worst, median, gap, ... smallest first.")
]


def table(
    sweep: Name = "",
    csv: Csv = False,
    json: Json = False,
    group_by: GroupBy = "",
    top: Top = 1,
    save: Save = None,
    metric: Metric = "",
    where: Where = None,
    model: Models = None,
    rank_by: RankBy = "",
) -> None:
    """Print the leaderboard of a sweep and the effects of its axes, or its whole table; or the trials of a search."""
    from orchestration.cli.subjects.choice import looked_at
    from orchestration.cli.subjects.subject import TableOptions, View

    view = View(metric, tuple(where or ()))
    with clear_errors():
        looked_at(sweep, model).table(TableOptions(csv, json, group_by, top, save, view, rank_by))
