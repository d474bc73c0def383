"""`/report/<sweep>`: the stored report of a sweep, brought up to date, with links to other pages of the desk."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from assets.report.sweep_report import PLACE_FOR_LINKS, Report, write
from assets.store.store import Store
from assets.sweeps.sweep import Sweep
from orchestration.desk.pages.sweeps import sweep_of
from orchestration.desk.render import fragment

STANDALONE = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
    "base-uri 'none'; form-action 'none'; sandbox allow-scripts allow-downloads allow-popups "
    "allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
)
"""Policy of a page that contains everything it needs. Its scripts run, but reach neither the desk nor anything else."""

MOST_PAIRS = 3
"""Neighbours in rank that the links name."""


def report_page(request: Request) -> Response:
    """Show the report of a sweep."""
    sweep = sweep_of(request)
    report = up_to_date_report(sweep)
    links = fragment("report_links.html", sweep=sweep.name, neighbours=report.neighbours[:MOST_PAIRS])
    return standalone(report.path.read_text(encoding="utf-8").replace(PLACE_FOR_LINKS, links, 1))


def up_to_date_report(sweep: Sweep) -> Report:
    """Return the report of the present rows of a sweep; it is written if they have changed."""
    from assets.statistics.experiment import Experiment

    return write(Experiment(sweep, Store()))


def standalone(page: str) -> HTMLResponse:
    """Answer with a page that contains everything it needs and may reach nothing."""
    return HTMLResponse(page, headers={"Content-Security-Policy": STANDALONE, "Cache-Control": "no-store"})
