"""The guard in front of everything that the desk serves: other web sites can neither read nor change anything.

The Dagster server has no log-in and answers whoever reaches it, so a page that is open in the same browser could
start runs (cross-site requests) or read results (DNS rebinding). Every request is therefore held to three rules:

1. Its host is one that the desk was started for.
2. It does not come from another site (Origin, Sec-Fetch-Site); following a link to a page is the one exception.
3. It changes nothing, or it is a POST of JSON with everything in its body, which no other site can send unasked.

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
"""What a POST may say in its address: the Dagster UI writes the name of the operation there, for logs."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")

PROTECTION = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every answer: no other site may frame it, embed it or learn where a link on it was followed."""


class Guard:
    """Refuse what does not come from the desk's own pages; pass everything else on."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        """Guard an application; `hosts` are accepted beside the names of the loopback interface."""
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
        """Return in one line why a request is refused, or None where nothing speaks against it."""
        headers = Headers(scope=scope)
        return self._foreign_host(headers) or _foreign_origin(scope, headers) or _unasked_change(scope, headers)

    def _foreign_host(self, headers: Headers) -> str | None:
        given = headers.getlist("host")
        if len(given) != 1 or _host_name(given[0]) not in self.hosts:
            return f"given the host {', '.join(given) or 'none'}; expected one of {', '.join(sorted(self.hosts))}"
        return None


def _foreign_origin(scope: Scope, headers: Headers) -> str | None:
    """Refuse another origin, which is another port, too, and what the browser itself says comes from another site."""
    for origin in headers.getlist("origin"):
        if urlsplit(origin).netloc.lower() != headers["host"].lower():
            return f"given the origin {origin}; expected a page of {headers['host']}"
    site = headers.get("sec-fetch-site", "none")
    if site not in ("none", "same-origin") and not _follows_a_link(scope, headers):
        return f"given a {site} request; expected one from a page of {headers['host']}"
    return None


def _follows_a_link(scope: Scope, headers: Headers) -> bool:
    """Whether a person goes to a page, in the window itself and not in a frame of another page."""
    going = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return going and scope.get("method") == "GET"


def _unasked_change(scope: Scope, headers: Headers) -> str | None:
    """Refuse what may change something unless it is a POST of JSON with everything in its body."""
    if scope["type"] == "websocket":
        return None
    if scope["method"] in READS:
        asks = "graphql" in scope["path"].lower() and scope["query_string"]
        return "given a GraphQL request in the address; expected it as JSON in the body of a POST" if asks else None
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
    """Add the protective headers to an answer that does not set them itself."""

    async def protected(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in PROTECTION.items():
                headers.setdefault(name, value)
        await send(message)

    return protected
