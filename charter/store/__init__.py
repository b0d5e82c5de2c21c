"""The only module that waits for the database. One request, one transaction; the commit comes before the answer.

``read`` and ``write`` take a function of a :class:`Transaction` and run it in one transaction: begin, the function,
commit; any exception undoes everything. That is the whole unit of work.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, MetaData, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session

from charter.catalog import Catalog
from charter.errors import DatabaseException
from charter.settings import Settings
from charter.store.engines import READERS, async_engine, immediate, is_sqlite, sqlite_engine
from charter.store.faults import RetryError, translated
from charter.store.moves import move, perform
from charter.store.repository import Repository
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
        self._driver: _SqliteThreads | _Bridge = (
            _SqliteThreads(settings, metadata) if self.is_sqlite else _Bridge(self.engine, metadata)
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    async def read(self, work: Work[T]) -> T:
        """Run `work` in a transaction that only reads."""
        try:
            return await self._driver.run(lambda connection: self._guarded(connection, work), writes=False)
        except RetryError:
            raise DatabaseException("The database is busy.") from None

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction that may write; committed when this returns, undone when it raises."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._driver.run(lambda connection: self._guarded(connection, work), writes=True)
            except RetryError:
                log.info("transaction lost against another one", extra={"attempt": attempt})
                await asyncio.sleep(0.01 * attempt)
        raise DatabaseException("The database is busy.")

    def _guarded(self, connection: Connection, work: Work[T]) -> T:
        return work(Transaction(connection, self.catalog, self.settings))

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
        self._driver.close()
        await self.engine.dispose()


class ReadingSession(Session):
    """A session whose rows can be looked at, not changed."""


@event.listens_for(ReadingSession, "before_flush")
def _refuse(session: Session, _context: Any, _instances: Any) -> None:
    if session.new or session.dirty or session.deleted:
        msg = "this session only reads; writes go through serve"
        raise RuntimeError(msg)


class _SqliteThreads:
    """Runs transactions in threads of our own: one that writes, a few that read."""

    def __init__(self, settings: Settings, metadata: MetaData) -> None:
        self._metadata = metadata
        self._writer = sqlite_engine(settings, writer=True)
        self._readers = sqlite_engine(settings, writer=False)
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="charter-write")
        self._read_threads = ThreadPoolExecutor(READERS, thread_name_prefix="charter-read")

    async def run(self, work: Callable[[Connection], T], *, writes: bool) -> T:
        engine = self._writer if writes else self._readers
        threads = self._write_thread if writes else self._read_threads
        return await asyncio.get_running_loop().run_in_executor(threads, self._transaction, engine, work)

    def _transaction(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        with translated(self._metadata), engine.begin() as connection:
            return work(connection)

    def close(self) -> None:
        self._write_thread.shutdown()
        self._read_threads.shutdown()
        self._writer.dispose()
        self._readers.dispose()


class _Bridge:
    """Runs transactions on the event loop, over the asynchronous driver."""

    def __init__(self, engine: AsyncEngine, metadata: MetaData) -> None:
        self._engine = engine
        self._metadata = metadata

    async def run(self, work: Callable[[Connection], T], *, writes: bool) -> T:  # noqa: ARG002 # readers need no lock
        with translated(self._metadata):
            async with self._engine.begin() as connection:
                return await connection.run_sync(work)

    def close(self) -> None:
        """Nothing of its own to close."""


__all__ = ["Repository", "Row", "Store", "Transaction", "Work", "move", "perform"]
