"""What every command shares: finding the sweep that was asked for, and ending with one clear line."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from assets.catalogue import Catalogue, read_catalogue
from assets.engine.budget import TooLargeError
from assets.home.launches import Busy
from assets.search.search import Search
from assets.search.search_file import load
from assets.statistics.adaptive_seeds import sweep_so_far
from assets.store.store import Damaged, Missing, Store
from assets.sweeps.sweep import Sweep
from assets.sweeps.yaml_loader import SweepError
from orchestration.choice import UnknownSweep, choose_file, not_a_sweep

WRONG_REQUEST = 2

Name = Annotated[str, typer.Argument(help="A sweep file at any path, or <study>/<sweep>; empty: the default sweep.")]
NameOrAll = Annotated[str, typer.Argument(help="<study>/<sweep> or a sweep file; empty: all sweeps.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def refuse(*lines: str) -> NoReturn:
    """Say what is wrong on standard error, and exit with 2."""
    for line in lines:
        print(f"orrery: {line}", file=sys.stderr)
    raise typer.Exit(WRONG_REQUEST)


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn the errors that a user can cause into clear lines and exit code 2."""
    try:
        yield
    except SweepError as error:
        refuse(*error.problems)
    except (OSError, Damaged, Missing, UnknownSweep, Busy, TooLargeError) as error:
        refuse(*str(error).splitlines())


def any_file(name: str) -> Sweep | Search:
    """Return the sweep or search of a file at any path, of a name, or the default sweep for an empty name.

    Of a sweep with `seeds` these are the rows that are asked for as things stand.
    """
    chosen = load(Path(name)) if name.endswith((".yaml", ".yml")) else known_file(name)[0]
    return chosen if isinstance(chosen, Search) else sweep_so_far(chosen, Store())


def any_sweep(name: str) -> Sweep:
    """Return the sweep of a file at any path, of a name, or the default one for an empty name."""
    return _sweep(any_file(name))


def known_sweep(name: str) -> tuple[Sweep, Catalogue]:
    """Return a sweep under sweeps/ and the catalogue that holds it; see `known_file`."""
    chosen, catalogue = known_file(name)
    return _sweep(chosen), catalogue


def _sweep(chosen: Sweep | Search) -> Sweep:
    if isinstance(chosen, Search):
        refuse(not_a_sweep(chosen))
    return chosen


def known_file(name: str) -> tuple[Sweep | Search, Catalogue]:
    """Return a sweep or search under sweeps/ and the catalogue that holds it.

    Raises:
        UnknownSweep: there is none of that name, or the file lies elsewhere, where it has no partitions.
    """
    catalogue = read_catalogue()
    if not name.endswith((".yaml", ".yml")):
        return choose_file(catalogue, name), catalogue
    path = Path(name).resolve()
    files: list[Sweep | Search] = [*catalogue.sweeps.values(), *catalogue.searches.values()]
    for one in files:
        if one.path.resolve() == path:
            return one, catalogue
    load(path)
    raise UnknownSweep(
        f"{name} is not under sweeps/; partitions are made from the files there: copy it to sweeps/<study>/"
    )


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, indent=2, default=str))


def writable(output: Path) -> Path:
    """Return a path for a file that the user wants, and exit with 2 where nothing new can be written there."""
    if output.exists():
        refuse(f"{output} exists; give the path of a new file, or remove it first")
    if not output.parent.is_dir():
        refuse(f"{output.parent} is no folder; make it first, or give another path")
    return output
