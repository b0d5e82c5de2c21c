"""Who a token or a session stands for: the account and its sign-in, looked up together in one statement."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, exists, select

from charter.auth.sessions import Sessions
from charter.auth.tokens import Claims
from charter.catalog import Entry
from charter.declare import Caller, Roles
from charter.store import Row, Transaction
from charter.types import Identifier, Instant, utc_now


class Callers:
    """The statement of one application, made once."""

    def __init__(self, sessions: Sessions, entry: Entry, roles: Roles) -> None:
        self._roles = frozenset(roles.order[1:])
        users, tokens = sessions.users.c, sessions.tokens.c
        session, now = bindparam("session", type_=Identifier()), bindparam("now", type_=Instant())
        wanted = (users.id, users.email, users.role, users.is_active, users.is_verified, users.epoch)
        living = exists().where(tokens.user_id == users.id, sessions.alive(session, now))
        owner = select(tokens.user_id).where(sessions.alive(session, now)).limit(1).scalar_subquery()
        only = () if entry.live is None else (entry.live,)
        user_id = bindparam("user_id", type_=Identifier())
        self._by_claims: Select[Any] = select(*wanted).where(users.id == user_id, living, *only)
        self._by_session: Select[Any] = select(*wanted).where(users.id == owner, *only)

    def of_claims(self, tx: Transaction, claims: Claims) -> Caller | None:
        """The caller behind an access token; None where the account or the sign-in has ended or changed."""
        row = self._first(tx, self._by_claims, claims.session, user_id=claims.user_id)
        return None if row is None or row["epoch"] != claims.epoch else self._caller(row, claims.session)

    def of_session(self, tx: Transaction, session: UUID) -> Caller | None:
        """The caller behind a sign-in, such as that of a cookie; None where it has ended."""
        row = self._first(tx, self._by_session, session)
        return None if row is None else self._caller(row, session)

    def _first(self, tx: Transaction, statement: Select[Any], session: UUID, **more: UUID) -> Row | None:
        found = tx.execute(statement, {"session": session, "now": utc_now(), **more}).mappings().first()
        return None if found is None else dict(found)

    def _caller(self, row: Row, session: UUID) -> Caller | None:
        """None for an account that is locked, or whose role has left the policy."""
        if not row["is_active"] or row["role"] not in self._roles:
            return None
        return Caller(
            role=row["role"],
            id=row["id"],
            email=row["email"],
            is_active=True,
            is_verified=bool(row["is_verified"]),
            session=session,
        )


__all__ = ["Callers"]
