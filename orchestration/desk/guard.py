"""The guard in front of the desk: other web sites can neither read nor change anything.

The Dagster server has no log-in and answers every request that reaches it, so a page open in the same browser could
start runs (cross-site requests) or read results (DNS rebinding). Every request therefore has to meet three rules:

1. Its host is one that the desk was started for.
2. It does not come from another site (Origin, Sec-Fetch-Site), unless a person follows a link to a page.
3. It changes nothing, or it is a POST of JSON with all parameters in its body: no other site can send one without
   permission.

See the OWASP cheat sheets on cross-site request forgery and https://web.dev/articles/fetch-metadata.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READS = ("GET", "HEAD")
REFUSED = 403
NAMES_ONLY = {"op"}
"""Parameters that a POST may have in its address: the Dagster UI writes the name of the operation there, for logs."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")

PROTECTION = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every answer: no other site may frame it, embed it, or learn which of its links was followed."""


class Guard:
    """Refuse requests that do not come from the desk's own pages; pass the others on."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        """Guard an application; `hosts` are accepted in addition to the names of the loopback interface."""
        self.app = app
        self.hosts = frozenset((*LOOPBACK, *(host.lower() for host in hosts)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or refuse it; a web socket is refused before it is accepted."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        reason = self.objection(scope)
        if reason is None:
            return await self.app(scope, receive, _protecting(send))
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return await PlainTextResponse(f"refused: {reason}\n", REFUSED, PROTECTION)(scope, receive, send)

    def objection(self, scope: Scope) -> str | None:
        """Return in one line why a request is refused; None if it is not."""
        headers = Headers(scope=scope)
        return self._foreign_host(headers) or _foreign_origin(scope, headers) or _unsafe_change(scope, headers)

    def _foreign_host(self, headers: Headers) -> str | None:
        names = headers.getlist("host")
        if len(names) != 1 or _host_name(names[0]) not in self.hosts:
            return f"given the host {', '.join(names) or 'none'}; expected one of {', '.join(sorted(self.hosts))}"
        return None


def _foreign_origin(scope: Scope, headers: Headers) -> str | None:
    """Refuse another origin (another port is one), and requests that the browser marks as coming from another site."""
    for origin in headers.getlist("origin"):
        if urlsplit(origin).netloc.lower() != headers["host"].lower():
            return f"given the origin {origin}; expected a page of {headers['host']}"
    site = headers.get("sec-fetch-site", "none")
    if site not in ("none", "same-origin") and not _follows_a_link(scope, headers):
        return f"given a {site} request; expected one from a page of {headers['host']}"
    return None


def _follows_a_link(scope: Scope, headers: Headers) -> bool:
    """Whether a person navigates to a page in the window itself, not in a frame of another page."""
    navigates = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return navigates and scope.get("method") == "GET"


def _unsafe_change(scope: Scope, headers: Headers) -> str | None:
    """Refuse a request that may change something, unless it is a POST of JSON with all parameters in its body."""
    if scope["type"] == "websocket":
        return None
    if scope["method"] in READS:
        in_address = "graphql" in scope["path"].lower() and scope["query_string"]
        return (
            "given a GraphQL request in the address; expected it as JSON in the body of a POST" if in_address else None
        )
    if scope["method"] != "POST":
        return f"given the method {scope['method']}; expected GET, HEAD or POST"
    extra = {name for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), True)} - NAMES_ONLY
    if extra:
        return f"given a POST with {', '.join(sorted(extra))} in the address; expected everything in its body"
    kind = headers.get("content-type", "none").split(";")[0].strip().lower()
    return None if kind == "application/json" else f"given a POST of {kind}; expected application/json"


def _host_name(host: str) -> str:
    """Return the name in a Host header, without its port and the brackets of an IPv6 address."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _protecting(send: Send) -> Send:
    """Add the protective headers that an answer does not set itself."""

    async def protected(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in PROTECTION.items():
                headers.setdefault(name, value)
        await send(message)

    return protected
