"""`orrery plan`: what would run, what is stored already, and why."""

from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer

from assets.sweeps import Search
from orchestration.cli import searches
from orchestration.cli.request import any_file, clear_errors, print_json

Name = Annotated[str, typer.Argument(help="A sweep file at any path, or <study>/<sweep>; empty: the default sweep.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def plan(
    sweep: Name = "",
    keys: Annotated[bool, typer.Option("--keys", help="List every key that would run, with the reason.")] = False,
    json: Json = False,
) -> None:
    """Show what a run of the sweep would do, and why each item is due; or where a search stands."""
    from assets.budget import budget
    from assets.cpus import usable_cpus
    from assets.plan import plan_sweep
    from assets.store import Store

    with clear_errors():
        chosen = any_file(sweep)
        if isinstance(chosen, Search):
            return searches.plan(chosen, json)
        verdicts = plan_sweep(chosen, Store())
        needed = budget([v for found in verdicts.values() for v in found], Store(), len(usable_cpus()))
    rows = [
        {"layer": layer, "key": v.item.key, "state": v.state, "reason": v.reason}
        for layer, layer_verdicts in verdicts.items()
        for v in layer_verdicts
    ]
    if json:
        print_json(
            {
                "sweep": chosen.name,
                "configurations": len(chosen.rows),
                "warnings": chosen.warnings,
                "budget": asdict(needed),
                "items": rows,
            }
        )
        return
    _print(chosen.name, len(chosen.rows), chosen.warnings, rows, keys)
    print(needed.line)


def _print(name: str, configurations: int, warnings: tuple[str, ...], rows: list[dict], keys: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for warning in warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)
    table = Table(
        "layer", "state", "items", "reason", title=f"{name}: {configurations} configurations", title_justify="left"
    )
    for (layer, state, reason), count in _counted(rows).items():
        table.add_row(layer, state, str(count), reason)
    console.print(table)
    for row in rows if keys else ():
        if row["state"] != "fresh":
            console.print(
                f"{row['layer']}  {row['key']}  {row['state']}: {row['reason']}", markup=False, soft_wrap=True
            )


def _counted(rows: list[dict]) -> Counter:
    return Counter((row["layer"], row["state"], row["reason"]) for row in rows)
