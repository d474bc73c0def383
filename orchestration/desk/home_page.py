"""`/`: what is here. Every sweep and search with how far it is, what is broken, and where to go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from assets.identity.canonical import LAYER_NAMES
from assets.stages.freshness import State, plan_sweep
from assets.statistics.adaptive_seeds import sweep_so_far
from assets.store.store import Store, home
from assets.sweeps.sweep import Row, Sweep
from orchestration.desk.page import render, template
from orchestration.desk.search_page import standing_of

PAGE = template(
    "home",
    """{% extends "shell" %}
{% block title %}Sweeps{% endblock %}
{% block content %}
{% if complaint %}
<div class="note">The definitions could not be reloaded ({{ complaint }}): the Dagster UI shows the sweeps as they were.
Mend the file, or press <b>Reload definitions</b> at <a href="/locations">Deployment</a>.</div>
{% elif behind %}
<div class="note">A sweep file has changed; the Dagster UI shows it in a few seconds.</div>
{% endif %}
{% for line in broken %}
<div class="note"><code>{{ line }}</code></div>
{% endfor %}
<h1>Sweeps</h1>
<p class="soft">Stored in <code>{{ place }}</code></p>
<div class="wide"><table class="cards">
<tr><th>sweep</th><th>question</th><th class="number">rows</th><th class="number">done</th>
<th class="number">failed</th><th class="number">to do</th><th></th></tr>
{% for sweep in sweeps %}
<tr><td><a href="/report/{{ sweep.name }}">{{ sweep.name }}</a></td><td>{{ sweep.description }}</td>
<td class="number" data-name="rows">{{ sweep.rows }}</td><td class="number" data-name="done">{{ sweep.done }}</td>
<td class="number" data-name="failed">
{% if sweep.failed %}<a class="bad" href="/failures/{{ sweep.name }}">{{ sweep.failed }}</a>
{% else %}0{% endif %}</td>
<td class="number" data-name="to do">{{ sweep.due }}</td>
<td><a href="/assets/{{ sweep.study }}/leaderboard?partition={{ sweep.key|urlencode }}">partition</a></td></tr>
{% else %}
<tr><td colspan="7">No sweep file under <code>sweeps/</code> can be used yet.</td></tr>
{% endfor %}
</table></div>
{% if searches %}
<h2>Searches</h2>
<div class="wide"><table>
<tr><th>search</th><th>question</th><th class="number">trials</th><th>found so far</th><th></th></tr>
{% for search in searches %}
<tr><td><a href="/search/{{ search.name }}">{{ search.name }}</a></td><td>{{ search.description }}</td>
<td class="number">{{ search.trials }} of {{ search.wanted }}</td><td>{{ search.answer }}</td>
<td><a href="/assets/{{ search.study }}/search?partition={{ search.key|urlencode }}">partition</a></td></tr>
{% endfor %}
</table></div>
{% endif %}
<p>A sweep or a search is started by <code>orrery run &lt;name&gt;</code>, or in the
<a href="/jobs">Dagster UI</a> by the job <code>&lt;study&gt;_sweep</code>.</p>
{% endblock %}
{% block script %}<script nonce="{{ nonce }}">
const SEEN = {{ state|tojson }};
setInterval(async () => {
  try {
    const now = await (await fetch("/sweeps/state")).text();
    if (JSON.stringify(JSON.parse(now)) !== JSON.stringify(SEEN)) location.reload();
  } catch {}
}, 1000);
</script>{% endblock %}""",
)


def home_page(request: Request) -> Response:
    """Show every sweep and search under sweeps/."""
    watch = request.app.state.watch
    catalogue = watch.catalogue()
    store = Store()
    return render(
        PAGE,
        state=watch.state(),
        complaint=watch.complaint,
        behind=watch.behind,
        broken=[line for error in catalogue.broken.values() for line in error.problems],
        place=str(home()),
        sweeps=[progress_of(sweep, store) for sweep in catalogue.sweeps.values()],
        searches=[standing_of(search, store) for search in catalogue.searches.values()],
    )


def sweeps_state(request: Request) -> Response:
    """Return what the page was made of as far as sweep files go, as JSON; it looks anew when that changes."""
    return JSONResponse(request.app.state.watch.state(), headers={"Cache-Control": "no-store"})


def progress_of(sweep: Sweep, store: Store) -> dict[str, Any]:
    """Count the rows of a sweep: done, failed for good or for now, and still to do."""
    sweep = sweep_so_far(sweep, store)
    verdicts = plan_sweep(sweep, store)
    states = {v.item.hash: v.state for layer in LAYER_NAMES for v in verdicts[layer]}
    counts = Counter(_state_of(row, states) for row in sweep.rows)
    fields = {name: getattr(sweep, name) for name in ("name", "key", "study", "description")}
    return fields | {"rows": len(sweep.rows)} | {name: counts[name] for name in ("done", "failed", "due")}


def _state_of(row: Row, states: Mapping[str, State]) -> str:
    """Return whether a row is done, failed or due."""
    model = row.configuration.item
    found = [states[item.hash] for item in (*model.upstream(), model, *row.evaluations)]
    if any(state in ("settled", "retry") for state in found):
        return "failed"
    return "done" if all(state == "fresh" for state in found) else "due"
