"""How each database is driven.

SQLite: one thread writes (``BEGIN IMMEDIATE``, first come, first served), a few read; a whole transaction is one hop to
a thread, where SQLAlchemy's aiosqlite would hop for every step. PostgreSQL: asyncpg, the same functions run over it by
SQLAlchemy's greenlet bridge. Sessions for the admin and for hand-written routes use the asynchronous engine of each.
"""

import sqlite3
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from charter.settings import Settings

BUSY_SECONDS = 10
"""How long a connection waits for another process's write before it is told that the database is busy."""

READERS = 4
"""Reader threads per process; the interpreter lock makes more of them useless."""

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
        for function in (fold, number_text):
            connection.create_function(function.__name__, 1, function, deterministic=True)
        for pragma in (*_pragmas(settings), f"query_only={'OFF' if writer else 'ON'}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine


def async_engine(settings: Settings) -> AsyncEngine:
    """The asynchronous engine: all work on PostgreSQL, sessions on SQLite."""
    if not is_sqlite(settings.database_url):
        return create_async_engine(
            settings.database_url,
            pool_size=10,
            max_overflow=10,
            pool_timeout=BUSY_SECONDS,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"timeout": BUSY_SECONDS, "command_timeout": 30},
        )
    engine = create_async_engine(
        settings.database_url, connect_args={"timeout": BUSY_SECONDS, "isolation_level": None}, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        for function in (fold, number_text):
            connection.create_function(function.__name__, 1, function, deterministic=True)
        cursor = connection.cursor()
        for pragma in _pragmas(settings):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate.get() else "BEGIN")

    return engine


def _pragmas(settings: Settings) -> tuple[str, ...]:
    return (
        f"busy_timeout={BUSY_SECONDS * 1000}",
        "journal_mode=WAL",
        f"synchronous={settings.sqlite_synchronous}",
        "foreign_keys=ON",
        "trusted_schema=OFF",
        "temp_store=MEMORY",
        f"journal_size_limit={64 * 1024 * 1024}",
    )
