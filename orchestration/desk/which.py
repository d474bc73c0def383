"""From an address of the desk to what it means: the sweep of a name, and the sweeps that hold a model."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from assets.identity.labels import names
from assets.sweeps.sweep import Row, Sweep
from orchestration.desk.page import render, template

CHOICE = template(
    "choice",
    """{% extends "shell" %}
{% block title %}{{ title }}{% endblock %}
{% block content %}<h1>{{ title }}</h1><p>{{ text }}</p>
<ul>{% for link, name, note in choices %}
<li><a href="{{ link }}">{{ name }}</a> <span class="soft">{{ note }}</span></li>
{% endfor %}</ul>{% endblock %}""",
)


def sweep_named(request: Request) -> Sweep:
    """Return the sweep that the address names.

    Raises:
        LookupError: there is none; with those there are.
    """
    return sweep_called(request, f"{request.path_params['study']}/{request.path_params['sweep']}")


def sweep_called(request: Request, name: str) -> Sweep:
    """Return the sweep of a name `<study>/<sweep>`.

    Raises:
        LookupError: there is none; with those there are.
    """
    sweeps = request.app.state.watch.catalogue().sweeps
    if name not in sweeps:
        raise LookupError(f"no sweep {name!r} under sweeps/; there are: {', '.join(sorted(sweeps)) or 'none'}")
    return sweeps[name]


def holding(request: Request, model: str) -> list[tuple[Sweep, Row]]:
    """Return the sweeps that hold a model `<study>/<key or hash>`, each with its row.

    Raises:
        LookupError: no sweep holds it.
    """
    study, _, key = model.partition("/")
    sweeps = request.app.state.watch.catalogue().sweeps.values()
    pairs = [(sweep, row) for sweep in sweeps if sweep.study == study for row in sweep.rows]
    found = [(sweep, row) for sweep, row in pairs if names(key, row.configuration.item.hash, row.configuration.key)]
    if not found:
        raise LookupError(f"no sweep under sweeps/ holds the model {model!r}; expected <study>/<key or hash>")
    return found


def go_to_sweep(request: Request) -> Response:
    """Answer `/report?model=` and `/failures?model=`: go to the sweep that holds the model, or let choose."""
    page = request.url.path.strip("/")
    model = request.query_params.get("model", "")
    sweeps = [sweep for sweep, _ in holding(request, model)]
    if len(sweeps) == 1:
        return RedirectResponse(f"/{page}/{sweeps[0].name}", 307)
    choices = [(f"/{page}/{sweep.name}", sweep.name, sweep.description) for sweep in sweeps]
    return render(CHOICE, title=f"{page.capitalize()}: which sweep?", text=f"{model} is in several.", choices=choices)
