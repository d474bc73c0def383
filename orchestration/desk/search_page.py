"""`/search/<study>/<search>`: the report of a search as its trials stand now."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from assets.search.search import Search
from assets.store.store import Store
from orchestration.desk.report_page import alone


def search_page(request: Request) -> Response:
    """Show the report of a search.

    Raises:
        LookupError: there is no such search; with those there are.
    """
    from assets.search.search_report import write

    name = f"{request.path_params['study']}/{request.path_params['search']}"
    searches = request.app.state.watch.catalogue().searches
    if name not in searches:
        raise LookupError(f"no search {name!r} under sweeps/; there are: {', '.join(sorted(searches)) or 'none'}")
    return alone(write(searches[name], Store()).path.read_text(encoding="utf-8"))


def standing_of(search: Search, store: Store) -> dict[str, Any]:
    """Return what the home page says of a search: how many trials of how many, how they ended, the best."""
    from assets.search.progress import Standing
    from assets.search.search_table import answer

    standing = Standing.of(search, store)
    fields = {name: getattr(search, name) for name in ("name", "key", "study", "description")}
    return fields | {"trials": len(standing.trials), "wanted": search.settings.trials, "answer": answer(standing)}
