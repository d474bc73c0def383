"""How every page of the desk looks, and how its template is filled: all values are escaped."""

from __future__ import annotations

import secrets
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from starlette.responses import HTMLResponse

SHELL = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{% block title %}{% endblock %} - Orrery</title>
<style>
 :root { color-scheme: light dark; --line: #8884; --soft: #8881; --link: #1f5fbf; --bad: #b3261e; --good: #1a7f37 }
 @media (prefers-color-scheme: dark) { :root { --link: #8ab4f8; --bad: #f2857d; --good: #6fcf85 } }
 body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 76rem; padding: 0 1.25rem 3rem }
 nav { display: flex; gap: 1.25rem; padding: .8rem 0; border-bottom: 1px solid var(--line); flex-wrap: wrap }
 nav b { margin-right: auto } a { color: var(--link); text-decoration: none } a:hover { text-decoration: underline }
 h1 { font-size: 1.5rem; margin: 1.4rem 0 .3rem } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
 p { margin: .4rem 0; max-width: 60rem } .soft { opacity: .72 } .bad { color: var(--bad) } .good { color: var(--good) }
 .wide { overflow-x: auto } table { border-collapse: collapse; width: 100% }
 th, td { text-align: left; vertical-align: top; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line) }
 th { font-weight: 600; white-space: nowrap } td.number, th.number { text-align: right }
 code, pre { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere } pre { white-space: pre-wrap }
 .note { background: var(--soft); border-left: 3px solid var(--bad); padding: .5rem .9rem; margin: 1rem 0 }
 button { font: inherit; padding: .15rem .8rem; cursor: pointer }
 input, select { font: inherit; max-width: 100% }
 @media (max-width: 40rem) {
  table.cards tr { display: flex; flex-wrap: wrap; gap: 0 1rem; border-bottom: 1px solid var(--line) }
  table.cards tr:has(th) { display: none } table.cards td { border: 0; padding: .2rem 0 }
  table.cards td:nth-child(-n+2) { flex-basis: 100% }
  table.cards td[data-name]::before { content: attr(data-name) " "; opacity: .72 } }
 ul.row { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; margin: .3rem 0 }
</style></head><body>
<nav><b><a href="/">Orrery</a></b><a href="/assets">Dagster</a>
<a href="/compare">Compare</a>
<a href="/live">Live</a><a href="/mlflow">MLflow</a></nav>
{% block content %}{% endblock %}
{% block script %}{% endblock %}
</body></html>
"""

MESSAGE = """{% extends "shell" %}{% block title %}{{ title }}{% endblock %}
{% block content %}<h1>{{ title }}</h1><p>{{ text }}</p>{% endblock %}"""

_TEMPLATES = {"shell": SHELL, "message": MESSAGE}
_environment = Environment(
    loader=DictLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def template(name: str, text: str) -> str:
    """Register the template of a page, which extends `shell`; return its name."""
    _TEMPLATES[name] = text
    return name


def render(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Fill a template. Its scripts run only with the nonce of this answer; nothing is loaded from elsewhere."""
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
        f"script-src 'nonce-{nonce}'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    )
    text = _environment.get_template(name).render(nonce=nonce, **values)
    return HTMLResponse(text, status, {"Content-Security-Policy": policy, "Cache-Control": "no-store"})


def fragment(text: str, **values: Any) -> str:
    """Fill a piece of a page; all values are escaped."""
    return _environment.from_string(text).render(**values)


def message(status: int, title: str, text: str) -> HTMLResponse:
    """Answer with one clear line."""
    return render("message", status, title=title, text=text)
