"""The refresh token in a cookie that no script can read, for browsers, where ``REFRESH_COOKIE`` is on.

A cookie comes along whoever makes a browser ask. So it counts only for requests from pages of an allowed origin, which
browsers name and scripts cannot forge.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from charter.errors import AuthorizationException
from charter.settings import Settings

NAME = "__Host-refresh"
"""The prefix binds it to this host: no subdomain and no plain connection can set or replace it."""


class RefreshCookie:
    """The cookie of one application; where it is off nothing is written and nothing is read."""

    def __init__(self, settings: Settings) -> None:
        self.is_on = settings.refresh_cookie
        self._origins = frozenset(settings.cors_origins)
        self._seconds = round(settings.refresh_days * 86_400)

    def read(self, request: Request) -> str | None:
        """The token in the cookie. :class:`AuthorizationException` where another site's page may have sent it."""
        token = request.cookies.get(NAME) if self.is_on else None
        if token is not None and not self._is_ours(request.headers):
            raise AuthorizationException("The cookie counts for pages of an allowed origin only.", code="cross_origin")
        return token

    def _is_ours(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site") == "same-origin"
        return origin.lower() in self._origins or _host_of(origin) == headers.get("host", "").lower()

    def is_for(self, scope: Scope) -> bool:
        """Whether the token goes into the cookie alone: a browser asks, and its scripts need no token."""
        headers = Headers(scope=scope)
        return self.is_on and ("origin" in headers or "sec-fetch-site" in headers)

    def write(self, response: Response, token: str) -> None:
        """Let the browser keep `token`."""
        if self.is_on:
            response.set_cookie(
                NAME, token, max_age=self._seconds, path="/", secure=True, httponly=True, samesite="strict"
            )

    def clear(self, response: Response) -> None:
        """Let the browser forget it."""
        if self.is_on:
            response.delete_cookie(NAME, path="/", secure=True, httponly=True, samesite="strict")


def _host_of(origin: str) -> str:
    """Host and port as in a Host header; the scheme may differ behind a proxy."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


__all__ = ["NAME", "RefreshCookie"]
