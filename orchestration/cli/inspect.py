"""Commands that look: table, diff, show, convert, verify."""

from pathlib import Path
from typing import Annotated, Any

import typer

from assets.search.search import Search
from orchestration.cli import searches
from orchestration.cli.plan import Json, Name
from orchestration.cli.request import any_file, any_sweep, clear_errors, print_json, refuse, writable
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
    from assets.statistics.best_as_sweep import kept_sweep

    if not group_by:
        refuse("--save writes what --group-by keeps; name an axis, such as --group-by output_layer")
    writable(path).write_text(kept_sweep(rows, sweep), encoding="utf-8")


def diff(
    items: Annotated[list[str], typer.Argument(help="Sweeps, sweep files, or <study>/<key or hash> of stored models.")],
    json: Json = False,
) -> None:
    """Show only the settings in which configurations differ, defaults resolved."""
    from assets.sweeps.diff import difference

    with clear_errors():
        configurations = {name: value for item in items for name, value in _configurations(item).items()}
        if len(configurations) < 2:
            refuse(f"diff needs at least two configurations, and {' '.join(items)} has {len(configurations)}")
        rows = difference(configurations)
    if json:
        print_json([{"setting": path, **values} for path, values in rows])
        return
    _print_diff(rows, list(configurations))


def _configurations(item: str) -> dict[str, dict[str, Any]]:
    """Resolve a sweep, a sweep file or a stored model to full configurations by key."""
    from assets.catalogue import read_catalogue
    from assets.statistics.sweep_table import load

    if item.endswith((".yaml", ".yml")) or item in read_catalogue().sweeps:
        rows = any_sweep(item).rows
        return {row.configuration.key: _resolved(row.configuration.dataset, row.configuration.model) for row in rows}
    study, _, key = item.partition("/")
    loaded = load(study, key)
    return {loaded.key: _resolved(loaded.dataset, loaded.config)}


def _resolved(dataset: Any, model: Any) -> dict[str, Any]:
    return {"dataset": dataset.model_dump(mode="json"), "model": model.model_dump(mode="json")}


def _print_diff(rows: list, names: list[str]) -> None:
    from rich.table import Table

    drawn = Table("setting", *names)
    for path, values in rows:
        drawn.add_row(path, *[str(values.get(name, "")) for name in names])
    wide_console().print(drawn)


def show(
    key: Annotated[str, typer.Argument(help="<study>/<key or hash> of a stored model.")], json: Json = False
) -> None:
    """Show what is stored of one configuration: settings, status, provenance, and the traceback of a failure."""
    from assets.store.store import Store

    study, _, name = key.partition("/")
    with clear_errors():
        store = Store()
        manifest = store.manifest(study, "model", name.rsplit("-", 1)[-1])
        if manifest is None:
            refuse(
                f"no model {name!r} of study {study!r} is stored; expected <study>/<key> as `orrery plan --keys` has it"
            )
        print_json({field: value for field, value in manifest.items() if field != "files"})
        traceback = store.path(study, "model", manifest["hash"]) / "traceback.txt"
        if traceback.exists() and not json:
            print(traceback.read_text(encoding="utf-8"))


def convert(
    path: Annotated[Path, typer.Argument(help="A sweep file in the older format.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write; default: print.")] = None,
) -> None:
    """Write an older sweep file in the present form, with a comment on each decision."""
    from assets.sweeps.older_format import convert as converted

    with clear_errors():
        text = converted(path)
        if output is None:
            print(text, end="")
        elif output.exists():
            refuse(f"{output} exists; give another path, or remove it first")
        else:
            output.write_text(text, encoding="utf-8")


def verify() -> None:
    """Check the sums of everything in the store."""
    from assets.store.store import Store
    from assets.store.store import verify as damaged_in

    with clear_errors():
        damaged = list(damaged_in(Store()))
    for line in damaged:
        print(line)
    print(f"orrery: {len(damaged)} damaged")
    raise typer.Exit(1 if damaged else 0)
