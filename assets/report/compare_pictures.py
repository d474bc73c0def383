"""The figures of a comparison: losses over each other, and what the study draws of several models at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assets.report import sweep_figures
from assets.report.compared_models import Side, test_names
from assets.report.model_tables import tables_of
from assets.report.pictures import Picture, compared_pictures, drawn
from assets.statistics.experiment import PER_TRAJECTORY


def comparison_pictures(sides: Sequence[Side]) -> Iterator[Picture]:
    """Draw the losses of all sides, and on the largest test set that all of them share what the study draws."""
    label = "; ".join(f"{side.letter} {side.key}, code {side.manifest['parts']['code'][:8]}" for side in sides)
    histories = {side.letter: [history] for side in sides if (history := side.history()) is not None}
    if histories:
        yield drawn(sweep_figures.losses, {"histories": histories}, label)
    named = test_names(sides)
    shared = [test for test in named if all(side.holds(test) for side in sides)]
    if shared:
        study = sides[0].study
        test = max(shared, key=lambda one: _size(sides[0], one))
        tables = {s.letter: tables_of(study.name, s.evaluations[test]["hash"], s.store) for s in sides}
        yield from compared_pictures(study, tables, f"{label}; test set {named[test]} ({test})")


def _size(side: Side, test: str) -> int:
    """Return the number of trajectories of a test set, 1 where the study does not tell them apart."""
    table = side.table(test, PER_TRAJECTORY)
    return 1 if table is None else len(table)
