"""The only module that waits for the database. One request, one transaction; the commit comes before the answer.

``read`` and ``write`` take a function of a :class:`Transaction` and run it in one transaction: begin, the function,
commit; any exception undoes everything. That is the whole unit of work.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, MetaData, Select, event, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session
from sqlalchemy.util import greenlet_spawn

from charter.catalog import Catalog
from charter.errors import DatabaseException
from charter.settings import Settings
from charter.store.engines import BUSY_SECONDS, CONNECTIONS, async_engine, immediate, is_sqlite
from charter.store.faults import RetryError, translated, uncommitted
from charter.store.moves import move, perform
from charter.store.prepared import Preparer
from charter.store.reading import BridgedReads, Fetch, Reads, Rows, SqliteReads
from charter.store.repository import Repository
from charter.store.statements import BridgedStatements, DriverStatements, Statements
from charter.store.threads import SqliteReaders, SqliteWriter
from charter.store.transaction import Row, Transaction

log = logging.getLogger("charter.store")
T = TypeVar("T")
Work = Callable[[Transaction], T]

ATTEMPTS = 5
"""How often a transaction is run when it keeps losing against others on PostgreSQL."""


class Store:
    """The database of one application. Made at start without I/O; :meth:`close` gives back what it opened."""

    def __init__(self, settings: Settings, catalog: Catalog, metadata: MetaData) -> None:
        self.settings = settings
        self.catalog = catalog
        self.metadata = metadata
        self.is_sqlite = is_sqlite(settings.database_url)
        self.engine = async_engine(settings)
        self._writer: SqliteWriter | _Bridge
        self._reader: SqliteReaders | _Bridge
        self._still: SqliteReaders | _Bridge
        self._reads: Reads
        self._preparer = Preparer(sqlite.dialect()) if self.is_sqlite else None
        if self.is_sqlite:
            self._writer = SqliteWriter(settings, metadata)
            # A transaction of SQLite sees one moment anyway.
            self._reader = self._still = SqliteReaders(settings, metadata)
            self._reads = SqliteReads(settings, metadata)
        else:
            # Each statement of a reading transaction sees a moment of its own there: it may as well do without.
            plain = self.engine.execution_options(isolation_level="AUTOCOMMIT")
            frozen = self.engine.execution_options(isolation_level="REPEATABLE READ")
            turns = asyncio.Semaphore(CONNECTIONS)
            self._writer, self._reader, self._still = (
                _Bridge(item, metadata, turns) for item in (self.engine, plain, frozen)
            )
            self._reads = BridgedReads(plain, metadata)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    async def read(self, work: Work[T], *, still: bool = False) -> T:
        """Run `work`, which only reads; `still`: all its statements see one moment."""
        reader = self._still if still else self._reader
        return await _again(lambda: reader.run(lambda connection: work(self._transaction(connection))))

    async def fetch(self, work: Callable[[Fetch], T], *, brief: bool = False) -> T:
        """Run `work`, which fetches rows as the driver has them.

        `brief` where it is likely to take less than a millisecond, and can be given up on the way where it does not.
        """
        return await _again(lambda: self._reads.run(work, brief=brief))

    async def rows(self, statement: Select[Any], values: Mapping[str, Any], *, brief: bool = False) -> Rows:
        """All rows of one statement, as the driver has them; `brief` as for :meth:`fetch`."""
        if brief and (found := self._reads.at_once(statement, values)) is not None:
            return found
        return await _again(lambda: self._reads.rows(statement, values))

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction that may write; committed when this returns, undone when it raises."""
        result, told = await _again(lambda: self._writer.run(lambda connection: self._write(connection, work)))
        for tell in told:
            tell()
        return result

    def _transaction(self, connection: Connection) -> Transaction:
        statements: Statements = BridgedStatements(connection)
        if self._preparer is not None:
            driver: Any = connection.connection.driver_connection
            statements = DriverStatements(driver, self._preparer)
        return Transaction(connection, statements, self.catalog, self.settings)

    def _write(self, connection: Connection, work: Work[T]) -> tuple[T, list[Callable[[], None]]]:
        tx = self._transaction(connection)
        result = work(tx)
        tx.finish()
        return result, tx.told

    async def ping(self) -> bool:
        """Whether the database answers."""
        try:
            await self.read(lambda tx: tx.execute(text("SELECT 1")).scalar_one())
        except DatabaseException:
            return False
        return True

    @asynccontextmanager
    async def session(self, *, writes: bool) -> AsyncIterator[AsyncSession]:
        """An ORM session for hand-written routes: committed at the end, rolled back on any error."""
        token = immediate.set(writes)
        try:
            with translated(self.metadata):
                async with self._sessions() as session, session.begin():
                    yield session
        except RetryError:  # whoever holds the session has to try again from the beginning
            raise DatabaseException("The database is busy.") from None
        finally:
            immediate.reset(token)

    def reading_sessions(self) -> async_sessionmaker[AsyncSession]:
        """A factory of sessions that refuse to write: every flush with a change in it raises."""
        return async_sessionmaker(self.engine, expire_on_commit=False, sync_session_class=ReadingSession)

    async def close(self) -> None:
        """Close every connection and thread."""
        self._writer.close()
        self._reader.close()
        self._reads.close()
        await self.engine.dispose()


class ReadingSession(Session):
    """A session whose rows can be looked at, not changed."""


@event.listens_for(ReadingSession, "before_flush")
def _refuse(session: Session, _context: Any, _instances: Any) -> None:
    if session.new or session.dirty or session.deleted:
        msg = "this session only reads; writes go through serve"
        raise RuntimeError(msg)


class _Bridge:
    """Runs transactions on the event loop, over the asynchronous driver: a whole one is one way over the bridge."""

    def __init__(self, engine: AsyncEngine, metadata: MetaData, turns: asyncio.Semaphore) -> None:
        self._engine = engine
        self._metadata = metadata
        self._turns = turns  # first come, first served; the pool alone would let newcomers push in

    async def run(self, work: Callable[[Connection], T]) -> T:
        try:
            await asyncio.wait_for(self._turns.acquire(), BUSY_SECONDS)
        except TimeoutError:
            raise DatabaseException("The database is busy.") from None
        try:
            return await greenlet_spawn(self._transaction, work)
        finally:
            self._turns.release()

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        with translated(self._metadata), self._engine.sync_engine.begin() as connection, uncommitted():
            return work(connection)

    def close(self) -> None:
        """Nothing of its own to close."""


async def _again(run: Callable[[], Awaitable[T]]) -> T:
    """Run a transaction, and again where it lost against another one, or lost its connection before the commit."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await run()
        except RetryError as error:
            log.info("the transaction is run again", extra={"attempt": attempt, "reason": str(error)})
            await asyncio.sleep(0.01 * attempt)
    raise DatabaseException("The database is busy.")


__all__ = ["Fetch", "Repository", "Row", "Store", "Transaction", "Work", "move", "perform"]
