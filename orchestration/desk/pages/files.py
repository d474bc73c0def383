"""`/files/<study>/<layer>/<hash>/<file>`: an artifact of the store, and exactly the files that its manifest lists."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from assets.store.manifest import Manifest
from assets.store.store import Artifact, Store
from orchestration.desk.render import render

VIEWABLE = {".json": "application/json", ".txt": "text/plain; charset=utf-8", ".png": "image/png"}
"""What a browser may show by itself; everything else is a download."""

ROWS = 12
"""Rows that the page shows of each table."""

INERT = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox"


def artifact_page(request: Request) -> Response:
    """Show an artifact: status, files, first rows of its tables, settings, versions."""
    address = _address(request)
    artifact = Store().open(*address)
    return render(
        "files.html",
        manifest=artifact.manifest,
        here=f"/files/{'/'.join(address)}",
        model=_model(artifact.manifest),
        pictures=[name for name in artifact.manifest["files"] if name.endswith(".png")],
        tables=[_beginning(artifact, name) for name in artifact.tables()],
        settings=json.dumps(artifact.manifest["config"], indent=2),
    )


def artifact_file(request: Request) -> Response:
    """Return one file that the manifest lists, or the manifest itself; a wrong checksum is an error."""
    name = request.path_params["file"]
    artifact = Store().open(*_address(request))
    if name != "manifest.json" and not artifact.holds(name):
        raise LookupError(f"{name} is no file of this artifact; it holds {', '.join(artifact.manifest['files'])}")
    kind = VIEWABLE.get(Path(name).suffix)
    headers = {"Content-Security-Policy": INERT, "Cache-Control": "no-store"}
    if kind is None:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    # O_NOFOLLOW: a link that was put there meanwhile is not followed.
    with os.fdopen(os.open(artifact.path / name, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        content = file.read()
    return Response(content, media_type=kind or "application/octet-stream", headers=headers)


def _address(request: Request) -> tuple[str, str, str]:
    parts = request.path_params
    return parts["study"], parts["layer"], parts["hash"]


def _model(manifest: Manifest) -> str:
    """Return `<study>/<hash>` of the model that an artifact is, or is an evaluation of."""
    if manifest["layer"] == "model":
        return f"{manifest['study']}/{manifest['hash']}"
    inputs = manifest["parts"]["inputs"]
    return next((f"{manifest['study']}/{i.split('/')[1]}" for i in inputs if i.startswith("model/")), "")


def _beginning(artifact: Artifact, name: str) -> dict[str, Any]:
    frame = artifact.table(name)
    rows = [
        [f"{value:.6g}" if isinstance(value, float) else str(value) for value in row]
        for row in frame.head(ROWS).itertuples(index=False)
    ]
    kinds = ["number" if kind.kind in "iuf" else "" for kind in frame.dtypes]
    return {"name": name, "count": len(frame), "columns": list(frame.columns), "kinds": kinds, "rows": rows}
