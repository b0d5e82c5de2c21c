"""Sign-ins: a family of refresh tokens each, of which one at a time is good. All of it runs inside a transaction.

Only hashes are kept. A token's successor is an HMAC of it, so that the same question has the same answer. Whoever
starts or prolongs a sign-in locks the account's row first: a reset of the password waits for them, and ends them too.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, delete, insert, select, update
from starlette.types import Scope

from charter.auth.notices import Notices
from charter.auth.tables import refresh_token_table
from charter.catalog import Entry
from charter.settings import Settings, derived_key
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


PURGED_AT_ONCE = 1_000
"""Old tokens that one run of the purge deletes."""


class Sessions:
    """The table ``refresh_token`` of one application, and what may happen in it."""

    def __init__(self, settings: Settings, entry: Entry, notices: Notices) -> None:
        self._notices = notices
        self.users = entry.table
        self.tokens = refresh_token_table(entry.table)
        self._living = () if entry.live is None else (entry.live,)
        secrets = (settings.secret_key, *settings.previous_secret_keys)
        self._keys = [derived_key(secret, "refresh").encode() for secret in secrets]
        self._idle = timedelta(days=settings.refresh_idle_days)
        self._absolute = timedelta(days=settings.refresh_days)

    def alive(self, session: Any, now: Any) -> ColumnElement[bool]:
        """The condition on a token's row: it belongs to `session`, and that has not ended at `now`."""
        c = self.tokens.c
        return and_(c.family_id == session, c.revoked_at.is_(None), c.expires_at > now, c.idle_expires_at > now)

    def open(
        self, tx: Transaction, user_id: UUID, epoch: int, origin: Origin, *, hashed: str | None = None
    ) -> Grant | None:
        """A new sign-in; None where the account was locked out since `epoch` was read.

        Where it is a password that opens it, `hashed` is what that was checked against: None if it is another by now.
        """
        account = self._locked(tx, user_id)
        if account is None or not account["is_active"] or account["epoch"] != epoch:
            return None
        if hashed is not None and account["hashed_password"] != hashed:
            return None
        now = utc_now()
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
        grant = Grant(found["user_id"], account["epoch"], found["family_id"], _successor(token, self._keys[0]))
        if self._claim(tx, found["id"], now):
            self._keep(tx, grant, now, found["expires_at"], origin)
            return grant
        return self._repeated(tx, token, grant, now)

    def end(self, tx: Transaction, session: UUID, reason: str) -> None:
        """End one sign-in."""
        self._revoke(tx, self.tokens.c.family_id == session, reason)
        self._notices.tell(tx, session)

    def end_own(self, tx: Transaction, session: UUID, user_id: UUID, reason: str) -> bool:
        """End one sign-in of an account; whether there was such a one, still alive."""
        c = self.tokens.c
        mine = select(c.id).where(c.user_id == user_id, self.alive(session, utc_now())).limit(1)
        found = tx.execute(mine).first() is not None
        if found:
            self.end(tx, session, reason)
        return found

    def end_others(self, tx: Transaction, user_id: UUID, kept: UUID | None, reason: str) -> None:
        """End every sign-in of an account but `kept`. Call it after the account's row was changed, likewise."""
        others = () if kept is None else (self.tokens.c.family_id != kept,)
        self._revoke(tx, and_(self.tokens.c.user_id == user_id, *others), reason)
        self._notices.tell(tx, user_id)

    def end_all(self, tx: Transaction, user_id: UUID, reason: str) -> None:
        """End every sign-in of an account. Call it after the account's row was changed in the same transaction."""
        self.end_others(tx, user_id, None, reason)

    def end_by_token(self, tx: Transaction, token: str, user_id: UUID, reason: str) -> None:
        """End the sign-in that `token` belongs to, where it is one of `user_id`."""
        found = self._find(tx, token)
        if found is not None and found["user_id"] == user_id:
            self.end(tx, found["family_id"], reason)

    def purge(self, tx: Transaction) -> bool:
        """Delete tokens whose sign-in can never be prolonged again; whether there may be more."""
        c = self.tokens.c
        old = select(c.id).where(c.expires_at <= utc_now()).limit(PURGED_AT_ONCE)
        return tx.execute(delete(self.tokens).where(c.id.in_(old))).rowcount == PURGED_AT_ONCE

    def _locked(self, tx: Transaction, user_id: UUID) -> Row | None:
        """What decides about a sign-in, held still on PostgreSQL until the transaction ends (SQLite has one writer)."""
        c = self.users.c
        wanted = select(c.epoch, c.is_active, c.hashed_password).where(c.id == user_id, *self._living)
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
        row = self._find(tx, token)
        if row is None or row["revoked_at"] is not None or row["used_at"] is None:
            return None
        if now - row["used_at"] <= GRACE and row["expires_at"] > now:
            for given in (_successor(token, key) for key in self._keys):  # the secret may have changed since
                successor = self._find(tx, given)
                if successor is not None and successor["used_at"] is None and successor["idle_expires_at"] > now:
                    return replace(grant, refresh_token=given)
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


def _successor(token: str, key: bytes) -> str:
    digest = hmac.new(key, token.encode(errors="surrogatepass"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


__all__ = ["GRACE", "Grant", "Origin", "Sessions", "origin_of"]
