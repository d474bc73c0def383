"""The subject that a command line names."""

from __future__ import annotations

from assets.catalogue import Catalogue, read_catalogue
from assets.search.search import Search
from assets.sweeps.selection.models import chosen_models
from assets.sweeps.sweep import Sweep
from orchestration.cli.request import any_file, known_file, refuse
from orchestration.cli.subjects.search_subject import SearchSubject
from orchestration.cli.subjects.subject import Subject
from orchestration.cli.subjects.sweep_subject import SweepSubject


def subject_of(file: Sweep | Search) -> Subject:
    """Return what commands do with a file under sweeps/."""
    return SearchSubject(file) if isinstance(file, Search) else SweepSubject(file)


def any_subject(name: str) -> Subject:
    """Return the subject of a file at any path, of a name, or of the default sweep for an empty name."""
    return subject_of(any_file(name))


def looked_at(name: str, models: list[str] | None) -> Subject:
    """Return the subject of a name, or a sweep of chosen models where any are named.

    Ends with 2 where both are given, or where the models make no sweep.
    """
    if not models:
        return any_subject(name)
    if name:
        refuse(f"given the sweep {name} and --model; expected one of the two: models are found in all sweeps")
    try:
        return SweepSubject(chosen_models(models, read_catalogue().sweeps.values()))
    except ValueError as error:
        refuse(str(error))


def known_subject(name: str) -> tuple[Subject, Catalogue]:
    """Return a subject under sweeps/ and the catalogue that holds it; see `known_file`."""
    file, catalogue = known_file(name)
    return subject_of(file), catalogue


def every_subject(catalogue: Catalogue) -> list[Subject]:
    """Return every sweep, then every search."""
    files: list[Sweep | Search] = [*catalogue.sweeps.values(), *catalogue.searches.values()]
    return [subject_of(file) for file in files]
