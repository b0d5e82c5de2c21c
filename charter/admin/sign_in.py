"""Who gets in and what they may do there: the application's own accounts and sign-ins, and the decision table."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqladmin.authentication import AuthenticationBackend
from sqladmin.authorization import AuthorizationBackend
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from charter.admin.gate import SAFE
from charter.admin.sight import sight_of
from charter.admin.tokens import FIELD, check_token, is_entry, is_secure, token_of
from charter.admin.viewing import COOKIE as VIEW
from charter.admin.viewing import look
from charter.admin.visit import visit
from charter.declare import Caller
from charter.errors import AuthenticationException
from charter.services import Services
from charter.settings import derived_key

if TYPE_CHECKING:
    from charter.admin.site import Site

HOURS = 8
"""How long a sign-in to the admin lasts; the cookie is written once and never prolonged."""

COOKIE = "session"
SESSION = "sid"

_ACTIONS = {"list": "list", "details": "read", "create": "create", "edit": "update", "delete": "delete"}
"""What SQLAdmin calls an action -> what the policy calls it."""


class Door(AuthenticationBackend):
    """The login page. A cookie holds the id of a sign-in, which is looked up on every request."""

    site: "Site"

    def __init__(self, services: Services) -> None:
        self.services = services
        super().__init__(
            secret_key=derived_key(services.settings.secret_key, "admin"),
            session_cookie=COOKIE,
            max_age=HOURS * 3600,
            path="/admin",
            same_site="strict",
            https_only=is_secure(services),
        )

    def _admits(self, role: str) -> bool:
        return self.services.access.decide(role, "admin", "access") is not None

    async def login(self, request: Request) -> Response | bool:
        """Start a sign-in, or show the page again with the reason."""
        async with request.form() as form:
            email, password, token = form.get("username"), form.get("password"), form.get(FIELD)
        if not isinstance(email, str) or not isinstance(password, str):
            return await self.site.login_page(request, "E-mail and password are needed.", 400)
        if not is_entry(self.services, request, token if isinstance(token, str) else ""):
            return await self.site.login_page(request, "This page was open for too long. Please sign in again.", 403)
        auth = self.services.auth
        user = await auth.login(email, password, request.scope)
        if user is None:
            return await self.site.login_page(request, "The e-mail or the password is wrong.", 400)
        if not self._admits(user["role"]):
            return await self.site.login_page(request, "This account may not enter the admin.", 403)
        await self._end(request)
        session = await auth.open_session(user, password, request.scope)
        if session is None:
            return await self.site.login_page(request, "The account has just changed; try again.", 400)
        request.session[SESSION] = str(session)
        return True

    async def logout(self, request: Request) -> Response | bool:
        """End the sign-in itself, not only the cookie, and whatever was looked at as another role."""
        await self._end(request)
        answer = RedirectResponse(request.url_for("admin:login"), 302)
        answer.delete_cookie(VIEW, path="/admin")
        return answer

    async def _end(self, request: Request) -> None:
        session = _session_of(request)
        request.session.clear()
        if session is not None:
            await self.services.auth.end_session(session)

    async def authenticate(self, request: Request) -> Response | bool:
        """The caller behind the cookie, counted against their limit; to the login page where there is none."""
        caller = await self._caller(request)
        if caller is None:
            if request.session:
                request.session.clear()
            if request.method not in SAFE and visit().path != "logout":
                raise AuthenticationException("Your session has ended; sign in again.")
            return False
        visit().caller = caller
        request.state.user_id = caller.id
        await self.services.limiter.hit_user(request.scope, caller)
        session = _session_of(request)
        visit().token = token_of(self.services, session) if session is not None else ""
        if request.method not in SAFE:
            await check_token(request)
        if session is not None:
            look(self.services, request, session)
        return True

    async def _caller(self, request: Request) -> Caller | None:
        session = _session_of(request)
        caller = await self.services.auth.caller_of_session(session) if session is not None else None
        return caller if caller is not None and self._admits(caller.role) else None

    async def get_user_id(self, request: Request) -> Any:  # noqa: ARG002 # SQLAdmin's face
        """The account behind the visit."""
        caller = visit().caller
        return caller.id if caller is not None else None


def _session_of(request: Request) -> UUID | None:
    try:
        return UUID(str(request.session.get(SESSION)))
    except ValueError:
        return None


class Rights(AuthorizationBackend):
    """Every button and screen, by the decision table."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def has_permission(self, request: Request, identity: str, action: str, obj: Any | None = None) -> bool:  # noqa: ARG002 # same
        """Whether the caller may do `action` on the resource, and on the row where one is given."""
        here, wanted = visit(), _ACTIONS.get(action)
        entry = self.services.catalog.entries.get(identity)
        if wanted is None or entry is None:
            return False
        if not sight_of(self.services, entry).may(wanted):
            return False
        return obj is None or wanted not in here.within or obj.id in here.within[wanted]


__all__ = ["COOKIE", "HOURS", "SESSION", "Door", "Rights"]
