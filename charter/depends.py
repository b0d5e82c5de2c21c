"""Dependencies for hand-written routes: the database, the caller, and the same decisions as everywhere else."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from charter.access import Decision
from charter.auth import Grant, hash_password, verify_password
from charter.auth.sessions import origin_of
from charter.auth.tokens import Claims, bearer_token
from charter.catalog import Entry
from charter.catalog.rows import SymbolicRow
from charter.declare import Caller
from charter.errors import AuthenticationException, AuthorizationException, NotFoundException
from charter.serve import decide
from charter.services import Services, services_of
from charter.store import Store

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

RULE = "charter_rule"
"""Attribute of an endpoint or a dependency: the (resource, action) whose decision it asks for."""

ROLE = "charter_role"
"""Attribute of a dependency: the least role that it lets pass."""

_documented = OAuth2PasswordBearer(
    tokenUrl="/auth/login", refreshUrl="/auth/refresh", scheme_name="bearer", auto_error=False
)
"""Only so that the OpenAPI document says that a route takes a bearer token."""


async def get_db(request: Request) -> AsyncIterator[AsyncSession]:
    """A session for this request: committed at the end, rolled back on any error. Take :data:`Database`."""
    async with services_of(request).store.session(writes=request.method not in SAFE) as session:
        yield session


Database = Annotated[AsyncSession, Depends(get_db, scope="function")]
"""A session whose commit comes before the answer is sent, so that no client hears of a row that was never kept."""


def get_store(request: Request) -> Store:
    """The database as hooks see it: ``await store.write(work)`` runs `work` of a Transaction in one transaction."""
    return services_of(request).store


CurrentStore = Annotated[Store, Depends(get_store)]


def get_token_from_header(request: Request) -> str | None:
    """The bearer token of the request (RFC 6750), None without one; 401 for credentials of another kind."""
    return bearer_token(request.scope)


async def get_caller(request: Request, _: Annotated[str | None, Depends(_documented)] = None) -> Caller:
    """Who calls, strangers included, counted against their limit. 401 with bad credentials."""
    services = services_of(request)
    caller = await services.auth.caller(request)
    await services.limiter.hit_user(request.scope, caller)
    return caller


async def get_current_user(caller: Annotated[Caller, Depends(get_caller)]) -> Caller:
    """Who calls; 401 for strangers."""
    if caller.id is None:
        raise AuthenticationException("Sign in to do this.")
    return caller


async def get_current_active_user(caller: Annotated[Caller, Depends(get_current_user)]) -> Caller:
    """Who calls; 401 for strangers. The account is active, since no other can call at all."""
    return caller


CurrentUser = Annotated[Caller, Depends(get_current_user)]


def require_role(role: str) -> Callable[..., Awaitable[Caller]]:
    """A dependency: the caller has `role` or one above it, else 403 (401 for strangers)."""

    async def required(request: Request, caller: CurrentUser) -> Caller:
        order = services_of(request).roles.order
        if caller.role not in order or order.index(caller.role) < order.index(role):
            raise AuthorizationException(f"This needs the role {role}.")
        return caller

    setattr(required, ROLE, role)
    return required


def require_permission(resource: str, action: str) -> Callable[..., Awaitable[Decision]]:
    """A dependency: the policy's decision about `action` on `resource`; 403 without one (401 for strangers)."""

    async def required(request: Request, caller: Annotated[Caller, Depends(get_caller)]) -> Decision:
        return decide(services_of(request), caller, resource, action)

    setattr(required, RULE, (resource, action))
    return required


def lets_pass(services: Services, role: str, call: Any) -> bool:
    """Whether a caller with `role` gets past `call`, an endpoint or a dependency, as far as that can be known of it."""
    rule, least = getattr(call, RULE, None), getattr(call, ROLE, None)
    if rule is not None and services.access.decide(role, *rule) is None:
        return False
    order = services.roles.order
    if least is not None and (least not in order or order.index(role) < order.index(least)):
        return False
    return call is not get_current_user or role != services.roles.anonymous


async def check_resource_ownership(request: Request, resource: str, row_id: UUID) -> None:
    """:class:`NotFoundException` unless the row is there and the caller's own."""
    services = services_of(request)
    entry = services.catalog.entries[resource]
    caller = await get_current_user(await get_caller(request))
    conditions = [entry.table.c.id == row_id, _owner(entry) == caller.id]
    wanted = select(entry.table.c.id).where(*conditions, *(() if entry.live is None else (entry.live,)))
    if await services.store.read(lambda tx: tx.execute(wanted).first()) is None:
        raise NotFoundException


@lru_cache
def _owner(entry: Entry) -> ColumnElement[Any]:
    """The owner's id as SQL; LookupError where the resource declares none."""
    found: ColumnElement[Any] = SymbolicRow(entry.resource.model, entry.table, entry.resource.owner).owner
    return found


async def create_access_token(request: Request, user_id: UUID) -> str:
    """An access token for `user_id`, of a new sign-in that its owner can see and end."""
    auth = services_of(request).auth
    grant = await _sign_in(request, user_id)
    return auth.access_tokens.write(grant.user_id, grant.session, grant.epoch)


async def create_refresh_token(request: Request, user_id: UUID) -> str:
    """A refresh token for `user_id`, of a new sign-in."""
    return (await _sign_in(request, user_id)).refresh_token


async def _sign_in(request: Request, user_id: UUID) -> Grant:
    auth = services_of(request).auth
    user = await auth.flow().user_db.get(user_id)
    grant = await auth.sign_in(user.id, user.epoch, origin_of(request.scope)) if user else None
    if grant is None:
        raise NotFoundException("There is no such active account.")
    return grant


async def verify_token(request: Request, token: str) -> Caller:
    """Whose access token this is, at this moment; 401 where it, its account or its sign-in is no longer good."""
    return await services_of(request).auth.caller_of_token(token)


def decode_token(request: Request, token: str) -> Claims:
    """What an access token says; 401 where it is not ours or has expired. Whether it was revoked is not looked up."""
    return services_of(request).auth.access_tokens.read(token)


__all__ = [
    "ROLE",
    "RULE",
    "SAFE",
    "CurrentStore",
    "CurrentUser",
    "Database",
    "check_resource_ownership",
    "create_access_token",
    "create_refresh_token",
    "decode_token",
    "get_caller",
    "get_current_active_user",
    "get_current_user",
    "get_db",
    "get_store",
    "get_token_from_header",
    "hash_password",
    "lets_pass",
    "require_permission",
    "require_role",
    "verify_password",
    "verify_token",
]
