"""`/live`: the loss curves of the running jobs, with those of finished models behind, and a button that stops a job."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from assets.home.running import Attempt, running
from assets.store.manifest import finite
from assets.store.store import Store
from orchestration.desk.render import render

MOST_POINTS = 300
"""Points of the curve of a finished model."""


def live_page(request: Request) -> Response:
    """Show the running jobs, with the curves of the finished models `?beside=<study>/<hash>`. A script fetches both."""
    items = {
        row.configuration.item for sweep in request.app.state.watch.catalogue().sweeps.values() for row in sweep.rows
    }
    store = Store()
    ready = [item for item in items if store.manifest_or_missing(*item.address)["status"] == "ok"]
    finished = sorted((f"{item.study}/{item.hash}", f"{item.study} {item.key}") for item in ready)
    return render("live.html", finished=finished)


def live_state(request: Request) -> Response:
    """Return the running jobs, or with `?of=<study>/<hash>` the curve of a finished model, as JSON."""
    name = request.query_params.get("of")
    state = _curve(name, Store()) if name else list(map(_job, running()))
    return JSONResponse(finite(state), headers={"Cache-Control": "no-store"})


async def stop(request: Request) -> Response:
    """Ask the job that the body names, {study, hash}, to stop and keep its best."""
    body = await request.json()
    study, hash = (str(body.get(name, "")) if isinstance(body, dict) else "" for name in ("study", "hash"))
    trainings = [one for one in running() if (one.study, one.layer, one.hash) == (study, "model", hash)]
    for training in trainings:
        training.ask_to_stop()
    return JSONResponse({"stopping": bool(trainings)}, 202 if trainings else 404)


def _job(attempt: Attempt) -> dict[str, Any]:
    """Return the fields of an attempt that the script of the page shows."""
    fields = {name: getattr(attempt, name) for name in ("study", "layer", "hash", "key", "curve", "stopping")}
    progress = attempt.progress or {"step": 0, "total_steps": 0}
    return fields | {"step": progress["step"], "total_steps": progress["total_steps"]}


def _curve(name: str, store: Store) -> dict[str, Any]:
    study, _, hash = name.partition("/")
    artifact = store.open(study, "model", hash)
    history = artifact.table("history")
    # A negative stride counts from the end, so that the last step is always a point.
    thinned = history.iloc[:: -max(1, len(history) // MOST_POINTS)].sort_values("step")
    curve = [(step, {"loss": loss}) for step, loss in zip(thinned["step"], thinned["loss"], strict=True)]
    return {"key": artifact.manifest["key"], "curve": curve}
