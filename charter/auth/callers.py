"""Who a sign-in stands for: the account and its sign-in, looked up together in one statement."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, func, select

from charter.auth.sessions import Sessions
from charter.catalog import Entry
from charter.declare import Caller, Roles
from charter.store import Row, Transaction
from charter.types import Identifier, Instant, utc_now


@dataclass(frozen=True, slots=True)
class Standing:
    """Whose a sign-in is, the account's epoch, and the moment at which it ends by itself if nobody prolongs it."""

    user_id: UUID
    epoch: int
    until: datetime
    caller: Caller


class Callers:
    """The statement of one application, made once."""

    def __init__(self, sessions: Sessions, entry: Entry, roles: Roles) -> None:
        self._roles = frozenset(roles.order[1:])
        users, tokens = sessions.users.c, sessions.tokens.c
        session, now = bindparam("session", type_=Identifier()), bindparam("now", type_=Instant())
        wanted = (users.id, users.email, users.role, users.is_active, users.is_verified, users.epoch)
        ends = (func.max(tokens.idle_expires_at).label("idle"), func.max(tokens.expires_at).label("latest"))
        only = () if entry.live is None else (entry.live,)
        joined = select(*wanted, *ends).join_from(sessions.users, sessions.tokens, users.id == tokens.user_id)
        living = joined.where(sessions.alive(session, now), *only)
        self._statement: Select[Any] = living.group_by(users.id)

    def of_session(self, tx: Transaction, session: UUID) -> Standing | None:
        """Who is signed in by `session`; None where that has ended, or its account is locked."""
        found = tx.run(self._statement, {"session": session, "now": utc_now()})
        return self._standing(found[0], session) if found else None

    def _standing(self, row: Row, session: UUID) -> Standing | None:
        """None for an account that is locked, or whose role has left the policy."""
        if not row["is_active"] or row["role"] not in self._roles:
            return None
        caller = Caller(
            role=row["role"],
            id=row["id"],
            email=row["email"],
            is_active=True,
            is_verified=bool(row["is_verified"]),
            session=session,
        )
        return Standing(row["id"], row["epoch"], min(row["idle"], row["latest"]), caller)


__all__ = ["Callers", "Standing"]
