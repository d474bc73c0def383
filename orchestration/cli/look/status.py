"""`orrery status`: the state of every sweep, what runs now and whether its launcher lives, and the disk."""

from datetime import UTC, datetime
from typing import Any

from orchestration.cli.request import Json, NameOrAll, clear_errors, print_json


def status(sweep: NameOrAll = "", json: Json = False) -> None:
    """Show how many rows ended how, what runs now, and how much disk is used and free."""
    from assets.catalogue import read_catalogue
    from assets.home.disk_space import usage
    from assets.launch import launching
    from orchestration.cli.subjects.choice import any_subject, every_subject

    with clear_errors(), launching():
        subjects = [any_subject(sweep)] if sweep else every_subject(read_catalogue())
        entries = [(subject, subject.status()) for subject in subjects]
        data = {
            **{plural: [entry for one, entry in entries if one.plural == plural] for plural in ("sweeps", "searches")},
            "launches": _launches(),
            "running": _running(),
            "disk": usage(),
        }
    if json:
        print_json(data)
    else:
        _print(data, [(*subject.status_cells(entry), entry) for subject, entry in entries])


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


def _print(data: dict[str, Any], entries: list[tuple[str, str, dict[str, Any]]]) -> None:
    from rich.table import Table

    from orchestration.cli.tables import wide_console

    console, table = wide_console(), Table("sweep", "rows", "states", "disk")
    for name, count, entry in entries:
        table.add_row(name, count, _counts_text(entry["states"]), size(entry["bytes"]))
    console.print(table)
    lines = [*map(_launch_line, data["launches"]), *map(_running_line, data["running"])]
    for line in lines or ["nothing runs now"]:
        console.print(line, markup=False, soft_wrap=True)
    console.print(_disk_line(data["disk"]), markup=False, soft_wrap=True)


def _counts_text(states: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(states.items()))


def _launch_line(one: dict[str, Any]) -> str:
    who = f"process {one['pid']} on {one['host']}"
    if not one["alive"]:
        return f"{one['sweep']}: its launcher ({who}) is dead; `orrery run {one['sweep']}` resumes from its checkpoints"
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
