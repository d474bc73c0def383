"""What every command shares: finding the sweep that was asked for, and ending with one clear line.

The layers below are imported where they are used: reading the help of a command needs none of them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from assets.catalogue import Catalogue
    from assets.search.search import Search
    from assets.sweeps.older_format import Additions
    from assets.sweeps.sweep import Sweep

WRONG_REQUEST = 2

Name = Annotated[str, typer.Argument(help="A sweep file at any path, or <study>/<sweep>; empty: the default sweep.")]
NameOrAll = Annotated[str, typer.Argument(help="<study>/<sweep> or a sweep file; empty: all sweeps.")]
Metric = Annotated[str, typer.Option("--metric", help="Rank and draw by this metric instead of the headline.")]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", help='Only rows such as "depth=2", "depth>=2" or "output_layer=a|b"; repeat it.'),
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="These models of any sweeps instead of a sweep: keys or hashes; repeat it."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

Dataset = Annotated[str, typer.Option("--dataset", help="Older files: the training dataset, where none is named.")]
Dated = Annotated[
    str, typer.Option("--dated", help="Older files: the day of use, YYYY-MM-DD; it decides what `mlp_4D` means.")
]


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
    except typer.Exit:
        raise
    except Exception as error:
        from assets.engine.budget import TooLargeError
        from assets.home.launches import Busy
        from assets.store.store import Damaged, Missing
        from assets.sweeps.yaml_loader import SweepError
        from orchestration.choice import UnknownSweep

        if isinstance(error, SweepError):
            refuse(*error.problems)
        if isinstance(error, OSError | Damaged | Missing | UnknownSweep | Busy | TooLargeError):
            refuse(*str(error).splitlines())
        raise


def any_file(name: str) -> Sweep | Search:
    """Return the sweep or search of a file at any path, of a name, or the default sweep for an empty name.

    Of a file under sweeps/ only those of its study are read: they decide its keys.
    """
    from assets.catalogue import read_catalogue
    from assets.search.search_file import load
    from assets.store.store import project_root

    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        own = path.resolve().parent.parent == (project_root() / "sweeps").resolve()
        found = _file_at(path, read_catalogue(study=path.resolve().parent.name)) if own else None
        return found or load(path)
    study, _, stem = name.partition("/")
    if stem and study.isidentifier():
        catalogue = read_catalogue(study=study)
        if file := catalogue.sweeps.get(name) or catalogue.searches.get(name):
            return file
    return known_file(name)[0]


def completed_sweep(name: str, additions: Additions) -> Sweep:
    """Return the sweep of an older file at any path, completed by what the command line adds."""
    from assets.sweeps.sweep_file import load_sweep

    if not name.endswith((".yaml", ".yml")):
        refuse(f"given {name!r} with --dataset or --dated; expected the path of a file of the older format")
    return load_sweep(Path(name), additions=additions)


def any_sweep(name: str) -> Sweep:
    """Return the sweep of a file at any path, of a name, or the default one, with the rows requested so far."""
    from assets.statistics.adaptive_seeds import sweep_so_far
    from assets.store.store import Store

    return sweep_so_far(_sweep(any_file(name)), Store())


def known_sweep(name: str) -> tuple[Sweep, Catalogue]:
    """Return a sweep under sweeps/ and the catalogue that holds it; see `known_file`."""
    file, catalogue = known_file(name)
    return _sweep(file), catalogue


def known_search(name: str) -> Search:
    """Return a search under sweeps/; see `known_file`."""
    from assets.sweeps.sweep import Sweep

    file, _ = known_file(name)
    if isinstance(file, Sweep):
        refuse(f"{file.name} is a sweep already; expected a search")
    return file


def known_file(name: str) -> tuple[Sweep | Search, Catalogue]:
    """Return a sweep or search under sweeps/ and the catalogue that holds it.

    Raises:
        UnknownSweep: there is none of that name, or the file lies elsewhere, where it has no partitions.
    """
    from assets.catalogue import read_catalogue
    from assets.search.search_file import load
    from orchestration.choice import UnknownSweep, choose_file

    catalogue = read_catalogue()
    if not name.endswith((".yaml", ".yml")):
        return choose_file(catalogue, name), catalogue
    if file := _file_at(Path(name), catalogue):
        return file, catalogue
    load(Path(name))  # a file that cannot be read is refused with what is wrong in it
    raise UnknownSweep(
        f"{name} is not under sweeps/; partitions are made from the files there: copy it to sweeps/<study>/"
    )


def _sweep(file: Sweep | Search) -> Sweep:
    from assets.search.search import Search
    from orchestration.choice import not_a_sweep

    if isinstance(file, Search):
        refuse(not_a_sweep(file))
    return file


def _file_at(path: Path, catalogue: Catalogue) -> Sweep | Search | None:
    """Return what the catalogue holds of a file, so that its keys are those of the partitions."""
    files: list[Sweep | Search] = [*catalogue.sweeps.values(), *catalogue.searches.values()]
    return next((file for file in files if file.path.resolve() == path.resolve()), None)


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
