"""`/mlflow`: redirect to the MLflow UI that was started with the desk.

A browser keeps the fragment of an address that is redirected, so `/mlflow#/experiments/1/runs/...` leads to that run.
"""

from __future__ import annotations

import os

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

ADDRESS = "ORRERY_MLFLOW_ADDRESS"
"""Where `orrery ui` serves the MLflow UI."""


def mlflow_page(request: Request) -> Response:
    """Go to the MLflow UI.

    Raises:
        LookupError: it is not running.
    """
    address = os.environ.get(ADDRESS, "")
    if not address:
        raise LookupError("the MLflow UI is not running; `orrery ui` (`make ui`) starts it with this desk")
    return RedirectResponse(address, 307)
