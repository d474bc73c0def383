"""`/search/<study>/<search>`: the report of a search, brought up to date."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from assets.search.search import Search
from assets.store.store import Store
from orchestration.desk.pages.report import standalone


def search_page(request: Request) -> Response:
    """Show the report of a search.

    Raises:
        LookupError: there is no such search; lists the searches.
    """
    from assets.search.search_report import write

    name = f"{request.path_params['study']}/{request.path_params['search']}"
    searches = request.app.state.watch.catalogue().searches
    if name not in searches:
        raise LookupError(f"no search {name!r} under sweeps/; there are: {', '.join(sorted(searches)) or 'none'}")
    return standalone(write(searches[name], Store()).path.read_text(encoding="utf-8"))


def search_progress(search: Search, store: Store) -> dict[str, Any]:
    """Return the progress of a search for the first page: trials begun and requested, their outcomes, the best."""
    from assets.search.progress import SearchProgress
    from assets.search.search_table import answer

    progress = SearchProgress.of(search, store)
    fields = {name: getattr(search, name) for name in ("name", "key", "study", "description")}
    return fields | {"trials": len(progress.trials), "requested": search.settings.trials, "answer": answer(progress)}
