"""Reads, the way that costs least on each database: a function of `Fetch` in, whatever it makes of the rows out.

SQLite: the driver itself. A *brief* read is tried at once, on the event loop, because a hop to a thread costs more than
it does; when it takes more than a millisecond or so of work, or has a statement that nobody has prepared yet, it is
given up and done in a thread, as is everything else, with one hop for all of its statements. PostgreSQL: SQLAlchemy's
connection, over the asynchronous driver.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, MetaData, Select
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from charter.errors import DatabaseException
from charter.settings import Settings
from charter.store.engines import READERS, open_reader
from charter.store.faults import driver_error, translated, uncommitted
from charter.store.prepared import Prepared, Preparer
from charter.store.reader import Reader, Rows

STEP = 1000
"""Instructions of SQLite's machine between two looks at how many more there may be."""

STEPS = 20
"""Looks that a read on the event loop may last: about a millisecond, where no instruction is a costly function."""

MOST_SECONDS = 0.002
"""Processor time that it may last: where they are. What others take meanwhile is not counted."""

FIRST_REST, LONGEST_REST = 0.25, 60.0
"""Seconds that a statement that was given up is done in threads at once, before it is tried again. The first time it
may only have met a cold file, so it gets twice as long each time that it is given up again."""

MOST_LONG = 1000
"""Such statements that are remembered."""

T = TypeVar("T")


class Fetch(Protocol):
    """Runs one statement of a read, with its values bound, and gives all of its rows."""

    def __call__(self, statement: Select[Any], values: Mapping[str, Any]) -> Rows:
        """All rows."""

    def known(self, statement: Select[Any], values: Mapping[str, Any]) -> int | None:
        """The number that was remembered for a statement; None where none was, or anybody has written since."""

    def remember(self, statement: Select[Any], values: Mapping[str, Any], number: int) -> None:
        """Keep what a statement that counts came to, in the moment that this read sees."""


class Reads(Protocol):
    """Where reads run. What is `brief` may run on the event loop."""

    def run(self, work: Callable[[Fetch], T], *, brief: bool) -> Awaitable[T]:
        """The result of `work`, all of whose statements see one moment."""

    def at_once(self, statement: Select[Any], values: Mapping[str, Any]) -> Rows | None:
        """All rows of one brief statement, at once; None where that cannot be, and `rows` has to be waited for."""

    def rows(self, statement: Select[Any], values: Mapping[str, Any]) -> Awaitable[Rows]:
        """All rows of one statement, which sees one moment by itself."""

    def close(self) -> None:
        """Give back what was opened."""


