"""The page of a comparison: one HTML file that opens offline, its tables and its figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assets.report import sweep_figures
from assets.report.comparison.comparison import Comparison
from assets.report.comparison.models import ComparedModel, test_names
from assets.report.comparison.tables import tables_of_comparison
from assets.report.model_tables import tables_of
from assets.report.pictures import Picture, compared_pictures, picture_of
from assets.report.render import render
from assets.statistics.experiment import PER_TRAJECTORY


def page(comparison: Comparison, linked: bool = False) -> str:
    """Return the page; `linked`: with links to other pages of the desk that serves it."""
    pictures = list(comparison_pictures(comparison.models))
    tables = tables_of_comparison(comparison)
    return render("compare.html", {"comparison": comparison, "pictures": pictures, "linked": linked, **tables})


def comparison_pictures(models: Sequence[ComparedModel]) -> Iterator[Picture]:
    """Draw the losses of all models, and the study's figures of several models on the largest test set they share."""
    label = "; ".join(f"{model.letter} {model.key}, code {model.manifest['parts']['code'][:8]}" for model in models)
    histories = {model.letter: [history] for model in models if (history := model.history()) is not None}
    if histories:
        yield picture_of(sweep_figures.losses, {"histories": histories}, label)
    names = test_names(models)
    shared = [test for test in names if all(model.holds(test) for model in models)]
    if not shared:
        return

    def size(test: str) -> int:
        """Return the number of trajectories of a test set, 1 where the study has no table per trajectory."""
        table = models[0].table(test, PER_TRAJECTORY)
        return 1 if table is None else len(table)

    study, test = models[0].study, max(shared, key=size)
    tables = {model.letter: tables_of(study.name, model.evaluations[test]["hash"], model.store) for model in models}
    yield from compared_pictures(study, tables, f"{label}; test set {names[test]} ({test})")
