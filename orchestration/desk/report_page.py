"""`/report/<sweep>`: a page that is made of stored tables, as it is stored, with links of the desk on top."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from assets.report.sweep_report import PLACE_FOR_LINKS, Report, write
from assets.store.store import Store
from assets.sweeps.sweep import Sweep
from orchestration.desk.page import fragment
from orchestration.desk.which import sweep_named

ALONE = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
    "base-uri 'none'; form-action 'none'; sandbox allow-scripts allow-downloads allow-popups "
    "allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
)
"""A report brings everything with it. Its scripts run, but reach neither the desk nor anything else."""

PAIRS = 3
"""Neighbours in rank that the links on top name."""

LINKS = """<nav><a href="/">Orrery</a><a href="/failures/{{ sweep }}">failures</a>
<a href="/compare?sweep={{ sweep|urlencode }}">compare</a>
{% for pair in neighbours %}
<a href="/compare?a={{ pair.first|urlencode }}&amp;b={{ pair.other|urlencode }}"
title="{{ pair.settings[0] }} against {{ pair.settings[1] }}">ranks {{ pair.rank }} and {{ pair.rank + 1 }}</a>
{% endfor %}
</nav>"""


def report_page(request: Request) -> Response:
    """Show the report of a sweep as its rows stand now."""
    sweep = sweep_named(request)
    made = written(sweep)
    links = fragment(LINKS, sweep=sweep.name, neighbours=made.neighbours[:PAIRS])
    return alone(made.path.read_text(encoding="utf-8").replace(PLACE_FOR_LINKS, links, 1))


def written(sweep: Sweep) -> Report:
    """Return the report of a sweep as its rows stand now, written if they have changed."""
    from assets.statistics.experiment import Experiment

    return write(Experiment(sweep, Store()))


def alone(page: str) -> HTMLResponse:
    """Answer with a page that brings everything with it and may reach nothing."""
    return HTMLResponse(page, headers={"Content-Security-Policy": ALONE, "Cache-Control": "no-store"})
