"""How a transaction runs statements that are made once: straight over SQLite's driver, or over SQLAlchemy's connection.

SQLAlchemy's execution looks a statement up, binds, and wraps what comes back; on SQLite that takes several times as
long as the statement itself, while every other writer waits.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import Connection, Executable, Table, insert
from sqlalchemy.exc import StatementError

from charter.store.faults import driver_error
from charter.store.prepared import Prepared, Preparer

Values = Mapping[str, Any]


class Statements(Protocol):
    """The statements of one transaction. Each is one object, made once, with its values bound by name."""

    def fetch(self, statement: Executable, values: Values) -> Sequence[Sequence[Any]]:
        """The rows as the driver has them."""

    def rows(self, statement: Executable, values: Values) -> list[dict[str, Any]]:
        """The rows as Python values by name."""

    def hit(self, statement: Executable, values: Values) -> int:
        """How many rows the statement wrote; an update without values of its own sets the columns that are named."""

    def insert(self, table: Table, rows: Sequence[Values]) -> None:
        """Write rows, all with values for the same columns."""


class DriverStatements:
    """On SQLite."""

    def __init__(self, connection: sqlite3.Connection, preparer: Preparer) -> None:
        self._connection = connection
        self._preparer = preparer

    def fetch(self, statement: Executable, values: Values) -> Sequence[Sequence[Any]]:
        return self._run(self._preparer.prepared(statement), values)[0]

    def rows(self, statement: Executable, values: Values) -> list[dict[str, Any]]:
        prepared = self._preparer.prepared(statement)
        return [prepared.row(found) for found in self._run(prepared, values)[0]]

    def hit(self, statement: Executable, values: Values) -> int:
        return self._run(self._preparer.prepared(statement, tuple(values)), values)[1]

    def insert(self, table: Table, rows: Sequence[Values]) -> None:
        prepared = self._preparer.insert(table, tuple(rows[0]))
        with _told():
            text, first = prepared.filled(rows[0])
            self._connection.executemany(text, [first, *(prepared.bound(row) for row in rows[1:])])

    def _run(self, prepared: Prepared, values: Values) -> tuple[list[Sequence[Any]], int]:
        with _told():
            done = self._connection.execute(*prepared.filled(values))
            return done.fetchall(), done.rowcount


@contextmanager
def _told() -> Iterator[None]:
    """Errors as SQLAlchemy would raise them."""
    try:
        yield
    except sqlite3.Error as error:
        raise driver_error(error) from error
    except (TypeError, ValueError) as error:
        raise StatementError(str(error), "", (), error) from error


class BridgedStatements:
    """On PostgreSQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def fetch(self, statement: Executable, values: Values) -> Sequence[Sequence[Any]]:
        return self._connection.execute(statement, values).all()

    def rows(self, statement: Executable, values: Values) -> list[dict[str, Any]]:
        return [dict(row) for row in self._connection.execute(statement, values).mappings()]

    def hit(self, statement: Executable, values: Values) -> int:
        return self._connection.execute(statement, values).rowcount

    def insert(self, table: Table, rows: Sequence[Values]) -> None:
        self._connection.execute(insert(table), rows)


__all__ = ["BridgedStatements", "DriverStatements", "Statements"]