class SqliteReads:
    """Reads over the driver. No two threads use a connection at once: one takes it for a read, and puts it back."""

    def __init__(self, settings: Settings, metadata: MetaData) -> None:
        self._settings = settings
        self._metadata = metadata
        self._preparer = Preparer(sqlite.dialect())
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="charter-fetch")
        self._idle: list[Reader] = []
        self._here: Reader | None = None
        self._left = 0
        self._ends = 0.0
        self._long: dict[str, _Rest] = {}

    async def run(self, work: Callable[[Fetch], T], *, brief: bool) -> T:
        if brief:
            try:
                with translated(self._metadata):
                    return self._ready_reader().transaction(work)
            except (_TooLongError, DatabaseException):
                pass  # or the file is locked for a moment: in a thread it can be waited for
        return await self._waited(lambda reader: reader.transaction(work))

    def at_once(self, statement: Select[Any], values: Mapping[str, Any]) -> Rows | None:
        try:
            with translated(self._metadata):
                return self._ready_reader()(statement, values)
        except (_TooLongError, DatabaseException):
            return None

    def rows(self, statement: Select[Any], values: Mapping[str, Any]) -> Awaitable[Rows]:
        return self._waited(lambda reader: reader(statement, values))

    def _waited(self, work: Callable[[Reader], T]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, self._in_thread, work)

    def _ready_reader(self) -> Reader:
        """On the event loop: over a connection that waits for nobody and gives up what takes long from now on."""
        if self._here is None:
            self._here = Reader(_opened(self._settings, waits=False), self._ready, self._brief)
            self._here.connection.set_progress_handler(self._is_used_up, STEP)
        self._left, self._ends = STEPS, time.thread_time() + MOST_SECONDS
        return self._here

    def _is_used_up(self) -> bool:
        self._left -= 1
        return self._left < 0 or time.thread_time() > self._ends

    def _ready(self, statement: Select[Any]) -> Prepared:
        """A statement that was prepared before, in a thread."""
        found = self._preparer.known(statement)
        if found is None:
            raise _TooLongError
        return found

    def _brief(self, connection: sqlite3.Connection, text: str, bound: Sequence[Any]) -> Rows:
        """A statement on the event loop."""
        rest = self._long.get(text) if self._long else None
        if rest is not None and rest.until > time.monotonic():
            raise _TooLongError
        try:
            rows = connection.execute(text, bound).fetchall()
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_INTERRUPT:
                raise driver_error(error) from error
            if len(self._long) >= MOST_LONG:
                self._long.clear()
            self._long[text] = _rest(FIRST_REST if rest is None else min(2 * rest.seconds, LONGEST_REST))
            raise _TooLongError from None
        if rest is not None:
            del self._long[text]
        return rows

    def _in_thread(self, work: Callable[[Reader], T]) -> T:
        with translated(self._metadata):
            reader = self._idle.pop() if self._idle else self._waiting()
            try:
                return work(reader)
            finally:
                self._idle.append(reader)

    def _waiting(self) -> Reader:
        """A reader for a thread, which may wait for a lock."""
        return Reader(_opened(self._settings, waits=True), self._preparer.prepared)

    def close(self) -> None:
        self._threads.shutdown()
        for reader in (*self._idle, *((self._here,) if self._here else ())):
            reader.connection.close()


@dataclass(frozen=True, slots=True)
class _Rest:
    """How long a statement is left to the threads, and until when by the monotonic clock."""

    seconds: float
    until: float


def _rest(seconds: float) -> _Rest:
    return _Rest(seconds, time.monotonic() + seconds)


class _TooLongError(Exception):
    """A read that has no place on the event loop."""


def _opened(settings: Settings, *, waits: bool) -> sqlite3.Connection:
    try:
        return open_reader(settings, waits=waits)
    except sqlite3.Error as error:
        raise driver_error(error) from error


class BridgedReads:
    """Reads on the event loop, over the asynchronous driver."""

    def __init__(self, engine: AsyncEngine, metadata: MetaData) -> None:
        self._engine = engine
        self._metadata = metadata

    async def run(self, work: Callable[[Fetch], T], *, brief: bool) -> T:  # noqa: ARG002 # nothing is in anybody's way
        with translated(self._metadata):
            async with self._engine.begin() as connection:
                with uncommitted():
                    return await connection.run_sync(lambda plain: work(_Bridged(plain)))

    def at_once(self, statement: Select[Any], values: Mapping[str, Any]) -> Rows | None:  # noqa: ARG002
        """Never: there is always somebody to wait for."""
        return None

    def rows(self, statement: Select[Any], values: Mapping[str, Any]) -> Awaitable[Rows]:
        return self.run(lambda fetch: fetch(statement, values), brief=False)

    def close(self) -> None:
        """Nothing of its own to close."""


class _Bridged:
    """A fetch of one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self, statement: Select[Any], values: Mapping[str, Any]) -> Rows:
        return self._connection.execute(statement, values).all()

    def known(self, statement: Select[Any], values: Mapping[str, Any]) -> int | None:  # noqa: ARG002
        """Nothing tells here whether anybody has written."""
        return None

    def remember(self, statement: Select[Any], values: Mapping[str, Any], number: int) -> None:
        """Nothing is."""


__all__ = ["BridgedReads", "Fetch", "Reads", "Rows", "SqliteReads"]
