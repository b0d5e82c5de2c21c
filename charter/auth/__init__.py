"""Accounts: fastapi-users' door. Passwords, sign-ins, tokens, and who the caller of a request is."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from fastapi.security import OAuth2PasswordRequestForm
from pydantic import TypeAdapter, ValidationError
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from charter.access import InForce
from charter.auth.callers import Callers
from charter.auth.cookie import RefreshCookie
from charter.auth.hooks import AccountHooks
from charter.auth.manager import AccountDatabase, Accounts, account_of
from charter.auth.notices import Notices
from charter.auth.outbox import Outbox
from charter.auth.passwords import hash_password, passwords, verify_password
from charter.auth.post import Post
from charter.auth.routes import make_routes
from charter.auth.sessions import Grant, Origin, Sessions, origin_of
from charter.auth.standing import Standings
from charter.auth.tables import ACCOUNT_INPUTS, Account, Email, Password, normal_email, relate_refresh_tokens
from charter.auth.tokens import AccessTokens, bearer_token, invalid_token
from charter.bodies import field_errors
from charter.catalog import Entry
from charter.declare import Caller, Hooks, Roles
from charter.errors import (
    AuthenticationException,
    DeclarationError,
    NotFoundException,
    Problem,
    ValidationException,
)
from charter.plugins.ratelimit import RateLimiter
from charter.settings import Settings
from charter.store import Row, Store


class Auth:
    """The accounts of one application. Made at start without I/O; :meth:`close` waits for mails under way.

    `entry` is the compiled account class; :attr:`entry` is the same with the hooks of accounts, and belongs into the
    catalog.
    """

    def __init__(
        self, settings: Settings, store: Store, entry: Entry, roles: Roles, limiter: RateLimiter, policy: InForce
    ) -> None:
        _check(entry, roles)
        relate_refresh_tokens(entry.resource.model)
        self.settings = settings
        self.store = store
        self.roles = roles
        self.limiter = limiter
        self.policy = policy
        self.outbox = Outbox(entry)
        self.post = Post(settings, store, self.outbox)
        self.notices = Notices(entry.table.metadata)
        self.sessions = Sessions(settings, entry, self.notices)
        self.standings = Standings(store, Callers(self.sessions, entry, roles), self.notices)
        self.access_tokens = AccessTokens(settings)
        self.cookie = RefreshCookie(settings)
        self._hooks = AccountHooks(roles, self.sessions, self.notices, self.outbox, self.post.owe).hooks()
        self.entry = self.outbox.entry = replace(entry, hooks=(*entry.hooks, self._hooks))
        self.routes = make_routes(self)

    def hooks(self) -> Hooks:
        """What every write to an account goes through; :attr:`entry` has it already."""
        return self._hooks

    async def start(self) -> None:
        """Begin to remember who is signed in, and to look for mails that were left behind."""
        self.standings.start()
        self.post.start()

    async def close(self) -> None:
        """Wait a moment for mails under way."""
        await self.standings.close()
        await self.post.close()

    def flow(self) -> Accounts:
        """A fresh manager for one flow; ``flow().user_db.commit(...)`` ends it."""
        return Accounts(AccountDatabase(self.store, self.entry, self.post.owe))

    async def caller(self, connection: HTTPConnection | Scope) -> Caller:
        """Who sends this request: anonymous without credentials, :class:`AuthenticationException` with bad ones.

        No read of the database for a sign-in that this process remembers, one for any other.
        """
        scope = connection.scope if isinstance(connection, HTTPConnection) else connection
        state = scope.setdefault("state", {})
        if "caller" not in state:
            state["caller"] = await self._identify(scope)
        found: Caller = state["caller"]
        return found

    async def _identify(self, scope: Scope) -> Caller:
        try:
            token = bearer_token(scope)
            if token is None:
                return Caller(role=self.roles.anonymous)
            caller = await self.caller_of_token(token)
        except AuthenticationException:
            await self.limiter.bad_credentials(scope)
            raise
        scope["state"]["user_id"] = caller.id
        return caller

    async def caller_of_token(self, token: str) -> Caller:
        """Whose access token this is; :class:`AuthenticationException` where it is not, or no longer, good."""
        claims = self.access_tokens.read(token)
        found = await self.standings.of(claims.session)
        if found is None or (found.user_id, found.epoch) != (claims.user_id, claims.epoch):
            raise invalid_token()
        return found.caller

    async def login(self, email: str, password: str, scope: Scope) -> Row | None:
        """The account that these credentials open, as all columns, or None. Counts as an attempt to sign in."""
        await self.limiter.hit_sign_in(scope, email)
        user = await self._authenticate(email, password)
        return None if user is None else user.model_dump()

    async def enter(self, email: str, password: str, scope: Scope) -> Grant | None:
        """Start the sign-in that these credentials open; None where they open nothing. Counts as an attempt."""
        await self.limiter.hit_sign_in(scope, email)
        for _ in range(2):  # the account may change while its password is checked
            user = await self._authenticate(email, password)
            if user is None:
                return None
            grant = await self.sign_in(user.id, user.epoch, origin_of(scope), hashed=user.hashed_password)
            if grant is not None:
                self._renew_hash(user, password)
                return grant
        return None

    async def _authenticate(self, email: str, password: str) -> Account | None:
        return await self.flow().authenticate(OAuth2PasswordRequestForm(username=email, password=password))

    def _renew_hash(self, user: Account, password: str) -> None:
        """After the answer: a hash is as slow as a check, and nobody needs to wait for it."""
        if passwords.is_old(user.hashed_password):
            self.post.later(self.flow().renew_hash(user, password))

    async def open_session(self, user: Row, password: str, scope: Scope) -> UUID | None:
        """Start a sign-in for an account from :meth:`login`; its id. None where the account changed since then."""
        hashed = user["hashed_password"]
        grant = await self.sign_in(user["id"], user["epoch"], origin_of(scope), hashed=hashed)
        if grant is None:
            return None
        self._renew_hash(account_of(self.entry, user), password)
        return grant.session

    async def sign_in(self, user_id: UUID, epoch: int, origin: Origin, *, hashed: str | None = None) -> Grant | None:
        """Start a sign-in; None where the account is inactive, or changed since `epoch` (and `hashed`) were read."""
        return await self.store.write(lambda tx: self.sessions.open(tx, user_id, epoch, origin, hashed=hashed))

    async def caller_of_session(self, session: UUID) -> Caller | None:
        """The caller whose sign-in this is, None where it has ended."""
        found = await self.standings.of(session)
        return None if found is None else found.caller

    async def end_session(self, session: UUID) -> None:
        """End a sign-in, and with it every token of it."""
        await self.store.write(lambda tx: self.sessions.end(tx, session, "logout"))

    def tokens(self, grant: Grant, scope: Scope) -> Response:
        """The answer to a client that has signed in; a browser gets the refresh token in a cookie, where that is on."""
        in_cookie = self.cookie.is_for(scope)
        body = {
            "access_token": self.access_tokens.write(grant.user_id, grant.session, grant.epoch),
            "refresh_token": None if in_cookie else grant.refresh_token,
            "token_type": "bearer",
            "expires_in": self.access_tokens.seconds,
        }
        response = JSONResponse(body, headers={"Cache-Control": "no-store"})
        self.cookie.write(response, grant.refresh_token)
        return response

    async def create_account(self, email: str, password: str, role: str, *, verified: bool, **fields: Any) -> UUID:
        """Make an account with system authority. :class:`ValidationException` for what breaks its rules."""
        _valid(_PASSWORD, password, "/password")
        values = {**fields, "email": _valid(_EMAIL, email, "/email"), "role": role, "is_verified": verified}
        flow = self.flow()
        user = await flow.register(values, password)
        await flow.user_db.commit(lambda _: None)
        return user.id

    async def promote(self, email: str, role: str) -> None:
        """Give an account a role. :class:`NotFoundException` where nobody has the address."""
        flow = self.flow()
        user = await flow.user_db.get_by_email(email)
        if user is None:
            raise NotFoundException("Nobody has this e-mail address.")
        await flow.user_db.update(user, {"role": role})
        await flow.user_db.commit(lambda _: None)


_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
_PASSWORD: TypeAdapter[str] = TypeAdapter(Password)


def _valid(adapter: TypeAdapter[str], value: str, pointer: str) -> str:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        errors = [replace(item, pointer=pointer) for item in field_errors(found)]
        raise ValidationException(errors=errors) from None


def _check(entry: Entry, roles: Roles) -> None:
    """What an application has to declare about its accounts; all of it is told at once."""
    where, problems = f"resource {entry.name}", []
    if not issubclass(entry.resource.model, Account):
        problems.append(Problem("account_class", where, "the class of accounts does not derive from Account"))
    if not {item.name for item in ACCOUNT_INPUTS} <= entry.inputs.keys():
        hint = "Declare it with extra=ACCOUNT_INPUTS."
        problems.append(Problem("account_inputs", where, "the password inputs are missing", hint))
    if roles.default not in roles.order[1:]:
        message = "the default role of new accounts is not one of the roles above the first"
        problems.append(Problem("default_role", "roles", message))
    if problems:
        raise DeclarationError(problems)


__all__ = [
    "ACCOUNT_INPUTS",
    "Account",
    "Auth",
    "Email",
    "Grant",
    "Password",
    "hash_password",
    "normal_email",
    "verify_password",
]
