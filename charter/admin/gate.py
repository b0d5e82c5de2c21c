"""What every request to the admin passes first: is it readable, does it come from our own pages, whose is it."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from charter.admin.visit import begin, end
from charter.errors import (
    ApiException,
    AuthorizationException,
    BadRequestException,
    DatabaseException,
    NotFoundException,
)
from charter.serve import parse_id
from charter.store.faults import RetryError, translated

if TYPE_CHECKING:
    from charter.admin.site import Site

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
STATICS = "statics"

ZONE = "zone"
"""The cookie in which a browser says in which time zone it is."""

_PORTS: Mapping[str, int] = {"http": 80, "https": 443}
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


class Gate:
    """Plain ASGI, outermost inside the mount. What it or a screen refuses becomes an answer here."""

    def __init__(self, app: ASGIApp, site: "Site") -> None:
        self.app = app
        self.site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
        headers = Headers(scope=scope)
        is_static = path.startswith(f"/{STATICS}/")

        async def kept(message: Message) -> None:
            if message["type"] == "http.response.start":
                caching = "public, max-age=3600" if is_static else "no-store"
                MutableHeaders(scope=message).setdefault("Cache-Control", caching)
            await send(message)

        scope["router"] = self.site.addresses
        begin(path, unquote(HTTPConnection(scope).cookies.get(ZONE, "")))
        try:
            check_readable(path, scope, headers)
            check_origin(path, scope, headers)
            with translated(self.site.services.store.metadata):
                await self.app(scope, receive, kept)
        except (ApiException, RetryError) as error:
            refusal = error if isinstance(error, ApiException) else DatabaseException("The database is busy.")
            response = await self.site.error_page(scope, refusal)
            await response(scope, receive, kept)
        finally:
            end()


def check_readable(path: str, scope: Scope, headers: Headers) -> None:
    """Refuse what SQLAdmin would stumble over: NUL, a host that is none, a deletion without (or with bad) ids."""
    query = scope["query_string"].decode("latin-1")
    if "\x00" in path or "%00" in query or "\x00" in query:
        raise BadRequestException("The address has a NUL in it.")
    if not _HOST.fullmatch(headers.get("host", "")):
        raise BadRequestException("The Host header is not a host.")
    segments = path.strip("/").split("/")
    if segments[1:] == ["delete"]:
        ids = parse_qs(query).get("pks")
        if ids is None or len(ids) > 1:
            raise BadRequestException("pks has to name the rows to delete.")
        for row_id in ids[0].split(","):
            parse_id(row_id)
    elif segments[1:2] in (["details"], ["edit"]):
        if len(segments) != 3:
            raise NotFoundException
        parse_id(segments[2])
    elif segments[1:2] in (["act"], ["inline"], ["print"]):
        parse_id(segments[-1])


def check_origin(path: str, scope: Scope, headers: Headers) -> None:
    """What changes something has to come from one of our own pages: browsers say so in one of three headers."""
    segments = path.strip("/").split("/")
    if scope["method"] in SAFE and "action" not in segments:
        return
    site = headers.get("sec-fetch-site")
    if site is not None:
        allowed = site == "same-origin"
    else:
        allowed = _host_of(headers.get("origin") or headers.get("referer") or "") == _host_of(
            f"{scope['scheme']}://{headers.get('host', '')}"
        )
    if not allowed:
        raise AuthorizationException("This has to be done from a page of the admin itself.", code="cross_origin")


def _host_of(url: str) -> tuple[str, int | None]:
    """Host and port of an address. The scheme may differ behind a proxy, the rest may not."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ("", 0)
    return (parts.hostname or "", port if port != _PORTS.get(parts.scheme) else None)


__all__ = ["Gate", "check_origin", "check_readable"]
