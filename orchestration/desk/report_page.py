"""`/report/<sweep>` and `/compare?a=&b=`: pages that are made of stored tables, shown as they are."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from assets.store import Store
from orchestration.desk.page import render
from orchestration.desk.which import CHOICE, holding, sweep_named

ALONE = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
    "base-uri 'none'; form-action 'none'; sandbox allow-scripts allow-downloads allow-popups "
    "allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
)
"""A report brings everything with it. Its scripts run, but reach neither the desk nor anything else."""


def report_page(request: Request) -> Response:
    """Show the report of a sweep as its rows stand now."""
    from assets import report
    from assets.replicates import Experiment

    made = report.write(Experiment(sweep_named(request), Store()))
    return _alone(made.path.read_text(encoding="utf-8"))


def compare_page(request: Request) -> Response:
    """Compare two stored models; with one of them, offer the others of its sweeps.

    Raises:
        LookupError: none is given, or this version compares nothing yet.
    """
    a, b = (request.query_params.get(name, "") for name in ("a", "b"))
    if not a:
        raise LookupError("given no model; expected /compare?a=<study>/<key>&b=<study>/<key>")
    if not b:
        return render(CHOICE, title="Compare with which?", text=f"First: {a}", choices=_others(request, a))
    if find_spec("assets.compare") is None:
        raise LookupError("this version compares no models yet (assets.compare is not there)")
    return _alone(import_module("assets.compare").page(a, b, Store()))


def _alone(page: str) -> HTMLResponse:
    return HTMLResponse(page, headers={"Content-Security-Policy": ALONE, "Cache-Control": "no-store"})


def _others(request: Request, a: str) -> list[tuple[str, str, str]]:
    """Return address, key and axes of every other configuration in the sweeps of a model."""
    found = {}
    for sweep, own in holding(request, a):
        for row in sweep.rows:
            if row is not own:
                told = ", ".join(f"{axis.rsplit('.', 1)[-1]} {value}" for axis, value in row.axes.items())
                other = f"{sweep.study}/{row.configuration.item.hash}"
                found[other] = (f"/compare?a={a}&b={other}", row.configuration.key, told)
    return list(found.values())
