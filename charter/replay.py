"""``Idempotency-Key``: a POST that is sent twice is done once, and both get the same answer.

The key is claimed, and the answer kept, in the transaction of the write itself. So a key without its write cannot be,
nor the other way round; it survives a restart, holds in every process, and is gone with a write that fails.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Column, Index, MetaData, bindparam, delete, select, text, update
from sqlalchemy import Table as SqlTable
from sqlalchemy.exc import DBAPIError

from charter.declare import Caller
from charter.errors import BadRequestException, ConflictException, FieldError, ValidationException
from charter.settings import Settings
from charter.store import Transaction
from charter.store.faults import LOCK_TIMEOUT, sqlstate
from charter.types import Identifier, Instant, Text, WholeNumber, utc_now, uuid7

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"

PURGED_AT_ONCE = 1_000
"""Old keys that one run of the purge deletes, so that it never holds up writes for long."""

_CLAIM = text(
    """
INSERT INTO idempotency_key (id, created_at, owner, key, path, content, status, body, access)
VALUES (:id, :now, :owner, :key, :path, :content, 0, '', '')
ON CONFLICT (owner, key) DO UPDATE
SET created_at = excluded.created_at, path = excluded.path, content = excluded.content,
    status = 0, row_id = NULL, body = '', access = ''
WHERE idempotency_key.created_at < :oldest
RETURNING id"""
).bindparams(
    bindparam("id", type_=Identifier()), bindparam("now", type_=Instant()), bindparam("oldest", type_=Instant())
)
"""SQLAlchemy would compile an insert with ON CONFLICT anew for each request; a text it compiles once."""

_VISIBLE = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Repeat:
    """What a request says by which its repeats are known: the header as sent, and the client's address."""

    header: str
    client: str

    def key(self, caller: Caller, path: str, raw: bytes) -> "Key":
        """The key of `caller` for this path and body; :class:`BadRequestException` for a header that is none.

        `path` is that of the resource, wherever a proxy has put the application.
        """
        text = self.header
        if len(text) > 1 and text[0] == text[-1] == '"':
            text = text[1:-1]
        if not _VISIBLE.fullmatch(text):
            error = FieldError(HEADER, "malformed", "must be 1 to 255 visible characters")
            raise BadRequestException(f"The {HEADER} header cannot be read.", errors=[error])
        owner = f"user {caller.id}" if caller.id is not None else f"address {self.client}"
        content = hashlib.sha256(path.encode() + b"\n" + raw).hexdigest()
        return Key(owner, text, path, content)


@dataclass(frozen=True, slots=True)
class Key:
    """A key, whose it is, and the request that it stands for: its path, and a digest of path and body."""

    owner: str
    text: str
    path: str
    content: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer that was given the first time; ``access``: the role and the policy that chose its fields."""

    row_id: UUID
    status: int
    body: str
    access: str


class Replays:
    """The table ``idempotency_key`` of one application, and what may happen in it."""

    def __init__(self, settings: Settings, metadata: MetaData) -> None:
        self.lifetime = timedelta(hours=settings.idempotency_hours)
        self.table = replay_table(metadata)
        c = self.table.c
        self._keep = update(self.table).where(c.owner == bindparam("for_owner"), c.key == bindparam("for_key"))

    def claim(self, tx: Transaction, key: Key) -> Kept | None:
        """Make the key this transaction's own (None), or find the answer that was kept under it.

        Waits for a twin that is under way; :class:`ConflictException` where that takes too long, and
        :class:`ValidationException` where the key stands for another request.
        """
        now = utc_now()
        mine = {"id": uuid7(), "now": now, "oldest": now - self.lifetime, "path": key.path, "content": key.content}
        try:
            claimed = tx.fetch(_CLAIM, {**mine, "owner": key.owner, "key": key.text})
        except DBAPIError as error:
            if sqlstate(error) != LOCK_TIMEOUT:
                raise
            message = "The first request with this key is still being worked on."
            raise ConflictException(message, code="idempotency_in_flight") from None
        if claimed:
            return None
        c = self.table.c
        found = tx.one(select(self.table).where(c.owner == key.owner, c.key == key.text))
        if found["content"] != key.content:
            raise _mismatch()
        return Kept(found["row_id"], found["status"], found["body"], found["access"])

    def keep(self, tx: Transaction, key: Key, answer: Kept) -> None:
        """Keep the answer under a claimed key."""
        values = {"row_id": answer.row_id, "status": answer.status, "body": answer.body, "access": answer.access}
        tx.hit(self._keep, {**values, "for_owner": key.owner, "for_key": key.text})

    def purge(self, tx: Transaction) -> bool:
        """Delete keys that are too old to be honoured; whether there may be more."""
        c = self.table.c
        old = select(c.id).where(c.created_at < utc_now() - self.lifetime).limit(PURGED_AT_ONCE)
        return tx.execute(delete(self.table).where(c.id.in_(old))).rowcount == PURGED_AT_ONCE


def _mismatch() -> ValidationException:
    error = FieldError(HEADER, "idempotency_mismatch", "was used for another request before")
    return ValidationException("The key stands for another request.", code=error.code, errors=[error])


def replay_table(metadata: MetaData) -> SqlTable:
    """The table ``idempotency_key``, made on the first call for its metadata."""
    if "idempotency_key" in metadata.tables:
        return metadata.tables["idempotency_key"]
    return SqlTable(
        "idempotency_key",
        metadata,
        Column("id", Identifier(), primary_key=True, default=uuid7),
        Column("created_at", Instant(), nullable=False),
        Column("owner", Text(60), nullable=False),
        Column("key", Text(255), nullable=False),
        Column("path", Text(300), nullable=False),
        Column("content", Text(64), nullable=False),
        Column("status", WholeNumber(), nullable=False),
        Column("row_id", Identifier()),
        Column("body", Text(), nullable=False),
        Column("access", Text(80), nullable=False),
        Index("uq_idempotency_key_owner_key", "owner", "key", unique=True),
        Index("ix_idempotency_key_created_at", "created_at"),
        Index("ix_idempotency_key_row_id", "row_id"),
    )
