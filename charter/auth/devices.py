"""The sign-ins of an account as its owner sees them: on which device, since when, when last used; and their end."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import BaseModel
from pydantic import Field as PydanticField
from sqlalchemy import Select, bindparam, func, select
from starlette.requests import Request
from starlette.responses import Response

from charter.auth.sessions import Sessions
from charter.auth.tables import as_uuid
from charter.declare import Caller
from charter.errors import AuthenticationException, NotFoundException
from charter.plugins.parameters import read_query
from charter.reply import Place, empty_reply, page_reply
from charter.store import Row, Transaction
from charter.types import Identifier, Instant, time_text, utc_now

if TYPE_CHECKING:
    from charter.auth import Auth

LONGEST_LIST = 1_000
"""Sign-ins that are shown at most, the last used ones."""

NO_STORE = {"Cache-Control": "no-store"}


class Device(BaseModel):
    """One sign-in. ``last_used_at``: when a refresh last prolonged it; ``current``: whether it is the one that asks."""

    id: UUID = PydanticField(examples=["01997a4e-7f0c-7c3a-9b1e-2f6d8c5b4a10"])
    created_at: datetime = PydanticField(examples=["2026-01-31T12:00:00.000000Z"])
    last_used_at: datetime = PydanticField(examples=["2026-02-01T08:30:00.000000Z"])
    expires_at: datetime = PydanticField(examples=["2026-02-15T08:30:00.000000Z"])
    user_agent: str = PydanticField(examples=["Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"])
    ip: str = PydanticField(examples=["192.0.2.1"])
    current: bool = PydanticField(examples=[True])


class Devices:
    """The endpoints of ``/auth/sessions``."""

    def __init__(self, auth: "Auth") -> None:
        self.auth = auth
        self._statement = _statement(auth.sessions)

    async def sessions(self, request: Request) -> Response:
        """Every living sign-in of the caller, the one that was used last first."""
        caller, user_id = await self._caller(request)
        values = {"user": user_id, "now": utc_now()}

        def work(tx: Transaction) -> list[Row]:
            return [dict(row) for row in tx.execute(self._statement, values).mappings()]

        rows = [json.dumps(_shown(row, caller)) for row in await self.auth.store.read(work)]
        return page_reply(rows, Place(len(rows), 1, LONGEST_LIST, 1, None, None), dict(NO_STORE))

    async def end_session(self, request: Request) -> Response:
        """End one sign-in of the caller; 404 for any other, and for one that has ended."""
        _, user_id = await self._caller(request)
        session = as_uuid(request.path_params["id"])
        sessions = self.auth.sessions

        def work(tx: Transaction) -> bool:
            return session is not None and sessions.end_own(tx, session, user_id, "ended")

        if not await self.auth.store.write(work):
            raise NotFoundException
        return empty_reply()

    async def end_sessions(self, request: Request) -> Response:
        """End every sign-in of the caller, the one that asks included."""
        _, user_id = await self._caller(request)
        await self.auth.store.write(lambda tx: self.auth.sessions.end_all(tx, user_id, "ended"))
        response = empty_reply()
        self.auth.cookie.clear(response)
        return response

    async def _caller(self, request: Request) -> tuple[Caller, UUID]:
        read_query(request.scope["query_string"]).finish()
        caller = await self.auth.caller(request)
        if caller.id is None:
            raise AuthenticationException
        await self.auth.limiter.hit_user(request.scope, caller)
        return caller, caller.id


def _statement(sessions: Sessions) -> Select[Any]:
    """The newest token of each living sign-in, and when the oldest was made."""
    c, first = sessions.tokens.c, sessions.tokens.alias()
    user, now = bindparam("user", type_=Identifier()), bindparam("now", type_=Instant())
    since = select(func.min(first.c.created_at)).where(first.c.family_id == c.family_id).scalar_subquery()
    wanted = (c.family_id, c.created_at, c.idle_expires_at, c.expires_at, c.user_agent, c.ip, since.label("since"))
    living = (
        c.user_id == user,
        c.used_at.is_(None),
        c.revoked_at.is_(None),
        c.idle_expires_at > now,
        c.expires_at > now,
    )
    return select(*wanted).where(*living).order_by(c.created_at.desc(), c.id).limit(LONGEST_LIST)


def _shown(row: Row, caller: Caller) -> dict[str, Any]:
    return {
        "id": str(row["family_id"]),
        "created_at": time_text(row["since"]),
        "last_used_at": time_text(row["created_at"]),
        "expires_at": time_text(min(row["idle_expires_at"], row["expires_at"])),
        "user_agent": row["user_agent"],
        "ip": row["ip"],
        "current": row["family_id"] == caller.session,
    }


__all__ = ["Device", "Devices"]
