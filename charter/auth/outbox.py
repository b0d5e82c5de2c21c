"""Mails that are owed, as rows: what kind, and to which address. They survive a restart, and leave one at a time.

A row never holds what the mail says. Its token is made when the mail is about to leave, and only its hash is kept; so
neither the table nor a backup of it opens any account.
"""

import hashlib
import random
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Index, delete, exists, insert, select, update
from sqlalchemy import Table as SqlTable

from charter.auth.letters import KINDS, MINUTES, VERIFY
from charter.catalog import Entry
from charter.declare import Change
from charter.store import Row, Transaction
from charter.types import Identifier, Instant, Text, WholeNumber, utc_now, uuid7

LEASE = timedelta(minutes=2)
"""How long a mail belongs to the process that took it; longer than any attempt to send it."""

FIRST_RETRY, LAST_RETRY = timedelta(seconds=5), timedelta(minutes=15)
"""The pause after the first failure, doubled after each further one, and the longest."""

GIVEN_UP = timedelta(days=1)
"""How long a mail is tried."""

PURGED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that this process has taken, to be sent now. ``attempt`` counts from 1."""

    id: UUID
    kind: str
    to: str
    token: str
    attempt: int


def outbox_table(users: SqlTable) -> SqlTable:
    """The table ``mail_outbox`` beside `users`."""
    metadata = users.metadata
    if "mail_outbox" in metadata.tables:
        return metadata.tables["mail_outbox"]
    return SqlTable(
        "mail_outbox",
        metadata,
        Column("id", Identifier(), primary_key=True, default=uuid7),
        Column("created_at", Instant(), nullable=False, default=utc_now),
        Column("kind", Text(20), nullable=False),
        Column("email", Text(254), nullable=False),
        Column("due_at", Instant(), nullable=False),
        Column("attempts", WholeNumber(), nullable=False, default=0),
        Index("ix_mail_outbox_due_at", "due_at"),
    )


def mail_token_table(users: SqlTable) -> SqlTable:
    """The table ``mail_token`` beside `users`."""
    metadata = users.metadata
    if "mail_token" in metadata.tables:
        return metadata.tables["mail_token"]
    return SqlTable(
        "mail_token",
        metadata,
        Column("id", Identifier(), primary_key=True, default=uuid7),
        Column("created_at", Instant(), nullable=False, default=utc_now),
        Column("user_id", Identifier(), ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
        Column("kind", Text(20), nullable=False),
        Column("token_hash", Text(64), nullable=False),
        Column("expires_at", Instant(), nullable=False),
        Index("uq_mail_token_token_hash", "token_hash", unique=True),
        Index("ix_mail_token_user_id", "user_id"),
        Index("ix_mail_token_expires_at", "expires_at"),
    )


class Outbox:
    """The mails that one application owes, and the tokens in those that it sent."""

    def __init__(self, entry: Entry) -> None:
        self.rows = outbox_table(entry.table)
        self.tokens = mail_token_table(entry.table)
        self.entry = entry
        self._living = () if entry.live is None else (entry.live,)

    def put(self, tx: Transaction, kind: str, email: str) -> None:
        """Owe a mail to an address, whoever that belongs to: the same work for known and unknown ones."""
        now = utc_now()
        tx.execute(insert(self.rows).values(id=uuid7(), created_at=now, kind=kind, email=email, due_at=now, attempts=0))

    def is_due(self, tx: Transaction) -> bool:
        """Whether a mail could leave now."""
        return bool(tx.execute(select(exists().where(self.rows.c.due_at <= utc_now()))).scalar_one())

    def take(self, tx: Transaction) -> tuple[bool, Letter | None]:
        """Take one mail that is due: whether there was one, and what to send of it.

        Nothing for an address that nobody has, or whose owner needs no such mail any more; that row is done with.
        """
        c, now = self.rows.c, utc_now()
        due = select(self.rows).where(c.due_at <= now).order_by(c.due_at, c.id).limit(1)
        row = tx.execute(due.with_for_update(skip_locked=True)).mappings().first()
        if row is None:
            return False, None
        user = self._owner(tx, row["email"], row["kind"])
        if user is None:
            self.done(tx, row["id"])
            return True, None
        attempt = row["attempts"] + 1
        tx.execute(update(self.rows).where(c.id == row["id"]).values(due_at=now + LEASE, attempts=attempt))
        return True, Letter(row["id"], row["kind"], row["email"], self._issue(tx, user["id"], row["kind"]), attempt)

    def _owner(self, tx: Transaction, email: str, kind: str) -> Row | None:
        """The account, held still, that a mail of `kind` to this address is for."""
        c = self.entry.table.c
        wanted = select(c.id, c.is_active, c.is_verified).where(c.email == email, *self._living)
        user = tx.execute(wanted.with_for_update(key_share=True)).mappings().first()
        if user is None or not user["is_active"] or (kind == VERIFY and user["is_verified"]):
            return None
        return dict(user)

    def done(self, tx: Transaction, letter_id: UUID) -> None:
        """Forget a mail that was sent, or is not wanted any more."""
        tx.execute(delete(self.rows).where(self.rows.c.id == letter_id))

    def postpone(self, tx: Transaction, letter: Letter) -> bool:
        """Try a mail again after a pause; False where it is given up, or a later one of its kind will say the same."""
        c, now = self.rows.c, utc_now()
        pause = min(FIRST_RETRY * 2 ** min(letter.attempt - 1, 20), LAST_RETRY)
        pause *= random.uniform(0.8, 1.2)  # noqa: S311 # spread, not secret
        twin = self.rows.alias()
        later = exists().where(twin.c.email == c.email, twin.c.kind == c.kind, twin.c.id > c.id)
        keep = (c.id == letter.id, c.created_at > now - GIVEN_UP, ~later)
        if tx.execute(update(self.rows).where(*keep).values(due_at=now + pause)).rowcount == 1:
            return True
        self.done(tx, letter.id)
        return False

    def _issue(self, tx: Transaction, user_id: UUID, kind: str) -> str:
        """A fresh token, the only good one of its kind for this account."""
        self.void(tx, user_id, kind)
        token, now = secrets.token_urlsafe(32), utc_now()
        values = {"id": uuid7(), "created_at": now, "user_id": user_id, "kind": kind, "token_hash": _hash(token)}
        tx.execute(insert(self.tokens).values(**values, expires_at=now + timedelta(minutes=MINUTES)))
        return token

    def void(self, tx: Transaction, user_id: UUID, *kinds: str) -> None:
        """Make the mailed tokens of an account no good."""
        c = self.tokens.c
        tx.execute(delete(self.tokens).where(c.user_id == user_id, c.kind.in_(kinds or KINDS)))

    def owner_of(self, tx: Transaction, token: str, kind: str) -> UUID | None:
        """Whose token of `kind` this is; None where it is made up, used, void, of another kind or too old."""
        c = self.tokens.c
        wanted = select(c.user_id).where(c.token_hash == _hash(token), c.kind == kind, c.expires_at > utc_now())
        return tx.execute(wanted).scalar_one_or_none()

    def use(self, tx: Transaction, token: str, kind: str, **values: object) -> bool:
        """Change the account that `token` is for, and use the token up; False where it is no good."""
        user_id = self.owner_of(tx, token, kind)
        if user_id is None:
            return False
        c = self.entry.table.c
        held = select(self.entry.table).where(c.id == user_id, *self._living).with_for_update(key_share=True)
        old = tx.execute(held).mappings().first()
        used = tx.execute(delete(self.tokens).where(self.tokens.c.token_hash == _hash(token))).rowcount == 1
        if old is None or not used or not old["is_active"]:
            return False
        tx.update(self.entry, user_id, Change("update", None, dict(values), old=dict(old)))
        return True

    def purge(self, tx: Transaction) -> bool:
        """Delete tokens that are too old; whether there may be more."""
        c = self.tokens.c
        old = select(c.id).where(c.expires_at <= utc_now()).limit(PURGED_AT_ONCE)
        return tx.execute(delete(self.tokens).where(c.id.in_(old))).rowcount == PURGED_AT_ONCE


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


__all__ = ["LEASE", "Letter", "Outbox", "mail_token_table", "outbox_table"]
