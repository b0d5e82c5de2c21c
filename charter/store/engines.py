"""How each database is driven.

SQLite: one thread writes (``BEGIN IMMEDIATE``, first come, first served), a few read; a whole transaction is one hop to
a thread, where SQLAlchemy's aiosqlite would hop for every step. PostgreSQL: asyncpg, the same functions run over it by
SQLAlchemy's greenlet bridge. Sessions for the admin and for hand-written routes use the asynchronous engine of each.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from charter.settings import Settings

BUSY_SECONDS = 10
"""How long a connection waits for another process's write before it is told that the database is busy."""

LOCK_SECONDS = 5
"""How long a statement waits for a row that another transaction holds (PostgreSQL)."""

CONNECTIONS = 15
"""Connections to PostgreSQL per process; it allows 100 in all where nobody changed that."""

READERS = 4
"""Reader threads per process; the interpreter lock makes more of them useless."""

MAPPED_BYTES = 256 * 1024 * 1024
"""How much of the file a reading connection sees as memory, instead of copying each page that it looks at."""

KEPT_STATEMENTS = 256
"""Statements that a reading connection keeps ready to run."""

immediate: ContextVar[bool] = ContextVar("immediate", default=False)
"""Whether transactions of the asynchronous SQLite engine take the write lock at their beginning."""


def fold(text: str | None) -> str | None:
    """`text` for comparing without regard to case, in any script. SQLite's own lower() knows ASCII only.

    The same steps as on PostgreSQL (in `plugins.filtering`), so that both find the same rows.
    """
    return (
        None
        if text is None
        else text.lower().upper().lower().replace("\N{GREEK SMALL LETTER FINAL SIGMA}", "\N{GREEK SMALL LETTER SIGMA}")
    )


def number_text(number: float | None) -> str | None:
    """`number` as JSON, with as many digits as tell it from its neighbours."""
    return None if number is None else repr(float(number))


def whole_text(high: int | None, low: int) -> str | None:
    """``high * 2**32 + low`` as JSON: a sum that may be too large for the 64 bits of SQLite's own numbers."""
    return None if high is None else str((high << 32) + low)


FUNCTIONS: tuple[tuple[Callable[..., Any], int], ...] = ((fold, 1), (number_text, 1), (whole_text, 2))
"""What SQLite is taught, with the number of arguments of each."""


def is_sqlite(url: str) -> bool:
    """Whether `url` names an SQLite database."""
    return make_url(url).get_backend_name() == "sqlite"


def sqlite_file(url: str) -> Path:
    """The file of an SQLite URL."""
    return Path(make_url(url).database or "")


def sqlite_engine(settings: Settings, *, writer: bool) -> Engine:
    """A synchronous engine on the SQLite file: one connection that writes, or `READERS` that cannot."""
    url = URL.create("sqlite", database=str(sqlite_file(settings.database_url)))
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=1 if writer else READERS,
        max_overflow=0,
        connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS, "isolation_level": None},
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        _prepare(connection, settings, writes=writer, wait=BUSY_SECONDS)

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine


def open_reader(settings: Settings, *, waits: bool) -> sqlite3.Connection:
    """A connection of the driver that cannot write; unless it `waits`, a locked file is an error at once."""
    file, wait = sqlite_file(settings.database_url), BUSY_SECONDS if waits else 0
    connection = sqlite3.connect(
        file, wait, isolation_level=None, check_same_thread=False, cached_statements=KEPT_STATEMENTS
    )
    _prepare(connection, settings, writes=False, wait=wait)
    return connection


def _prepare(connection: sqlite3.Connection, settings: Settings, *, writes: bool, wait: int) -> None:
    for function, arguments in FUNCTIONS:
        connection.create_function(function.__name__, arguments, function, deterministic=True)
    own = ("query_only=OFF",) if writes else ("query_only=ON", f"mmap_size={MAPPED_BYTES}")
    for pragma in (*_pragmas(settings, wait), *own):
        connection.execute(f"PRAGMA {pragma}")


def async_engine(settings: Settings) -> AsyncEngine:
    """The asynchronous engine: all work on PostgreSQL, sessions on SQLite."""
    if not is_sqlite(settings.database_url):
        return _postgresql_engine(settings)
    engine = create_async_engine(
        settings.database_url, connect_args={"timeout": BUSY_SECONDS, "isolation_level": None}, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        for function, arguments in FUNCTIONS:
            connection.create_function(function.__name__, arguments, function, deterministic=True)
        cursor = connection.cursor()
        for pragma in _pragmas(settings, BUSY_SECONDS):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate.get() else "BEGIN")

    return engine


def _postgresql_engine(settings: Settings) -> AsyncEngine:
    """A pool of asyncpg's connections. The driver hears by itself when one is closed, so that none has to be pinged."""
    engine = create_async_engine(
        settings.database_url,
        pool_size=CONNECTIONS,
        max_overflow=0,  # opening one more for a moment costs more than waiting for one
        pool_timeout=BUSY_SECONDS,
        hide_parameters=True,
        connect_args={
            "timeout": BUSY_SECONDS,
            "command_timeout": 30,
            "server_settings": {"lock_timeout": f"{LOCK_SECONDS}s"},
        },
    )

    @event.listens_for(engine.sync_engine, "checkout")
    def check(connection: Any, _record: Any, _proxy: Any) -> None:
        if connection.driver_connection.is_closed():
            raise DisconnectionError  # the pool opens another one

    return engine


@cache
def _trust() -> str:
    """``OFF``, unless this SQLite then forbids triggers to fill a full-text index (up to 3.40 it does)."""
    with closing(sqlite3.connect(":memory:")) as probe:
        try:
            probe.executescript(_PROBE)
        except sqlite3.OperationalError:
            return "ON"
    return "OFF"


_PROBE = """
PRAGMA trusted_schema=OFF; CREATE TABLE t (a); CREATE VIRTUAL TABLE s USING fts5(a);
CREATE TRIGGER i AFTER INSERT ON t BEGIN INSERT INTO s (a) VALUES (new.a); END; INSERT INTO t VALUES ('a');
"""


def _pragmas(settings: Settings, wait: int) -> tuple[str, ...]:
    return (
        f"busy_timeout={wait * 1000}",
        "journal_mode=WAL",
        f"synchronous={settings.sqlite_synchronous}",
        "foreign_keys=ON",
        f"trusted_schema={_trust()}",
        "temp_store=MEMORY",
        f"journal_size_limit={64 * 1024 * 1024}",
    )
