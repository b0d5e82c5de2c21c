"""Notices: short rows that tell every process whose sign-ins or account have changed, in the order of the commits.

A notice is written in the transaction that it tells of, as its last statement. So there is none without its change,
nor the other way round, and whoever has read a notice sees everything that was noted before it.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Column, MetaData, delete, func, insert, select
from sqlalchemy import Table as SqlTable

from charter.store import Transaction
from charter.types import Identifier, Instant, WholeNumber, utc_now

KEPT = timedelta(hours=1)
"""How long a notice stays. Who has not looked for longer forgets everything, and so misses nothing."""

NOTICE_LOCK = 0x63686E
"""Key of PostgreSQL's advisory lock: notices are numbered and committed one after the other."""

Listener = Callable[[UUID], None]


def notice_table(metadata: MetaData) -> SqlTable:
    """The table ``account_notice``, made on the first call for `metadata`.

    ``subject`` is the id of an account, or of a sign-in; ids of the two never meet.
    """
    if "account_notice" in metadata.tables:
        return metadata.tables["account_notice"]
    return SqlTable(
        "account_notice",
        metadata,
        Column("id", WholeNumber(), primary_key=True),
        Column("created_at", Instant(), nullable=False, default=utc_now),
        Column("subject", Identifier(), nullable=False),
    )


class Notices:
    """The notices of one application."""

    def __init__(self, metadata: MetaData) -> None:
        self.table = notice_table(metadata)
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Call `listener` in this process with the subject of each change, as soon as it is committed."""
        self._listeners.append(listener)

    def tell(self, tx: Transaction, subject: UUID) -> None:
        """Note that an account or a sign-in is changed by this transaction."""
        tx.before_commit(("notice", subject), lambda last: self._write(last, subject))
        tx.after_commit(lambda: self._hear(subject))

    def _hear(self, subject: UUID) -> None:
        for listener in self._listeners:
            listener(subject)

    def _write(self, tx: Transaction, subject: UUID) -> None:
        if tx.connection.dialect.name == "postgresql":
            # Numbers are drawn before a commit and seen after it; without the lock a reader could pass one by.
            tx.execute(select(func.pg_advisory_xact_lock(NOTICE_LOCK)))
        tx.execute(insert(self.table).values(created_at=utc_now(), subject=subject))

    def newest(self, tx: Transaction) -> int:
        """The number of the last notice, 0 before the first."""
        return tx.execute(select(func.max(self.table.c.id))).scalar_one() or 0

    def since(self, tx: Transaction, seen: int) -> Sequence[tuple[int, UUID]] | None:
        """The notices after number `seen`; None where that one is gone, so that others may have gone unread."""
        c = self.table.c
        rows = tx.execute(select(c.id, c.subject).where(c.id >= seen).order_by(c.id)).all()
        found = [(row.id, row.subject) for row in rows]
        if seen == 0:
            return found if not found or found[0][0] == 1 else None
        return found[1:] if found and found[0][0] == seen else None

    def purge(self, tx: Transaction) -> bool:
        """Delete old notices, never the newest: numbers go on from it."""
        c = self.table.c
        newest = select(func.max(c.id)).scalar_subquery()
        tx.execute(delete(self.table).where(c.created_at < utc_now() - KEPT, c.id < newest))
        return False


__all__ = ["KEPT", "Listener", "Notices", "notice_table"]
