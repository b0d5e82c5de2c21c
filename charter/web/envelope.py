"""The outermost layer: a request id, security headers, and one log line for each request."""

import logging
import re
import time
from collections.abc import Sequence
from random import getrandbits

from starlette.requests import ClientDisconnect
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from charter.logs import tell
from charter.settings import Network
from charter.web.address import client_address, client_scheme

logger = logging.getLogger("charter.request")

HUNG_UP = 499
"""The status in the log (never on the wire) when the caller left before an answer."""

Header = tuple[bytes, bytes]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9-]{8,64}")
_HEADERS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
_TRANSPORT_SECURITY: Header = (b"strict-transport-security", b"max-age=31536000")
_DATA_POLICY: Header = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
# pages use bundled files of the same origin; styles may be inline, scripts may not
_PAGE_POLICY: Header = (
    b"content-security-policy",
    (
        b"default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        b"font-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
)


class RequestEnvelope:
    """Puts ``request_id`` and ``client`` into ``scope["state"]``, completes the headers of each answer, and logs it.

    `trusted` are the proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed. A header that the
    application has set itself stays, so a page may bring a Content-Security-Policy of its own.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[Network] = ()) -> None:
        self.app = app
        self.trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope = self._prepared(scope)
        headers = (*_HEADERS, (b"x-request-id", scope["state"]["request_id"].encode()))
        if scope["scheme"] == "https":
            headers = (*headers, _TRANSPORT_SECURITY)
        started = time.perf_counter()
        root_path, status = scope.get("root_path", ""), 0

        async def complete(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": _completed(message.get("headers", ()), headers)}
            await send(message)

        try:
            await self.app(scope, receive, complete)
        except ClientDisconnect:
            pass
        except Exception:
            status = 500
            raise
        finally:
            _log(scope, status or HUNG_UP, started, _template(scope, root_path))

    def _prepared(self, scope: Scope) -> Scope:
        path = scope["path"]
        if not path.isascii():
            # lone surrogates cannot be written anywhere, neither in a log nor in a redirect
            path = path.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        state = {
            **scope.get("state", {}),
            "request_id": _request_id(scope),
            "client": client_address(scope, self.trusted),
        }
        return {**scope, "path": path, "state": state, "scheme": client_scheme(scope, self.trusted)}


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value, "ascii")
    return f"{getrandbits(128):032x}"  # has to differ, and need not be secret


def _completed(given: Sequence[Header], extra: Sequence[Header]) -> list[Header]:
    present = {name.lower(): value for name, value in given}
    policy = _PAGE_POLICY if present.get(b"content-type", b"").startswith(b"text/html") else _DATA_POLICY
    return [*given, *(header for header in (*extra, policy) if header[0] not in present)]


def _template(scope: Scope, root_path: str) -> str:
    """The path as the application declares it (``/things/{id}``), or ``-``: a real path may hold a secret."""
    route = scope.get("route")
    mounted = str(scope.get("root_path", "")).removeprefix(root_path)
    if route is None or isinstance(route, Mount):
        return mounted or "-"  # what a mount is called is counted into the root path already
    return f"{mounted}{getattr(route, 'path', '')}" or "-"


def _log(scope: Scope, status: int, started: float, template: str) -> None:
    state, user_id = scope["state"], scope["state"].get("user_id")
    facts = {
        "method": scope["method"],
        "path": template,
        "status": status,
        "duration_ms": round((time.perf_counter() - started) * 1000, 1),
        "client": state["client"],
        "user_id": None if user_id is None else str(user_id),
        "request_id": state["request_id"],
    }
    tell(logger, logging.INFO if status < 500 else logging.ERROR, "request", facts)
