"""`/figures`: choose stored models or a dataset, or see every figure of them on one page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from assets.report.gallery.page import gallery_of_datasets, gallery_of_models
from assets.store.store import Missing, Store
from orchestration.desk.pages.compare import MOST_OFFERED, stored_models
from orchestration.desk.pages.report import standalone
from orchestration.desk.pages.sweeps import sweep_named
from orchestration.desk.render import render


def figures_page(request: Request) -> Response:
    """Draw the models `model` on the test set `test`, or the datasets `dataset`; without them offer some.

    Only what is stored is drawn: nothing is simulated and no model is evaluated here.
    """
    query, store = request.query_params, Store()
    models, datasets = ([name for name in query.getlist(kind) if name.strip()] for kind in ("model", "dataset"))
    try:
        if models:
            gallery = gallery_of_models(_split(models), store, query.get("test", ""), on_training=False)
            return standalone(gallery.page(linked=True))
        if datasets:
            return standalone(gallery_of_datasets(_split(datasets), store, simulate=False).page(linked=True))
    except Missing as error:
        raise LookupError(str(error)) from error
    if name := query.get("sweep", ""):
        sweep = sweep_named(request, name)
        return render("figures_form.html", sweep=sweep.name, offered=list(stored_models(sweep))[:MOST_OFFERED])
    sweeps = request.app.state.watch.catalogue().sweeps.values()
    with_models = [(sweep.name, sweep.description) for sweep in sweeps if any(stored_models(sweep))]
    return render("figures_form.html", sweep="", sweeps=with_models)


def _split(names: list[str]) -> list[str]:
    """Return names of which several may stand in one field of the form."""
    return [part for name in names for part in name.split()]
