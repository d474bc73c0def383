"""`orrery diff`: the settings in which configurations differ."""

from typing import Annotated, Any

import typer

from orchestration.cli.request import Json, any_sweep, clear_errors, print_json, refuse
from orchestration.cli.tables import wide_console


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
        return {
            row.configuration.key: _full_settings(row.configuration.dataset, row.configuration.model) for row in rows
        }
    study, _, key = item.partition("/")
    loaded = load(study, key)
    return {loaded.key: _full_settings(loaded.dataset, loaded.config)}


def _full_settings(dataset: Any, model: Any) -> dict[str, Any]:
    return {"dataset": dataset.model_dump(mode="json"), "model": model.model_dump(mode="json")}


def _print_diff(rows: list, names: list[str]) -> None:
    from rich.table import Table

    table = Table("setting", *names)
    for path, values in rows:
        table.add_row(path, *[str(values.get(name, "")) for name in names])
    wide_console().print(table)
