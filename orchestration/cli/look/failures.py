"""`orrery failures`: what failed in a sweep, grouped by cause, with the settings that the rows of a cause share."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from orchestration.cli.request import Json, Name, clear_errors, print_json

if TYPE_CHECKING:
    from assets.statistics.failure_causes import Cause


def failures(sweep: Name = "", json: Json = False) -> None:
    """Show the failed rows of a sweep grouped by cause, with counts and the settings that a group has in common."""
    from assets.statistics.failure_causes import causes
    from assets.store.store import Store
    from orchestration.cli.subjects.choice import any_subject

    with clear_errors():
        rows = any_subject(sweep).rows()
        groups = causes(rows, Store())
    if json:
        print_json({"sweep": rows.name, "causes": [_plain(cause) for cause in groups]})
        return
    if not groups:
        print(f"{rows.name}: no row failed; `orrery status {rows.name}` says what is missing")
    for cause in groups:
        _print(rows.study, cause)


def _plain(cause: "Cause") -> dict:
    plain = {"status": cause.status, "stage": cause.stage, "detail": cause.detail, "count": len(cause.failures)}
    rows = [{name: value for name, value in asdict(one).items() if name != "settings"} for one in cause.failures]
    return plain | {"common": dict(cause.common), "bounds": dict(cause.bounds), "rows": rows}


def _print(study: str, cause: "Cause", most: int = 5) -> None:
    from orchestration.cli.tables import wide_console

    first, count = cause.failures[0], len(cause.failures)
    lines = [f"{count} x {cause.status} in stage {cause.stage}: {cause.detail}"]
    equal = {path: value for path, value in cause.common.items() if count > 1 and path not in cause.bounds}
    common = [f"{path} = {value}" for path, value in equal.items()]
    common += [f"{path} is {bound}" for path, bound in cause.bounds.items()]
    if common or count > 1:
        lines.append(f"    in common: {'; '.join(common) or 'nothing but what the whole sweep has'}")
    for one in cause.failures[:most]:
        loss = f", last loss {one.last['last_loss']:.4g}" if "last_loss" in one.last else ""
        lines.append(f"    {one.key}: phase {one.phase}, step {one.step}{loss}")
        lines += [f"        {file}" for file in (one.traceback, one.journal) if file]
    if count > most:
        lines.append(f"    ... and {count - most} more; `--json` lists all")
    lines.append(f"    orrery replay {study}/{first.key}")
    wide_console().print("\n".join(lines), markup=False, soft_wrap=True, highlight=False)
