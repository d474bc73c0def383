"""The report of a sweep: one HTML page that opens offline and on a phone, and the same as Markdown with pictures.

Every number comes from the tables of the store; nothing is computed that a table of the leaderboard does not hold.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.identity.canonical import short_digest
from assets.identity.provenance import room_sources
from assets.identity.text import markdown_text
from assets.report import tables as tables
from assets.report.neighbours import neighbours
from assets.report.pictures import Picture
from assets.report.published_tables import answer_tables, published_tables
from assets.report.sweep_pictures import (
    chosen_settings,
    largest_test,
    median_row,
    row_pictures,
    setting_pictures,
    sweep_pictures,
)
from assets.statistics.answers import answers
from assets.statistics.best_against_rest import answer, rivals
from assets.statistics.effects import axis_values, effects
from assets.statistics.experiment import Experiment
from assets.statistics.interactions import interactions
from assets.statistics.leaderboard import how_ranked, page_manifest, rank
from assets.statistics.published_agreement import agreement, readings
from assets.store.store import Missing
from assets.sweeps.published import lines
from assets.sweeps.sweep import Sweep

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"

ROOMS = ("report", "statistics", "identity", "sweeps", "stages", "store")
"""Rooms that a report comes from: when a file in one changes, reports are written again."""

PLACE_FOR_LINKS = "<!-- links -->"
"""Where a page that is served may put links; on a page that stands alone they would lead nowhere."""


@dataclass(frozen=True)
class Report:
    """A written report."""

    path: Path
    """The HTML page."""
    markdown: Path
    version: str
    answer: str
    neighbours: tuple[Mapping[str, Any], ...]
    """Settings that are neighbours in rank, as fields of `assets.report.neighbours.Neighbours`."""


def write(experiment: Experiment) -> Report:
    """Store the report of a sweep, as it is if it says what would be written anyway."""
    address, version = _address(experiment.sweep), _version(experiment)
    manifest = experiment.store.manifest(*address)
    if manifest is None or manifest["fingerprint"] != version:
        _write(experiment, version)
        manifest = experiment.store.manifest(*address)
    if manifest is None:
        raise Missing(f"the report of {experiment.sweep.name} was removed while it was written; run it again")
    folder = experiment.store.path(*address)
    told = manifest["answer"], tuple(manifest["neighbours"])
    return Report(folder / "report.html", folder / "report.md", version, *told)


def _write(experiment: Experiment, version: str) -> None:
    told = content(experiment)
    with experiment.store.writing(*_address(experiment.sweep)) as draft:
        draft.page("report.html", render("report.html", told))
        draft.page("report.md", render("report.md", told))
        draft.page("leaderboard.csv", told["board"].to_csv(index=False))
        draft.page("effects.csv", told["effects"].to_csv(index=False))
        draft.page("rows.csv", experiment.table.to_csv(index=False))
        if len(told["agreement"]):
            draft.page("published.csv", told["agreement"].to_csv(index=False))
        for place, picture in _named(told):
            if picture.png:
                draft.png(place, picture.png)
                draft.pdf(place, picture.pdf())
        draft.manifest |= page_manifest(experiment.sweep.name, version) | {
            "answer": told["answer"],
            "neighbours": [asdict(pair) for pair in told["neighbours"]],
        }


def content(experiment: Experiment) -> dict[str, Any]:
    """Gather what a report shows, by the names that the templates use."""
    board, table, values = rank(experiment), effects(experiment), axis_values(experiment)
    against = rivals(experiment, board)
    beside, next_to = agreement(experiment), list(neighbours(experiment, board))
    doubts = sorted({mark for marks in board["marks"] for mark in marks.split("; ") if mark})
    return {
        "sweep": experiment.sweep,
        "study": experiment.study,
        "board": board,
        "effects": table,
        "answer": answer(experiment, board, against),
        "doubts": doubts,
        "how_ranked": how_ranked(experiment.sweep, experiment.study),
        "missing": _missing(experiment),
        "ranking": tables.ranking(experiment, board),
        "leaderboards": list(tables.leaderboards(experiment, board)),
        "rivals": tables.rival_table(against),
        "neighbours": next_to,
        "beside": tables.neighbour_table(next_to),
        "axes": tables.axis_table(values),
        "comparisons": tables.effect_table(table, experiment.metric),
        "interactions": tables.interaction_table(interactions(experiment)),
        "convergence": tables.convergence_table(experiment),
        "failures": tables.failures(experiment),
        "settings": tables.settings(experiment),
        "rows": tables.every_row(experiment),
        "recipes": tables.recipes(experiment),
        "provenance": tables.provenance(experiment),
        "answers": list(answer_tables(answers(experiment))),
        "agreement": beside,
        "published": list(published_tables(experiment.sweep, beside, readings(experiment))),
        "pictures": [*sweep_pictures(experiment, board, values), *setting_pictures(experiment, board)],
        "chosen": list(_chosen(experiment, board)),
    }


def _chosen(experiment: Experiment, board: Any) -> Iterator[dict[str, Any]]:
    """Yield the best and the worst setting with the pictures of its median seed."""
    for name, setting in chosen_settings(experiment, board):
        row = median_row(experiment, setting)
        test = largest_test(experiment, [row])
        pictures = row_pictures(experiment, row, test)
        yield {"name": name, "setting": setting.text, "key": row.configuration.key, "test": test, "pictures": pictures}


def _missing(experiment: Experiment) -> str:
    """Say how much of the grid of the axes there is, and how many rows are not ok."""
    values: dict[str, set[str]] = {}
    for setting in experiment.settings:
        for axis, value in setting.axes.items():
            values.setdefault(axis, set()).add(tables.shown(value))
    cells = 1
    for found in values.values():
        cells *= len(found)
    rows, there = len(experiment.sweep.rows), len(experiment.settings)
    bad = sum(experiment.status(row) != "ok" for row in experiment.sweep.rows)
    left_out = f", {cells - there} left out by the sweep file" if cells > there else ""
    return f"{there} of {cells} combinations of the axes{left_out}; {bad} of {rows} rows are not ok."


def _named(told: Mapping[str, Any]) -> Iterator[tuple[str, Picture]]:
    """Yield every picture with the name of its file."""
    for number, picture in enumerate(told["pictures"]):
        yield f"sweep_{number}_{picture.name}", picture
    for chosen in told["chosen"]:
        for picture in chosen["pictures"]:
            yield f"{chosen['name']}_{picture.name}", picture


def _address(sweep: Sweep) -> tuple[str, str, str]:
    return sweep.study, "report", short_digest("report", sweep.name)


def _version(experiment: Experiment) -> str:
    """Return the digest of all that a report is made of: the sweep, its rows as they stand, the code of the page."""
    sweep, code = experiment.sweep, _code(experiment.study.package)
    questions = [question.model_dump(mode="json") for question in sweep.questions]
    beside = [asdict(line) for line in lines(sweep.published)] if sweep.published else []
    seeds = sweep.seeds.model_dump() if sweep.seeds else None
    table = experiment.table.to_csv(index=False)
    return short_digest(sweep.name, sweep.description, table, questions, beside, seeds, code)


@cache
def _code(package: str) -> str:
    """Return the digest of the sources of figures and page."""
    spec = find_spec(f"{package}.figures") if find_spec(package) else None
    figures = Path(spec.origin or "") if spec else None
    if figures is None:
        files = []
    else:
        files = sorted(figures.parent.glob("*.py")) if figures.name == "__init__.py" else [figures]
    files += [*room_sources(*ROOMS), *sorted(TEMPLATES.iterdir())]
    return sha256(b"".join(path.read_bytes() for path in files if path.is_file())).hexdigest()


def render(template: str, told: Mapping[str, Any]) -> str:
    """Fill a template; in HTML everything that is filled in is escaped."""
    return _environment().get_template(template).render(**told)


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html",), default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode()
    environment.filters["plain"] = markdown_text
    return environment
