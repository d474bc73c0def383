"""From an address of the desk to a sweep, and from a model to the sweeps that hold it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from assets.identity.labels import names
from assets.sweeps.sweep import Row, Sweep
from orchestration.desk.render import render


def sweep_of(request: Request) -> Sweep:
    """Return the sweep that the address names.

    Raises:
        LookupError: there is none; lists the sweeps.
    """
    return sweep_named(request, f"{request.path_params['study']}/{request.path_params['sweep']}")


def sweep_named(request: Request, name: str) -> Sweep:
    """Return the sweep of a name `<study>/<sweep>`.

    Raises:
        LookupError: there is none; lists the sweeps.
    """
    sweeps = request.app.state.watch.catalogue().sweeps
    if name not in sweeps:
        raise LookupError(f"no sweep {name!r} under sweeps/; there are: {', '.join(sorted(sweeps)) or 'none'}")
    return sweeps[name]


def rows_of_model(request: Request, model: str) -> list[tuple[Sweep, Row]]:
    """Return the sweeps that hold a model `<study>/<key or hash>`, each with its row.

    Raises:
        LookupError: no sweep holds it.
    """
    study, _, key = model.partition("/")
    sweeps = request.app.state.watch.catalogue().sweeps.values()
    pairs = [
        (sweep, row)
        for sweep in sweeps
        if sweep.study == study
        for row in sweep.rows
        if names(key, row.configuration.item.hash, row.configuration.key)
    ]
    if not pairs:
        raise LookupError(f"no sweep under sweeps/ holds the model {model!r}; expected <study>/<key or hash>")
    return pairs


def go_to_sweep(request: Request) -> Response:
    """Answer `/report?model=` and `/failures?model=`: go to the sweep that holds the model, or offer a choice."""
    page = request.url.path.strip("/")
    model = request.query_params.get("model", "")
    sweeps = [sweep for sweep, _ in rows_of_model(request, model)]
    if len(sweeps) == 1:
        return RedirectResponse(f"/{page}/{sweeps[0].name}", 307)
    choices = [(f"/{page}/{sweep.name}", sweep.name, sweep.description) for sweep in sweeps]
    title, text = f"{page.capitalize()} of which sweep?", f"Several sweeps hold {model}."
    return render("choice.html", title=title, text=text, choices=choices)
