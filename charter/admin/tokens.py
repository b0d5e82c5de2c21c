"""The token in every form: it says which sign-in a page was made for; only a page of the same one may change anything.

The login page, which has no sign-in yet, is made for a cookie of its own (``entry``), and takes what comes with both.

The origin guard (`gate.py`) is the first wall against pages of other sites, this is the second one.
"""

import hmac
import re
import secrets
from uuid import UUID

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from charter.admin.visit import visit
from charter.errors import AuthorizationException
from charter.services import Services
from charter.settings import derived_key

FIELD = "form-token"
"""The input of a form; no column can be called so."""

HEADER = "X-Form-Token"
"""The same from a script."""


ENTRY = "entry"
"""The cookie of the login page."""

ENTRY_SECONDS = 3600
"""How long a login page may stay open: it has to be opened anew then, and says so."""


_ENTRY = re.compile(r"[A-Za-z0-9_-]{43}")


def is_secure(services: Services) -> bool:
    """Whether cookies are for https alone."""
    return services.settings.is_production or services.settings.public_url.startswith("https:")


def token_of(services: Services, session: UUID) -> str:
    """The token of a sign-in: nobody can work it out without the application's secret, and no other one has it."""
    key = derived_key(services.settings.secret_key, "admin forms")
    return hmac.new(key.encode(), str(session).encode(), "sha256").hexdigest()


def entry_cookie(services: Services) -> str:
    """What the cookie of the login page is called; where it can, so that no sibling domain can write it."""
    return f"__Host-{ENTRY}" if is_secure(services) else ENTRY


def offer_entry(services: Services, request: Request) -> tuple[str, str]:
    """The cookie that a login page is made for, the one that is there or a fresh one, and the token of its form."""
    entry = request.cookies.get(entry_cookie(services), "")
    entry = entry if _ENTRY.fullmatch(entry) else secrets.token_urlsafe(32)
    return entry, _entry_token(services, entry)


def keep_entry(services: Services, answer: Response, entry: str) -> None:
    """Write the cookie; it is kept for an hour from now on, so that other login pages stay good too."""
    secure = is_secure(services)
    path = "/" if secure else "/admin"
    answer.set_cookie(
        entry_cookie(services), entry, ENTRY_SECONDS, path=path, secure=secure, httponly=True, samesite="strict"
    )


def is_entry(services: Services, request: Request, token: str) -> bool:
    """Whether a login form was made for the cookie that came with it."""
    entry = request.cookies.get(entry_cookie(services), "")
    expected = _entry_token(services, entry).encode()
    return bool(entry) and hmac.compare_digest(token.encode("utf-8", "replace"), expected)


def _entry_token(services: Services, entry: str) -> str:
    key = derived_key(services.settings.secret_key, "admin entry")
    return hmac.new(key.encode(), entry.encode("utf-8", "replace"), "sha256").hexdigest()


async def check_token(request: Request) -> None:
    """Refuse what changes something without the token of the visit's sign-in."""
    given = request.headers.get(HEADER)
    if given is None:
        told = (await request.form()).get(FIELD)
        given = told if isinstance(told, str) else ""
    if not visit().token or not hmac.compare_digest(given.encode("utf-8", "replace"), visit().token.encode()):
        raise AuthorizationException(
            "This page is of another sign-in, or was not sent whole. Open it anew and try again.", code="stale_form"
        )


def token_input(token: str = "") -> Markup:
    """What a form has in it: the token of the sign-in, or another one."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, token or visit().token)


__all__ = [
    "ENTRY_SECONDS",
    "FIELD",
    "HEADER",
    "check_token",
    "entry_cookie",
    "is_entry",
    "is_secure",
    "keep_entry",
    "offer_entry",
    "token_input",
    "token_of",
]
