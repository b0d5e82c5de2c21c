"""Transactions on SQLite, in threads of our own: one thread that writes, a few that read.

Whoever writes holds the whole file, and a commit waits for the disk. So writes that wait for their turn while another
one is under way are taken into its transaction, each in a savepoint of its own, and committed with it: the disk is
waited for once, and pages that they share are written once. None is answered before the commit, and what one of them
raises undoes that one alone.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

from sqlalchemy import Connection, MetaData

from charter.errors import DatabaseException
from charter.settings import Settings
from charter.store.engines import READERS, sqlite_engine
from charter.store.faults import translated

TOGETHER = 16
"""Writes that are committed together at most."""

TOGETHER_SECONDS = 0.05
"""How long after its beginning a transaction takes in more of them."""

T = TypeVar("T")


class SqliteReaders:
    """Runs reading transactions in threads."""

    def __init__(self, settings: Settings, metadata: MetaData) -> None:
        self._metadata = metadata
        self._engine = sqlite_engine(settings, writer=False)
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="charter-read")

    async def run(self, work: Callable[[Connection], T]) -> T:
        """The result of `work`, in a transaction of its own."""
        context = copy_context()  # it knows whose request it is in
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: context.run(self._transaction, work)
        )

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        with translated(self._metadata), self._engine.begin() as connection:
            return work(connection)

    def close(self) -> None:
        """End the threads, close the connections."""
        self._threads.shutdown()
        self._engine.dispose()


class _Job:
    """One write that waits for its turn or is under way; what comes of it is told after the commit."""

    def __init__(self, work: Callable[[Connection], Any]) -> None:
        self.future: Future[Any] = Future()
        self.result: Any = None
        self.error: BaseException | None = None
        self._work = work
        self._context = copy_context()  # it knows whose request it is in

    def run(self, connection: Connection) -> None:
        """Do the work."""
        self.result = self._context.run(self._work, connection)

    def tell(self) -> None:
        """Give whoever waits the result, or the error."""
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class SqliteWriter:
    """Runs writing transactions in one thread, first come, first served."""

    def __init__(self, settings: Settings, metadata: MetaData) -> None:
        self._metadata = metadata
        self._engine = sqlite_engine(settings, writer=True)
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._is_closed = False
        self._door = Lock()  # nothing is put behind the word to end, where nobody would take it

    async def run(self, work: Callable[[Connection], T]) -> T:
        """The result of `work` once it is committed; any exception undoes it."""
        job = _Job(work)
        with self._door:
            if self._is_closed:
                raise DatabaseException("The database is closed.")
            if self._thread is None:
                self._thread = Thread(target=self._serve, name="charter-write", daemon=True)
                self._thread.start()
            self._waiting.put(job)
        result: T = await asyncio.wrap_future(job.future)
        return result

    def _serve(self) -> None:
        """What the thread does, until it is told to end."""
        job = self._waiting.get()
        while job is not None:
            if job.future.set_running_or_notify_cancel():
                for done in self._transaction(job, TOGETHER):
                    done.tell()
            job = self._waiting.get()

    def _transaction(self, first: _Job, most: int) -> list[_Job]:
        """One transaction of `first`, and of those that wait by the time it is done; all of them may be told then."""
        jobs, ends = [first], time.monotonic() + TOGETHER_SECONDS
        try:
            with translated(self._metadata), self._engine.begin() as connection:
                first.run(connection)
                while len(jobs) < most and time.monotonic() < ends and (job := self._next()) is not None:
                    jobs.append(job)
                    self._part(connection, job)
        except BaseException as error:  # noqa: BLE001 # whoever waits has to hear of it
            first.error = error
            if len(jobs) > 1:  # nothing of it is in force, whoever's fault it is: each by itself, then
                for job in jobs:
                    job.error = None
                    self._transaction(job, 1)
        return jobs

    def _next(self) -> _Job | None:
        """The next one that waits, if there is one; those that were given up meanwhile are passed over."""
        while True:
            try:
                job = self._waiting.get_nowait()
            except Empty:
                return None
            if job is None:
                self._waiting.put(None)  # the thread has to end, but not within a transaction
                return None
            if job.future.set_running_or_notify_cancel():
                return job

    def _part(self, connection: Connection, job: _Job) -> None:
        """Do a write that fails by itself."""
        part = connection.begin_nested()
        try:
            with translated(self._metadata):
                job.run(connection)
        except BaseException as error:  # noqa: BLE001 # told when the others are committed: it may be their doing
            part.rollback()  # fails where SQLite has given up the whole transaction, as on a full disk
            job.error = error
        else:
            part.commit()

    def close(self) -> None:
        """Let what waits be done, end the thread, close the connection."""
        with self._door:
            self._is_closed = True
            self._waiting.put(None)
        if self._thread is not None:
            self._thread.join()
        self._engine.dispose()


__all__ = ["SqliteReaders", "SqliteWriter"]
