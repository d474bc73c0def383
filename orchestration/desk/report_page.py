"""`/report/<sweep>` and `/compare?a=&b=`: pages that are made of stored tables, shown as they are."""

from __future__ import annotations

from importlib import import_module
from typing import Any

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
    """Show the report of a sweep."""
    sweep = sweep_named(request)
    return _shown("assets.report", sweep)


def compare_page(request: Request) -> Response:
    """Compare two stored models; with one of them, offer the others of its sweeps."""
    a, b = (request.query_params.get(name, "") for name in ("a", "b"))
    if a and b:
        return _shown("assets.compare", a, b)
    if not a:
        raise LookupError("given no model; expected /compare?a=<study>/<key>&b=<study>/<key>")
    return render(CHOICE, title="Compare with which?", text=f"First: {a}", choices=_others(request, a))


def _shown(module: str, *subjects: Any) -> Response:
    """Answer with the page that a module of results makes.

    Raises:
        LookupError: this installation has no such module.
    """
    try:
        make = import_module(module).page
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise LookupError(f"this version makes no such page yet ({module} is not there)") from None
    return HTMLResponse(
        make(*subjects, Store()), headers={"Content-Security-Policy": ALONE, "Cache-Control": "no-store"}
    )


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
