"""The report of a sweep: one HTML page that opens offline and on a phone, and the same as Markdown with pictures.

Every number comes from the tables of the store and of the leaderboard; nothing else is computed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from assets.identity.canonical import short_digest
from assets.identity.text import value_text
from assets.report.imported.runs import imported_runs
from assets.report.imported.tables import imported_tables
from assets.report.pictures import Picture
from assets.report.render import ROOMS, page_code, render
from assets.report.sweep_pictures import (
    across_tests,
    best_and_worst,
    largest_test,
    row_pictures,
    setting_pictures,
    sweep_pictures,
)
from assets.report.tables import effects as effect_tables
from assets.report.tables import ranking, rows
from assets.report.tables.published import published_tables
from assets.statistics.answers import answers
from assets.statistics.best_against_rest import answer, best_against_rest, median_row
from assets.statistics.effects import axis_values, effects, interactions
from assets.statistics.experiment import Experiment
from assets.statistics.leaderboard import how_ranked, page_manifest, rank
from assets.statistics.published_agreement import agreement, readings
from assets.store.store import Missing
from assets.sweeps.published import lines

PLACE_FOR_LINKS = "<!-- links -->"
"""Where the desk inserts links; a page that is opened from a file has none, as they would lead nowhere."""


@dataclass(frozen=True)
class Report:
    """A written report."""

    path: Path
    """The HTML page."""
    markdown: Path
    version: str
    answer: str
    neighbours: tuple[Mapping[str, Any], ...]
    """Settings that are neighbours in rank, as fields of `assets.report.tables.ranking.Neighbours`."""


def write(experiment: Experiment) -> Report:
    """Store the report of a sweep, unless the stored one is up to date."""
    address, version = _address(experiment), _version(experiment)
    manifest = experiment.store.manifest(*address)
    if manifest is None or manifest["fingerprint"] != version:
        _write(experiment, version)
        manifest = experiment.store.manifest(*address)
    if manifest is None:
        raise Missing(f"the report of {experiment.sweep.name} was removed while it was written; run it again")
    folder = experiment.store.path(*address)
    stored = manifest["answer"], tuple(manifest["neighbours"])
    return Report(folder / "report.html", folder / "report.md", version, *stored)


def _write(experiment: Experiment, version: str) -> None:
    page = content(experiment)
    with experiment.store.writing(*_address(experiment)) as draft:
        draft.page("report.html", render("report.html", page))
        draft.page("report.md", render("report.md", page))
        draft.page("leaderboard.csv", page["board"].to_csv(index=False))
        draft.page("effects.csv", page["effects"].to_csv(index=False))
        draft.page("rows.csv", experiment.table.to_csv(index=False))
        if len(page["agreement"]):
            draft.page("published.csv", page["agreement"].to_csv(index=False))
        for name, picture in _by_file_name(page):
            if picture.png:
                draft.png(name, picture.png)
                draft.pdf(name, picture.pdf())
        draft.manifest |= page_manifest(experiment.sweep.name, version) | {
            "answer": page["answer"],
            "neighbours": [asdict(pair) for pair in page["neighbours"]],
        }


def content(experiment: Experiment) -> dict[str, Any]:
    """Gather everything on the page under the names that the templates use."""
    board, comparisons, values = rank(experiment), effects(experiment), axis_values(experiment)
    rest, published = best_against_rest(experiment, board), agreement(experiment)
    neighbours = list(ranking.neighbours(experiment, board))
    return {
        "sweep": experiment.sweep,
        "title": _title(experiment),
        "study": experiment.study,
        "board": board,
        "effects": comparisons,
        "answer": answer(experiment, board, rest),
        "caveats": sorted({caveat for text in board["caveats"] for caveat in text.split("; ") if caveat}),
        "how_ranked": how_ranked(experiment),
        "extent": _extent(experiment),
        "overall": ranking.overall_table(experiment, board),
        "leaderboards": [*ranking.leaderboards(experiment, board), *imported_tables(experiment.sweep)],
        "rest": ranking.rest_table(rest),
        "neighbours": neighbours,
        "neighbour_table": ranking.neighbour_table(neighbours),
        "axes": effect_tables.axis_table(values),
        "comparisons": effect_tables.effect_table(comparisons, experiment.metric),
        "interactions": effect_tables.interaction_table(interactions(experiment)),
        "convergence": rows.convergence_table(experiment),
        "segments": rows.segment_table(experiment),
        "failures": rows.failure_table(experiment),
        "settings": rows.setting_table(experiment),
        "rows": rows.every_row(experiment),
        "sweep_files": rows.sweep_files(experiment),
        "provenance": rows.provenance_table(experiment),
        "answers": list(effect_tables.answer_tables(answers(experiment))),
        "agreement": published,
        "published": list(published_tables(experiment.sweep, published, readings(experiment))),
        "pictures": [*sweep_pictures(experiment, board, values), *setting_pictures(experiment, board)],
        "examples": list(_examples(experiment, board)),
    }


def _title(experiment: Experiment) -> str:
    """Return the description of the sweep, with the part of it and the metric where they are chosen."""
    sweep, headline = experiment.sweep, experiment.study.headline[0]
    parts = [f"only {sweep.part}"] if sweep.part else []
    parts += [f"by {experiment.metric}"] if experiment.metric != headline else []
    return f"{sweep.description or sweep.name}{' (' + ', '.join(parts) + ')' if parts else ''}"


def _examples(experiment: Experiment, board: Any) -> Iterator[dict[str, Any]]:
    """Yield the best and the worst setting with the pictures of its median seed."""
    for name, setting in best_and_worst(experiment, board):
        row = median_row(experiment, setting)
        test = largest_test(experiment, [row])
        pictures = [*row_pictures(experiment, row, test), *across_tests(experiment, row)]
        yield {"name": name, "setting": setting.text, "key": row.configuration.key, "test": test, "pictures": pictures}


def _extent(experiment: Experiment) -> str:
    """Return in a sentence how much of the grid of the axes the sweep covers, and how many rows are not ok."""
    values: dict[str, set[str]] = {}
    for setting in experiment.settings:
        for axis, value in setting.axes.items():
            values.setdefault(axis, set()).add(value_text(value))
    cells = 1
    for distinct in values.values():
        cells *= len(distinct)
    count, settings = len(experiment.sweep.rows), len(experiment.settings)
    failed = sum(experiment.status(row) != "ok" for row in experiment.sweep.rows)
    excluded = f", {cells - settings} left out by the sweep file" if cells > settings else ""
    return f"{settings} of {cells} combinations of the axes{excluded}; {failed} of {count} rows are not ok."


def _by_file_name(page: Mapping[str, Any]) -> Iterator[tuple[str, Picture]]:
    for number, picture in enumerate(page["pictures"]):
        yield f"sweep_{number}_{picture.name}", picture
    for example in page["examples"]:
        for picture in example["pictures"]:
            yield f"{example['name']}_{picture.name}", picture


def _address(experiment: Experiment) -> tuple[str, str, str]:
    """Return the address of a report: the whole sweep by its first headline metric has that of its name alone."""
    sweep = experiment.sweep
    metric = "" if experiment.metric == experiment.study.headline[0] else experiment.metric
    view = [sweep.part, metric] if sweep.part or metric else []
    return sweep.study, "report", short_digest("report", sweep.name, *view)


def _version(experiment: Experiment) -> str:
    """Return the digest of everything that a report is made of: the sweep, its present rows, the code of the page."""
    sweep, package = experiment.sweep, experiment.study.package
    figures = f"{package}.figures" if find_spec(package) and find_spec(f"{package}.figures") else ""
    questions = [question.model_dump(mode="json") for question in sweep.questions]
    published = [asdict(line) for line in lines(sweep.published)] if sweep.published else []
    seeds = sweep.seeds.model_dump() if sweep.seeds else None
    imported, view = repr(imported_runs(sweep)), [sweep.part, experiment.metric]
    table = experiment.table.to_csv(index=False)
    code = page_code(*ROOMS, figures=figures)
    return short_digest(sweep.name, sweep.description, view, table, questions, published, seeds, imported, code)
