"""`orrery plan`: what would run, what is stored already, and why."""

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from assets.search.search import Search
from orchestration.cli import searches
from orchestration.cli.request import Json, Name, any_file, clear_errors, print_json

if TYPE_CHECKING:
    from assets.store.store import Store
    from assets.sweeps.sweep import Sweep


def plan(
    sweep: Name = "",
    keys: Annotated[bool, typer.Option("--keys", help="List every key that would run, with the reason.")] = False,
    segments: Annotated[
        bool, typer.Option("--segments", help="Simulate and cut now, and show what each phase has to train on.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what a run of the sweep would do, and why each item is due; or where a search stands."""
    from assets.engine.budget import budget
    from assets.engine.segment_counts import counts, cut
    from assets.home.disk_space import free_space_line
    from assets.home.hardware import usable_cpus
    from assets.stages.freshness import plan_sweep
    from assets.store.store import Store, home

    with clear_errors():
        chosen = any_file(sweep)
        if isinstance(chosen, Search):
            return searches.plan(chosen, json)
        if segments:
            cut(chosen, Store())
        cuts = list(counts(chosen, Store()))
        verdicts, seeds = plan_sweep(chosen, Store()), standings(chosen, Store())
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
                "segments": cuts,
                **({"seeds": seeds} if seeds else {}),
                "items": rows,
            }
        )
        return
    _print(chosen.name, len(chosen.rows), chosen.warnings, rows, keys)
    _print_cuts(cuts, segments)
    for name, text in seeds.items():
        print(f"{name}: {text}")
    print(needed.line)
    print(free_space_line(home()))


def standings(sweep: "Sweep", store: "Store") -> dict[str, str]:
    """Return how far each setting of a sweep with `seeds` is, by the text of its axes."""
    from assets.statistics.adaptive_seeds import seed_progress, setting_key
    from assets.statistics.experiment import settings_of

    known = seed_progress(sweep, store)
    return {one.text: known[setting_key(one.rows[0])].text for one in settings_of(sweep)} if known else {}


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


def _print_cuts(cuts: list[dict], whole: bool) -> None:
    """Print what the phases have to train on: all of it if it was asked for, else what is wrong with it."""
    from rich.table import Table

    from orchestration.cli.tables import wide_console

    known = [cut for cut in cuts if cut["state"] == "fresh"]
    unknown = len({cut["segments"] for cut in cuts} - {cut["segments"] for cut in known})
    shown = [cut for cut in known if whole or not cut["usable"]]
    if shown:
        names = list(dict.fromkeys(n for cut in shown for n in cut if n not in ("state", "usable", "segments")))
        table = Table(*names, "", title="segments by phase", title_justify="left")
        for cut in shown:
            mark = "" if cut["usable"] else "skipped:zero_segments"
            table.add_row(*(str(cut.get(name, "")) for name in names), mark)
        wide_console().print(table)
    if unknown:
        print(f"{unknown} segmentations are not cut yet; --segments cuts them and shows what they leave to train on")


def _counted(rows: list[dict]) -> Counter:
    return Counter((row["layer"], row["state"], row["reason"]) for row in rows)
