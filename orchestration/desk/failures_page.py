"""`/failures/<sweep>`: the rows that are not ok, grouped by cause, with the settings that each group has in common."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from assets.identity import Item
from assets.plan import Planner
from assets.store import Store
from assets.sweeps import Row, Sweep
from orchestration.desk.page import render, template
from orchestration.desk.which import sweep_named

PAGE = template(
    "failures",
    """{% extends "shell" %}
{% block title %}Failures of {{ sweep.name }}{% endblock %}
{% block content %}
<h1>Failures of <a href="/report/{{ sweep.name }}">{{ sweep.name }}</a></h1>
<p>{{ failed }} of {{ sweep.rows|length }} rows are not ok{% if not failed %}: nothing failed{% endif %}.</p>
{% for group in groups %}
<h2><span class="bad">{{ group.status }}</span> in {{ group.stage }}: {{ group.rows|length }}
{{ "row" if group.rows|length == 1 else "rows" }}</h2>
<p><code>{{ group.rows[0].detail }}</code></p>
{% for axis, value, share in group.common %}
<p>In common: {{ axis }} = <b>{{ value }}</b> <span class="soft">({{ share }})</span></p>
{% endfor %}
<div class="wide"><table><tr>{% for axis in sweep.axes %}<th>{{ axis.rsplit(".", 1)[-1] }}</th>{% endfor %}
<th class="number">phase</th><th class="number">step</th><th>configuration</th></tr>
{% for row in group.rows %}
<tr>{% for axis in sweep.axes %}<td>{{ row.axes[axis] }}</td>{% endfor %}
<td class="number">{{ row.phase }}</td><td class="number">{{ row.step }}</td>
<td><a href="{{ row.link }}">{{ row.key }}</a></td></tr>
{% endfor %}
</table></div>
{% endfor %}
{% if failed %}<p class="soft">Settled rows stay as they are while configuration, data and code do; the others run
again with <code>orrery run {{ sweep.name }}</code>.</p>{% endif %}
{% endblock %}""",
)


@dataclass(frozen=True)
class FailedRow:
    """A row whose model or evaluation is stored as a failure."""

    axes: dict[str, Any]
    key: str
    status: str
    stage: str
    phase: int
    step: int
    detail: str
    link: str
    """Page of the artifact that failed."""


@dataclass(frozen=True)
class Group:
    """Rows that failed of one cause."""

    status: str
    stage: str
    rows: tuple[FailedRow, ...]
    common: tuple[tuple[str, Any, str], ...]
    """Axis, its one value among these rows, and the share of all rows with that value that failed so."""


def failures_page(request: Request) -> Response:
    """Show what failed of a sweep."""
    sweep = sweep_named(request)
    groups = grouped(sweep, Store())
    return render(PAGE, sweep=sweep, groups=groups, failed=sum(len(group.rows) for group in groups))


def grouped(sweep: Sweep, store: Store) -> list[Group]:
    """Group the failed rows of a sweep by status, stage and message without its numbers; the largest group first."""
    planner = Planner(store)
    found: dict[tuple[str, str, str], list[FailedRow]] = {}
    for row in sweep.rows:
        if failed := _failed(row, planner, store):
            cause = (failed.status, failed.stage, re.sub(r"[-+]?\d[\d.e+-]*", "#", failed.detail.splitlines()[0]))
            found.setdefault(cause, []).append(failed)
    groups = [Group(*cause[:2], tuple(rows), _common(sweep, rows)) for cause, rows in found.items()]
    return sorted(groups, key=lambda group: -len(group.rows))


def _failed(row: Row, planner: Planner, store: Store) -> FailedRow | None:
    for item in (*row.configuration.item.upstream(), row.configuration.item, *row.evaluations):
        if planner.verdict(item).state in ("settled", "retry"):
            return _told(row, item, store.manifest(*item.address) or {})
    return None


def _told(row: Row, item: Item, manifest: dict[str, Any]) -> FailedRow:
    failure = manifest.get("failure", {})
    return FailedRow(
        axes=dict(row.axes),
        key=row.configuration.key,
        status=manifest.get("status", "failed"),
        stage=failure.get("stage", ""),
        phase=failure.get("phase", 0),
        step=failure.get("step", 0),
        detail=failure.get("detail") or "no message",
        link=f"/files/{'/'.join(item.address)}",
    )


def _common(sweep: Sweep, rows: Sequence[FailedRow]) -> tuple[tuple[str, Any, str], ...]:
    common = []
    for axis in sweep.axes:
        values = Counter(str(row.axes[axis]) for row in sweep.rows)
        here = {str(row.axes[axis]) for row in rows}
        if len(here) == 1 and len(values) > 1:
            value = here.pop()
            common.append((axis, value, f"{len(rows)} of {values[value]} rows with it"))
    return tuple(common)
