"""`/compare`: choose two stored models, or see two or more of them side by side."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from assets.report.comparison.comparison import compare
from assets.report.comparison.page import page
from assets.store.store import Store
from assets.sweeps.sweep import Row, Sweep
from orchestration.desk.page import render, template
from orchestration.desk.report_page import alone, written
from orchestration.desk.which import CHOICE, holding, sweep_called

MOST_OFFERED = 500
"""Rows of a sweep that the form offers; any other is named by its key or hash."""

FORM = template(
    "compare",
    """{% extends "shell" %}
{% block title %}Compare{% endblock %}
{% block content %}
<h1>Compare</h1>
{% if sweep %}
<p class="soft">Models of <a href="/report/{{ sweep }}">{{ sweep }}</a>; <a href="/compare">other sweeps</a></p>
{% if neighbours %}
<h2>Neighbours in rank</h2>
<ul>{% for pair in neighbours %}
<li><a href="/compare?a={{ pair.first|urlencode }}&amp;b={{ pair.other|urlencode }}">{{ pair.rank }} and
{{ pair.rank + 1 }}</a> <span class="soft">{{ pair.settings[0] }} against {{ pair.settings[1] }}</span></li>
{% endfor %}</ul>
{% endif %}
<h2>Any two</h2>
<form action="/compare" method="get">
{% for letter in "ab" %}
<p><label>{{ letter|upper }} <select name="{{ letter }}">
{% for name, told, status in offered %}
<option value="{{ name }}"{% if loop.index0 == loop_start[letter] %} selected{% endif %}>{{ told }}{{ status }}</option>
{% endfor %}
</select></label></p>
{% endfor %}
<p><button>Compare</button></p>
</form>
{% else %}
<h2>Models of one sweep</h2>
<ul>{% for name, description in sweeps %}
<li><a href="/compare?sweep={{ name|urlencode }}">{{ name }}</a> <span class="soft">{{ description }}</span></li>
{% else %}
<li class="soft">No model is stored yet.</li>
{% endfor %}</ul>
<h2>Any two</h2>
<form action="/compare" method="get">
<p><label>A <input name="a" required placeholder="key, hash, or its beginning"></label></p>
<p><label>B <input name="b" required placeholder="key, hash, or its beginning"></label></p>
<p><button>Compare</button></p>
</form>
{% endif %}
{% endblock %}""",
)


def compare_page(request: Request) -> Response:
    """Compare the models `a` and `b` (several are compared with `a`); without them offer what can be compared."""
    asked = request.query_params
    if not asked.get("a"):
        return _form(request, asked.get("sweep", ""))
    others = [name for name in asked.getlist("b") if name]
    if not others:
        a = asked["a"]
        return render(CHOICE, title="Compare with which?", text=f"First: {a}", choices=_others(request, a))
    sweeps = request.app.state.watch.catalogue().sweeps.values()
    return alone(page(compare([asked["a"], *others], Store(), sweeps), linked=True))


def _form(request: Request, name: str) -> Response:
    if not name:
        sweeps = request.app.state.watch.catalogue().sweeps.values()
        known = [(sweep.name, sweep.description) for sweep in sweeps if _offered(sweep)]
        return render(FORM, sweep="", sweeps=known)
    sweep = sweep_called(request, name)
    offered = _offered(sweep)[:MOST_OFFERED]
    beside = written(sweep).neighbours if offered else ()
    start = {"a": 0, "b": min(1, len(offered) - 1)}
    return render(FORM, sweep=sweep.name, neighbours=beside, offered=offered, loop_start=start)


def _offered(sweep: Sweep) -> list[tuple[str, str, str]]:
    """Return name, axes and status (empty for ok) of every model of a sweep that is stored."""
    store = Store()
    manifests = [(row, store.manifest(*row.configuration.item.address)) for row in sweep.rows]
    return [
        (_name(row), _axes(row) or row.configuration.key, "" if made["status"] == "ok" else f" ({made['status']})")
        for row, made in manifests
        if made
    ]


def _others(request: Request, a: str) -> list[tuple[str, str, str]]:
    """Return address, key and axes of every other configuration in the sweeps of a model."""
    found: dict[str, Any] = {}
    for sweep, own in holding(request, a):
        for row in sweep.rows:
            if row is not own:
                found[_name(row)] = (f"/compare?a={a}&b={_name(row)}", row.configuration.key, _axes(row))
    return list(found.values())


def _name(row: Row) -> str:
    return f"{row.configuration.study}/{row.configuration.item.hash}"


def _axes(row: Row) -> str:
    return ", ".join(f"{axis.rsplit('.', 1)[-1]} {value}" for axis, value in row.axes.items())
