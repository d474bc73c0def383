"""`/files/<study>/<layer>/<hash>/<file>`: what an artifact of the store holds, exactly what its manifest lists."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from assets.store.store import Artifact, Store
from orchestration.desk.page import render, template

SHOWN = {".json": "application/json", ".txt": "text/plain; charset=utf-8", ".png": "image/png"}
"""What a browser may show itself; everything else is handed over as a download."""

ROWS = 12
"""Rows of a table that the page shows."""

INERT = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox"

PAGE = template(
    "files",
    """{% extends "shell" %}
{% block title %}{{ manifest.key }}{% endblock %}
{% block content %}
<h1>{{ manifest.layer }} <code>{{ manifest.key }}</code></h1>
<p>{{ manifest.study }}, <span class="{{ 'good' if manifest.status == 'ok' else 'bad' }}">{{ manifest.status }}</span>,
made {{ manifest.created[:19]|replace("T", " ") }} UTC by commit
<code>{{ (manifest.commit or "none")[:12] }}</code>{% if manifest.dirty %} with changes{% endif %}</p>
{% if manifest.failure is defined %}
<div class="note">{{ manifest.failure.detail }}<br><span class="soft">stage {{ manifest.failure.stage }},
phase {{ manifest.failure.phase }}, step {{ manifest.failure.step }}</span></div>
{% endif %}
<ul class="row">
{% if manifest.layer in ("model", "evaluation") and model %}
<li><a href="/report?model={{ model }}">report</a></li><li><a href="/failures?model={{ model }}">failures</a></li>
<li><a href="/compare?a={{ model }}">compare</a></li>
{% endif %}
</ul>
<h2>Files</h2>
<div class="wide"><table><tr><th>file</th><th class="number">bytes</th><th>sha256</th></tr>
<tr><td><a href="{{ here }}/manifest.json">manifest.json</a></td><td></td><td class="soft">seals the others</td></tr>
{% for name, file in manifest.files.items() %}
<tr><td><a href="{{ here }}/{{ name }}">{{ name }}</a></td><td class="number">{{ file.size }}</td>
<td><code class="soft">{{ file.sha256[:16] }}</code></td></tr>
{% endfor %}
</table></div>
{% for picture in pictures %}
<p><img src="{{ here }}/{{ picture }}" alt="{{ picture }}" style="max-width: 100%"></p>
{% endfor %}
{% for table in tables %}
<h2>{{ table.name }} <span class="soft">{{ table.count }} rows</span></h2>
<div class="wide"><table><tr>{% for column in table.columns %}<th>{{ column }}</th>{% endfor %}</tr>
{% for row in table.rows %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</table></div>
{% if table.count > table.rows|length %}<p class="soft">The first {{ table.rows|length }} of them.</p>{% endif %}
{% endfor %}
<h2>Settings</h2><pre>{{ settings }}</pre>
<h2>Made with</h2><p>{% for name, version in manifest.versions.items() %}{{ name }} {{ version }} {% endfor %}</p>
{% endblock %}""",
)


def artifact_page(request: Request) -> Response:
    """Show an artifact: status, files, the beginning of its tables, settings, versions."""
    address = _address(request)
    artifact = Store().open(*address)
    return render(
        PAGE,
        manifest=artifact.manifest,
        here=f"/files/{'/'.join(address)}",
        model=_model(artifact.manifest),
        pictures=[name for name in artifact.manifest["files"] if name.endswith(".png")],
        tables=[_beginning(artifact, name) for name in artifact.tables()],
        settings=json.dumps(artifact.manifest["config"], indent=2) if "config" in artifact.manifest else "none",
    )


def artifact_file(request: Request) -> Response:
    """Hand out one file that the manifest lists, or the manifest itself, after checking its sum."""
    name = request.path_params["file"]
    artifact = Store().open(*_address(request))
    if name != "manifest.json" and not artifact.holds(name):
        raise LookupError(f"{name} is no file of this artifact; it holds {', '.join(artifact.manifest['files'])}")
    kind = SHOWN.get(Path(name).suffix)
    headers = {"Content-Security-Policy": INERT, "Cache-Control": "no-store"}
    if kind is None:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(_content(artifact.path / name), media_type=kind or "application/octet-stream", headers=headers)


def _address(request: Request) -> tuple[str, str, str]:
    given = request.path_params
    return given["study"], given["layer"], given["hash"]


def _content(path: Path) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as file:
        return file.read()


def _model(manifest: dict[str, Any]) -> str:
    """Return `<study>/<hash>` of the model that an artifact is, or is an evaluation of."""
    if manifest["layer"] == "model":
        return f"{manifest['study']}/{manifest['hash']}"
    inputs = manifest.get("parts", {}).get("inputs", {})
    return next((f"{manifest['study']}/{i.split('/')[1]}" for i in inputs if i.startswith("model/")), "")


def _beginning(artifact: Artifact, name: str) -> dict[str, Any]:
    frame = artifact.table(name)
    rows = [[_cell(value) for value in row] for row in frame.head(ROWS).itertuples(index=False)]
    return {"name": name, "count": len(frame), "columns": list(frame.columns), "rows": rows}


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
