"""`/compare`: choose stored models, or see two or more of them side by side."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response

from assets.report.comparison.comparison import compare
from assets.report.comparison.page import page
from assets.statistics.experiment import row_text
from assets.store.store import Store
from assets.sweeps.sweep import Row, Sweep
from orchestration.desk.pages.report import standalone, up_to_date_report
from orchestration.desk.pages.sweeps import rows_of_model, sweep_named
from orchestration.desk.render import render

MOST_OFFERED = 500
"""Rows of a sweep that the form offers; any other model can be given by its key or hash."""


def compare_page(request: Request) -> Response:
    """Compare the model `a` with each model `b`; without them offer models to choose from."""
    query = request.query_params
    a, others = query.get("a", ""), [name for name in query.getlist("b") if name]
    sweeps = request.app.state.watch.catalogue().sweeps.values()
    if a and others:
        return standalone(page(compare([a, *others], Store(), sweeps), linked=True))
    if a:
        choices = {
            _name(row): (f"/compare?a={a}&b={_name(row)}", row.configuration.key, row_text(row))
            for sweep, own in rows_of_model(request, a)
            for row in sweep.rows
            if row is not own
        }
        title, text = "Compare with which model?", f"First: {a}"
        return render("choice.html", title=title, text=text, choices=list(choices.values()))
    if name := query.get("sweep", ""):
        sweep = sweep_named(request, name)
        offered = list(stored_models(sweep))[:MOST_OFFERED]
        neighbours = up_to_date_report(sweep).neighbours if offered else ()
        start = {"a": 0, "b": min(1, len(offered) - 1)}
        return render("compare_form.html", sweep=sweep.name, neighbours=neighbours, offered=offered, start=start)
    with_models = [(sweep.name, sweep.description) for sweep in sweeps if any(stored_models(sweep))]
    return render("compare_form.html", sweep="", sweeps=with_models)


def stored_models(sweep: Sweep) -> Iterator[tuple[str, str, str]]:
    """Yield name, axes and status (empty for ok) of every stored model of a sweep."""
    store = Store()
    for row in sweep.rows:
        if manifest := store.manifest(*row.configuration.item.address):
            status = "" if manifest["status"] == "ok" else f" ({manifest['status']})"
            yield _name(row), row_text(row) or row.configuration.key, status


def _name(row: Row) -> str:
    return f"{row.configuration.study}/{row.configuration.item.hash}"
