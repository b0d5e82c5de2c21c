"""Sign-ins: a family of refresh tokens each, of which one at a time is good. All of it runs inside a transaction.

Only hashes are kept. A token's successor is an HMAC of it, so that the same question has the same answer. Whoever
starts or prolongs a sign-in locks the account's row first: a reset of the password waits for them, and ends them too.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, delete, insert, select, update
from starlette.types import Scope

from charter.auth.tables import refresh_token_table
from charter.auth.tokens import derived_key
from charter.catalog import Entry
from charter.settings import Settings
from charter.store import Row, Transaction
from charter.types import utc_now, uuid7

GRACE = timedelta(seconds=10)
"""How long a token may be repeated after its use, for a client that never got the answer."""


@dataclass(frozen=True, slots=True)
class Origin:
    """From where a sign-in came: what its owner recognises it by."""

    user_agent: str = ""
    ip: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """A sign-in that is good now: whose, which one, and the refresh token to go on with."""

    user_id: UUID
    epoch: int
    session: UUID
    refresh_token: str


def origin_of(scope: Scope) -> Origin:
    """The origin of a request, cut to what the table keeps."""
    agent = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
    readable = "".join(char for char in agent.decode("latin-1") if char.isprintable())
    peer = scope.get("client") or ("",)
    return Origin(readable[:300], str(scope.get("state", {}).get("client") or peer[0])[:45])


class Sessions:
    """The table ``refresh_token`` of one application, and what may happen in it."""

    def __init__(self, settings: Settings, entry: Entry) -> None:
        self.users = entry.table
        self.tokens = refresh_token_table(entry.table)
        self._living = () if entry.live is None else (entry.live,)
        self._key = derived_key(settings.secret_key, "refresh").encode()
        self._idle = timedelta(days=settings.refresh_idle_days)
        self._absolute = timedelta(days=settings.refresh_days)

    def alive(self, session: Any, now: Any) -> ColumnElement[bool]:
        """The condition on a token's row: it belongs to `session`, and that has not ended at `now`."""
        c = self.tokens.c
        return and_(c.family_id == session, c.revoked_at.is_(None), c.expires_at > now, c.idle_expires_at > now)

    def open(self, tx: Transaction, user_id: UUID, epoch: int, origin: Origin) -> Grant | None:
        """A new sign-in; None where the account was locked out or its password changed since `epoch` was read."""
        account = self._locked(tx, user_id)
        if account is None or not account["is_active"] or account["epoch"] != epoch:
            return None
        now, c = utc_now(), self.tokens.c
        tx.execute(delete(self.tokens).where(c.user_id == user_id, c.expires_at <= now))
        grant = Grant(user_id, epoch, uuid4(), secrets.token_urlsafe(32))
        self._keep(tx, grant, now, now + self._absolute, origin)
        return grant

    def rotate(self, tx: Transaction, token: str, origin: Origin) -> Grant | None:
        """The next token for `token`; None where it is no good. A reuse ends the family, which has to be committed."""
        found = self._find(tx, token)
        account = self._locked(tx, found["user_id"]) if found else None
        if found is None or account is None or not account["is_active"]:
            return None
        now = utc_now()
        grant = Grant(found["user_id"], account["epoch"], found["family_id"], self._successor(token))
        if self._claim(tx, found["id"], now):
            self._keep(tx, grant, now, found["expires_at"], origin)
            return grant
        return self._repeated(tx, token, grant, now)

    def end(self, tx: Transaction, session: UUID, reason: str) -> None:
        """End one sign-in."""
        self._revoke(tx, self.tokens.c.family_id == session, reason)

    def end_all(self, tx: Transaction, user_id: UUID, reason: str) -> None:
        """End every sign-in of an account. Call it after the account's row was changed in the same transaction."""
        self._revoke(tx, self.tokens.c.user_id == user_id, reason)

    def end_by_token(self, tx: Transaction, token: str, user_id: UUID, reason: str) -> None:
        """End the sign-in that `token` belongs to, where it is one of `user_id`."""
        found = self._find(tx, token)
        if found is not None and found["user_id"] == user_id:
            self.end(tx, found["family_id"], reason)

    def _locked(self, tx: Transaction, user_id: UUID) -> Row | None:
        """What decides about a sign-in, held still on PostgreSQL until the transaction ends (SQLite has one writer)."""
        c = self.users.c
        wanted = select(c.epoch, c.is_active).where(c.id == user_id, *self._living)
        found = tx.execute(wanted.with_for_update(key_share=True)).mappings().first()
        return None if found is None else dict(found)

    def _find(self, tx: Transaction, token: str) -> Row | None:
        wanted = select(self.tokens).where(self.tokens.c.token_hash == _hash(token))
        found = tx.execute(wanted).mappings().first()
        return None if found is None else dict(found)

    def _claim(self, tx: Transaction, row_id: UUID, now: datetime) -> bool:
        """Use a token up, where it is good and nobody else was faster."""
        c = self.tokens.c
        good = (c.used_at.is_(None), c.revoked_at.is_(None), c.idle_expires_at > now, c.expires_at > now)
        return tx.execute(update(self.tokens).where(c.id == row_id, *good).values(used_at=now)).rowcount == 1

    def _repeated(self, tx: Transaction, token: str, grant: Grant, now: datetime) -> Grant | None:
        """A token that could not be claimed: dead, or repeated in good faith, or stolen."""
        row, successor = self._find(tx, token), self._find(tx, grant.refresh_token)
        if row is None or row["revoked_at"] is not None or row["used_at"] is None:
            return None
        unused = successor is not None and successor["used_at"] is None and successor["idle_expires_at"] > now
        if unused and now - row["used_at"] <= GRACE and row["expires_at"] > now:
            return grant
        self.end(tx, grant.session, "reuse")
        return None

    def _keep(self, tx: Transaction, grant: Grant, now: datetime, expires_at: datetime, origin: Origin) -> None:
        values = {
            "id": uuid7(),
            "created_at": now,
            "user_id": grant.user_id,
            "family_id": grant.session,
            "token_hash": _hash(grant.refresh_token),
            "idle_expires_at": now + self._idle,
            "expires_at": expires_at,
            "user_agent": origin.user_agent,
            "ip": origin.ip,
        }
        tx.execute(insert(self.tokens).values(values))

    def _revoke(self, tx: Transaction, where: ColumnElement[bool], reason: str) -> None:
        living = self.tokens.c.revoked_at.is_(None)
        tx.execute(update(self.tokens).where(where, living).values(revoked_at=utc_now(), reason=reason))

    def _successor(self, token: str) -> str:
        digest = hmac.new(self._key, token.encode(errors="surrogatepass"), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


__all__ = ["GRACE", "Grant", "Origin", "Sessions", "origin_of"]
