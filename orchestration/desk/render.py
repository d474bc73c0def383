"""Answers of the desk: a page from its template, and the policy of what it may load and run."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from starlette.responses import HTMLResponse

from assets.report.render import environment

TEMPLATES = Path(__file__).parent / "templates"


def render(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Fill a template, every value escaped.

    Only the scripts that carry the nonce of this answer run, and the page loads nothing from elsewhere.
    """
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
        f"script-src 'nonce-{nonce}'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    )
    text = fragment(name, nonce=nonce, **values)
    return HTMLResponse(text, status, {"Content-Security-Policy": policy, "Cache-Control": "no-store"})


def fragment(name: str, **values: Any) -> str:
    """Return a filled template, every value escaped, to be put into a page."""
    return environment(TEMPLATES).get_template(name).render(**values)


def message(status: int, title: str, text: str) -> HTMLResponse:
    """Answer with one clear line."""
    return render("message.html", status, title=title, text=text)
