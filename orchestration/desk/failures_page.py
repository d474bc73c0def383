"""`/failures/<sweep>`: the rows that are not ok, grouped by cause, with the settings that each group has in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from assets.stages.freshness import Planner
from assets.statistics.adaptive_seeds import sweep_so_far
from assets.statistics.failure_causes import Cause, causes, row_status
from assets.store.store import Store
from assets.sweeps.sweep import Row, Sweep
from orchestration.desk.page import render, template
from orchestration.desk.which import sweep_named

PAGE = template(
    "failures",
    """{% extends "shell" %}
{% block title %}Failures of {{ sweep.name }}{% endblock %}
{% block content %}
<h1>Failures of <a href="/report/{{ sweep.name }}">{{ sweep.name }}</a></h1>
<p>{{ failed }} of {{ sweep.rows|length }} rows are not ok{% if not failed %}: nothing failed{% endif %}.</p>
{% for cause in causes %}
<h2><span class="bad">{{ cause.status }}</span> in {{ cause.stage }}: {{ cause.rows|length }}
{{ "row" if cause.rows|length == 1 else "rows" }}</h2>
<p><code>{{ cause.detail }}</code></p>
{% for axis, value, share in cause.common %}
<p>In common: {{ axis }} = <b>{{ value }}</b>{% if share %} <span class="soft">({{ share }})</span>{% endif %}</p>
{% endfor %}
<div class="wide"><table><tr>{% for axis in sweep.axes %}<th>{{ axis.rsplit(".", 1)[-1] }}</th>{% endfor %}
<th class="number">phase</th><th class="number">step</th><th class="number">last loss</th><th>configuration</th></tr>
{% for row in cause.rows %}
<tr>{% for axis in sweep.axes %}<td>{{ row.axes[axis] }}</td>{% endfor %}
<td class="number">{{ row.phase }}</td><td class="number">{{ row.step }}</td><td class="number">{{ row.loss }}</td>
<td><a href="{{ row.link }}">{{ row.key }}</a></td></tr>
{% endfor %}
</table></div>
<p class="soft">Alone, in the foreground: <code>orrery replay {{ sweep.study }}/{{ cause.rows[0].key }}</code></p>
{% endfor %}
{% if failed %}<p class="soft">Settled rows stay as they are while configuration, data and code do; the others run
again with <code>orrery run {{ sweep.name }}</code>.</p>{% endif %}
{% endblock %}""",
)


def failures_page(request: Request) -> Response:
    """Show what failed of a sweep."""
    store = Store()
    sweep = sweep_so_far(sweep_named(request), store)
    rows = {row.configuration.key: row for row in sweep.rows}
    links = _links(sweep, store)
    found = [_shown(cause, sweep, rows, links) for cause in causes(sweep, store)]
    return render(PAGE, sweep=sweep, causes=found, failed=sum(len(cause["rows"]) for cause in found))


def _links(sweep: Sweep, store: Store) -> dict[str, str]:
    """Return the page of the artifact that failed, by the key of its row."""
    planner = Planner(store)
    items = {row.configuration.key: row_status(row, planner)[1] for row in sweep.rows}
    return {key: f"/files/{'/'.join(item.address)}" for key, item in items.items() if item}


def _shown(cause: Cause, sweep: Sweep, rows: Mapping[str, Row], links: Mapping[str, str]) -> dict[str, Any]:
    """Return what the page says of one cause: how many rows with a common value of an axis failed so, too."""
    shown = [
        {"axes": rows[one.key].axes, "key": one.key, "phase": one.phase, "step": one.step}
        | {"loss": f"{one.last['last_loss']:.4g}" if "last_loss" in one.last else "", "link": links[one.key]}
        for one in cause.failures
    ]
    common = [(axis, value, _share(axis, value, len(shown), sweep)) for axis, value in cause.common.items()]
    detail = cause.failures[0].detail if len(shown) == 1 else cause.detail
    return {"status": cause.status, "stage": cause.stage, "detail": detail, "rows": shown, "common": common}


def _share(axis: str, value: Any, failed: int, sweep: Sweep) -> str:
    if axis not in sweep.axes:
        return ""
    return f"{failed} of {Counter(str(row.axes[axis]) for row in sweep.rows)[str(value)]} rows with it"
