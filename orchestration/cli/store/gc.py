"""`orrery gc`: list, and on request delete, what the home does not need any more."""

from typing import Annotated

import typer

from orchestration.cli.look.status import size
from orchestration.cli.request import Json, clear_errors, print_json


def gc(
    delete: Annotated[bool, typer.Option("--delete", help="Delete it; without this nothing is touched.")] = False,
    older: Annotated[float, typer.Option(min=0, help="Only what has not changed for so many hours.")] = 1.0,
    unused: Annotated[bool, typer.Option("--unused", help="Also what is stored and no sweep file asks for.")] = False,
    json: Json = False,
) -> None:
    """List what dead processes left and what is stored otherwise, with owner, age and size; `--delete` removes it."""
    from assets.garbage_collection import garbage
    from assets.store.store import Store

    with clear_errors():
        leftovers = garbage(Store(), older * 3600, _needed_addresses() if unused else None)
        for one in leftovers if delete else ():
            one.remove()
    total = sum(one.bytes for one in leftovers)
    if json:
        rows = [
            {"kind": g.kind, "path": str(g.path), "owner": g.owner, "age_hours": g.age / 3600, "bytes": g.bytes}
            for g in leftovers
        ]
        print_json({"deleted": delete, "bytes": total, "found": rows})
        return
    for one in leftovers:
        print(f"{one.kind:18}  {size(one.bytes):>9}  {one.age / 3600:7.1f} h  {one.owner:24}  {one.path}")
    done = "deleted" if delete else "can go"
    hint = "" if delete or not leftovers else "; `orrery gc --delete` deletes it"
    print(f"orrery: {len(leftovers)} things, {size(total)}, {done}{hint}")


def _needed_addresses() -> set[tuple[str, str, str]]:
    """Return what sweeps and searches need; a file that cannot be read might ask for anything, so it ends this."""
    from assets.catalogue import read_catalogue
    from assets.garbage_collection import needed_by
    from assets.search.progress import SearchProgress
    from assets.store.store import Store
    from assets.sweeps.yaml_loader import SweepError

    catalogue = read_catalogue()
    for error in catalogue.errors.values():
        raise SweepError(error.problems)
    trials = [SearchProgress.of(search, Store()).sweep() for search in catalogue.searches.values()]
    return needed_by([*catalogue.sweeps.values(), *trials])
