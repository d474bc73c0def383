"""`/`: every sweep and search with its progress, and the sweep files that cannot be read."""

from __future__ import annotations

from collections import Counter
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from assets.identity.canonical import LAYER_NAMES
from assets.stages.freshness import plan_sweep
from assets.statistics.adaptive_seeds import sweep_so_far
from assets.store.store import Store, home
from assets.sweeps.sweep import Sweep
from orchestration.desk.pages.search import search_progress
from orchestration.desk.render import render


def home_page(request: Request) -> Response:
    """Show every sweep and search under sweeps/."""
    watch = request.app.state.watch
    catalogue = watch.catalogue()
    store = Store()
    return render(
        "home.html",
        state=watch.state(),
        complaint=watch.complaint,
        behind=watch.behind,
        problems=[line for error in catalogue.errors.values() for line in error.problems],
        place=str(home()),
        sweeps=[sweep_progress(sweep, store) for sweep in catalogue.sweeps.values()],
        searches=[search_progress(search, store) for search in catalogue.searches.values()],
    )


def sweeps_state(request: Request) -> Response:
    """Return a digest of the sweep files as JSON; the page polls it and reloads when it changes."""
    return JSONResponse(request.app.state.watch.state(), headers={"Cache-Control": "no-store"})


def sweep_progress(sweep: Sweep, store: Store) -> dict[str, Any]:
    """Count the rows of a sweep: done, failed (settled or not), and due."""
    sweep = sweep_so_far(sweep, store)
    plan = plan_sweep(sweep, store)
    states = {verdict.item.hash: verdict.state for layer in LAYER_NAMES for verdict in plan[layer]}
    counts: Counter[str] = Counter()
    for row in sweep.rows:
        model = row.configuration.item
        of_row = {states[item.hash] for item in (*model.upstream(), model, *row.evaluations)}
        counts["failed" if of_row & {"settled", "retry"} else "done" if of_row == {"fresh"} else "due"] += 1
    fields = {name: getattr(sweep, name) for name in ("name", "key", "study", "description")}
    return fields | {"rows": len(sweep.rows)} | {name: counts[name] for name in ("done", "failed", "due")}
