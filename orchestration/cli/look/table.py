"""`orrery table`: the leaderboard of a sweep with the effects of its axes, or every trial of a search."""

from pathlib import Path
from typing import Annotated, Any

import typer

from assets.search.search import Search
from orchestration.cli import searches
from orchestration.cli.request import Json, Name, any_file, clear_errors, refuse, writable
from orchestration.cli.tables import print_effects, print_leaderboard, wide_console


def table(
    sweep: Name = "",
    csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV: every metric of every row, or the leaderboard with --group-by.")
    ] = False,
    json: Json = False,
    group_by: Annotated[
        str, typer.Option("--group-by", help="Keep the best settings for each value of an axis, such as output_layer.")
    ] = "",
    top: Annotated[int, typer.Option("--top", min=1, help="How many per value of the axis.")] = 1,
    save: Annotated[
        Path | None, typer.Option("--save", help="Write what --group-by keeps as a sweep file, to evaluate it further.")
    ] = None,
) -> None:
    """Print the leaderboard of a sweep and the effects of its axes, or its whole table; or the trials of a search."""
    from assets.statistics.effects import effects
    from assets.statistics.experiment import Experiment
    from assets.statistics.leaderboard import best_of, rank
    from assets.store.store import Store

    with clear_errors():
        chosen = any_file(sweep)
        if isinstance(chosen, Search):
            return searches.table(chosen, csv, json)
        experiment = Experiment(chosen, Store())
        whole = (csv or json) and not group_by
        rows = experiment.table if whole else rank(experiment)
        if group_by:
            rows = _grouped(best_of, rows, chosen, group_by, top)
        if save is not None:
            _save(rows, chosen, save, group_by)
        if csv or json:
            print(rows.to_csv(index=False) if csv else rows.to_json(orient="records", indent=2))
            return
        console = wide_console()
        print_leaderboard(console, experiment, rows)
        print_effects(console, effects(experiment), experiment.metric)


def _grouped(best_of: Any, rows: Any, sweep: Any, axis: str, top: int) -> Any:
    try:
        return best_of(rows, sweep, axis, top)
    except LookupError as error:
        refuse(str(error.args[0]))


def _save(rows: Any, sweep: Any, path: Path, group_by: str) -> None:
    from assets.statistics.best_as_sweep import best_as_sweep

    if not group_by:
        refuse("--save writes what --group-by keeps; name an axis, such as --group-by output_layer")
    writable(path).write_text(best_as_sweep(rows, sweep), encoding="utf-8")
