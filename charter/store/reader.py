"""One connection that reads an SQLite file over its driver, and the numbers that were counted over it."""

import sqlite3
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Select

from charter.store.faults import driver_error
from charter.store.prepared import Prepared

MOST_KNOWN = 2000
"""Numbers that a connection remembers."""

T = TypeVar("T")

Rows = Sequence[Sequence[Any]]
"""Rows as the driver has them: no type of SQLAlchemy's has looked at their values."""

Run = Callable[[sqlite3.Connection, str, Sequence[Any]], Rows]


class Reader:
    """A `Fetch` over a connection of its own; one transaction at a time.

    It remembers numbers for as long as nobody writes to the file, in this process or another: SQLite tells that each
    time (``PRAGMA data_version``), for the price of a look at a page that every transaction looks at anyway.
    """

    def __init__(
        self, connection: sqlite3.Connection, prepared: Callable[[Select[Any]], Prepared], run: Run | None = None
    ) -> None:
        self.connection = connection
        self._prepared = prepared
        self._run = run or _run
        self._known: dict[Hashable, int] = {}
        self._version = -1
        self._looked = False

    def transaction(self, work: Callable[["Reader"], T]) -> T:
        """The result of `work`, all of whose statements see one moment."""
        self._looked = False
        self.connection.execute("BEGIN")
        try:
            return work(self)
        finally:
            if self.connection.in_transaction:
                self.connection.rollback()  # nothing was written

    def __call__(self, statement: Select[Any], values: Mapping[str, Any]) -> Rows:
        """All rows of a statement."""
        return self._run(self.connection, *self._prepared(statement).filled(values))

    def known(self, statement: Select[Any], values: Mapping[str, Any]) -> int | None:
        """The number that was remembered for a statement, if it is still true."""
        return self._numbers().get(self._key(statement, values))

    def remember(self, statement: Select[Any], values: Mapping[str, Any], number: int) -> None:
        """Keep the number."""
        numbers = self._numbers()
        if len(numbers) >= MOST_KNOWN:
            numbers.clear()
        numbers[self._key(statement, values)] = number

    def _key(self, statement: Select[Any], values: Mapping[str, Any]) -> Hashable:
        marks = self._prepared(statement).marks
        found = (values.get(mark.name, mark.fixed) for mark in marks)
        return statement, *(tuple(value) if isinstance(value, list) else value for value in found)

    def _numbers(self) -> dict[Hashable, int]:
        """Those that are true in the moment that this transaction sees."""
        if not self._looked:
            ((version,),) = self._run(self.connection, "PRAGMA data_version", ())
            if version != self._version:
                self._known.clear()
                self._version = version
            self._looked = True
        return self._known


def _run(connection: sqlite3.Connection, text: str, bound: Sequence[Any]) -> Rows:
    try:
        return connection.execute(text, bound).fetchall()
    except sqlite3.Error as error:
        raise driver_error(error) from error


__all__ = ["Reader", "Rows"]
