"""`/scripts/<file>`: the scripts of the desk's own pages; a page's policy names the ones that it runs."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

SCRIPTS = Path(__file__).parents[1] / "scripts"


def script(request: Request) -> Response:
    """Return a script.

    Raises:
        LookupError: there is none of that name.
    """
    files = {path.name: path for path in SCRIPTS.glob("*.js")}
    name = request.path_params["file"]
    if name not in files:
        raise LookupError(f"no script {name!r}; the desk has {', '.join(sorted(files))}")
    headers = {"Cache-Control": "no-store"}
    return Response(files[name].read_bytes(), media_type="text/javascript; charset=utf-8", headers=headers)
