"""`orrery status`: where the sweeps stand, what runs now and whether its launcher lives, and the disk."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from assets.catalogue import Catalogue
from assets.search.search import Search
from assets.sweeps.sweep import Sweep
from orchestration.cli import searches
from orchestration.cli.request import Json, NameOrAll, any_file, clear_errors, print_json


def status(sweep: NameOrAll = "", json: Json = False) -> None:
    """Show how many rows ended how, what runs now, and how much disk is used and free."""
    from assets.catalogue import read_catalogue
    from assets.home.disk_space import usage

    with clear_errors():
        chosen = [any_file(sweep)] if sweep else _all(read_catalogue())
        found = {
            "sweeps": [_sweep(one) for one in chosen if isinstance(one, Sweep)],
            "searches": [searches.status(one) for one in chosen if isinstance(one, Search)],
            "launches": _launches(),
            "running": _running(),
            "disk": usage(),
        }
    if json:
        print_json(found)
    else:
        _print(found)


def _all(catalogue: Catalogue) -> list[Sweep | Search]:
    return [*catalogue.sweeps.values(), *catalogue.searches.values()]


def _sweep(sweep) -> dict[str, Any]:
    from assets.home.disk_space import size_of_sweep
    from assets.stages.freshness import Planner
    from assets.statistics.adaptive_seeds import sweep_so_far
    from assets.statistics.failure_causes import row_status
    from assets.store.store import Store

    store = Store()
    planner, sweep = Planner(store), sweep_so_far(sweep, store)
    states = Counter(row_status(row, planner)[0] for row in sweep.rows)
    return {"sweep": sweep.name, "rows": len(sweep.rows), "states": dict(states), "bytes": size_of_sweep(sweep, store)}


def _launches() -> list[dict[str, Any]]:
    from assets.home.launches import launches

    return [
        {"sweep": one.sweep, "pid": one.pid, "host": one.host, "begun": one.begun, "log": one.log, "alive": one.alive}
        for one in launches()
    ]


def _running() -> list[dict[str, Any]]:
    """Return what runs, and what a kill ended and no launch has cleaned up yet."""
    from assets.home.running import attempts

    return [
        {"study": one.study, "layer": one.layer, "hash": one.hash, "pid": one.pid, "host": one.host}
        | {"alive": one.alive, "key": one.key, "begun": one.begun, **(one.progress or {})}
        | {"silent_seconds": _seconds_since(one.last)}
        for one in attempts()
        if not one.over
    ]


def _seconds_since(time: str) -> int | None:
    """Return the seconds since a time, which may be by the clock of another machine."""
    if not time:
        return None
    return max(0, round((datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds()))


def _print(found: dict[str, Any]) -> None:
    from rich.table import Table

    from orchestration.cli.tables import wide_console

    console = wide_console()
    table = Table("sweep", "rows", "states", "disk")
    for one in found["sweeps"]:
        table.add_row(one["sweep"], str(one["rows"]), _counted(one["states"]), size(one["bytes"]))
    for one in found["searches"]:
        trials = f"{one['trials']} of {one['wanted']} trials"
        table.add_row(one["search"], trials, _counted(one["states"]), size(one["bytes"]))
    console.print(table)
    lines = [*map(_launch_line, found["launches"]), *map(_running_line, found["running"])]
    for line in lines or ["nothing runs now"]:
        console.print(line, markup=False, soft_wrap=True)
    console.print(_disk_line(found["disk"]), markup=False, soft_wrap=True)


def _counted(states: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(states.items()))


def _launch_line(one: dict[str, Any]) -> str:
    who = f"process {one['pid']} on {one['host']}"
    if not one["alive"]:
        return f"{one['sweep']}: its launcher ({who}) is dead; `orrery run {one['sweep']}` goes on from its checkpoints"
    log = f", output in {one['log']}" if one["log"] else ""
    return f"{one['sweep']}: run by {who} since {one['begun'][:19]} UTC{log}"


def _running_line(one: dict[str, Any]) -> str:
    name = f"  {one['layer']} {one['key'] or one['hash']}"
    if not one["alive"]:
        return f"{name}: its worker (process {one['pid']}) is dead"
    if "step" not in one:
        return f"{name}: running in process {one['pid']}"
    losses = ", ".join(f"{loss} {value:.4g}" for loss, value in one.get("losses", {}).items() if value is not None)
    return f"{name}: step {one['step']} of {one['total_steps']}, {losses}, in process {one['pid']}"


def _disk_line(disk: dict[str, Any]) -> str:
    used = ", ".join(f"{name} {size(count)}" for name, count in disk["used"].items() if count >= 1e5)
    quota = "" if disk["quota"] is None else f", quota {size(disk['quota'])}"
    limits = f"(floor {size(disk['floor'])}{quota})"
    return f"{size(disk['free'])} free at {disk['home']} {limits}; used: {used or 'next to nothing'}"


def size(count: float) -> str:
    """Write a number of bytes for people.

    >>> size(1234567)
    '1.2 MB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
