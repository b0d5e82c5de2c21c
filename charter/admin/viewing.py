"""The admin as another role is shown it: to look at, never to change anything.

A cookie beside the sign-in's names the role. It is good for this sign-in alone, and judged anew on every request:
whoever no longer may, sees the admin as themselves again.
"""

import hmac
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote
from uuid import UUID

from sqladmin.authentication import login_required
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from charter.admin.gate import SAFE
from charter.admin.tokens import FIELD, is_secure
from charter.admin.visit import visit
from charter.declare import Caller
from charter.errors import AuthorizationException, BadRequestException
from charter.projection import PolicyGrant
from charter.services import Services
from charter.settings import derived_key

if TYPE_CHECKING:
    from charter.admin.site import Site

COOKIE = "view-as"

DOORS = frozenset({"view-as", "logout"})
"""Paths that take a POST from somebody who only looks: to stop looking, or to go."""


def may_see_policy(services: Services, role: str) -> bool:
    """Whether a role may list what the policy's rules are shown as; False where the application does not show them."""
    entries = services.catalog.entries.values()
    shown = next((entry for entry in entries if issubclass(entry.resource.model, PolicyGrant)), None)
    return shown is not None and services.access.decide(role, shown.name, "list") is not None


def viewable(services: Services, caller: Caller | None) -> tuple[str, ...]:
    """The roles that the caller may see the admin as: those that get in, up to their own, the least powerful first."""
    if caller is None or not may_see_policy(services, caller.role):
        return ()
    order = services.roles.order
    up_to_own = order[: order.index(caller.role) + 1]
    return tuple(role for role in up_to_own if services.access.decide(role, "admin", "access") is not None)


def look(services: Services, request: Request, session: UUID) -> None:
    """Let the visit's caller be whom they look as; refuse whatever would change something then."""
    here = visit()
    role, _, mark = request.cookies.get(COOKIE, "").partition(".")
    role = unquote(role)
    is_ours = hmac.compare_digest(mark.encode("utf-8", "replace"), _mark(services, session, role).encode())
    if here.caller is None or not is_ours or role not in viewable(services, here.caller):
        return
    here.viewer, here.caller = here.caller, replace(here.caller, role=role)
    if request.method not in SAFE and here.path not in DOORS:
        raise only_looking(role)


def only_looking(role: str) -> AuthorizationException:
    """The refusal of a change while somebody looks as another role."""
    return AuthorizationException(
        f"You only look at the admin as {role}. Leave that to change anything.", code="view_only"
    )


def _mark(services: Services, session: UUID, role: str) -> str:
    """What proves that the server wrote the cookie, for this sign-in."""
    key = derived_key(services.settings.secret_key, "admin view")
    return hmac.new(key.encode(), f"{session}:{role}".encode("utf-8", "replace"), "sha256").hexdigest()


@login_required
async def view_as_page(site: "Site", request: Request) -> Response:
    """``POST /view-as``: see the admin as the ``role`` of the form; as oneself again where that is empty."""
    services, here = site.services, visit()
    form = await site._handle_form_data(request)  # noqa: SLF001 # no files
    if form.keys() - {"role", FIELD}:
        raise BadRequestException("This form has other fields.")
    role = str(form.get("role", ""))
    caller = here.viewer or here.caller
    answer = RedirectResponse(request.url_for("admin:index"), 302)
    if not role:
        answer.delete_cookie(COOKIE, path="/admin")
        return answer
    if caller is None or caller.session is None or role not in viewable(services, caller):
        raise AuthorizationException("You cannot see the admin as that role.")
    value = f"{quote(role, safe='')}.{_mark(services, caller.session, role)}"
    answer.set_cookie(
        COOKIE, value, path="/admin", secure=is_secure(services), httponly=True, samesite="strict"
    )  # until the browser closes; it is worth nothing after the sign-in
    return answer


__all__ = ["COOKIE", "look", "may_see_policy", "only_looking", "view_as_page", "viewable"]
