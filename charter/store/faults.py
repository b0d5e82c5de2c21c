"""What a database says went wrong, as a refusal with a stable code. No SQL, no value of a row, ever gets out."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Index, MetaData, UniqueConstraint
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from charter.errors import ApiException, ConflictException, DatabaseException, FieldError, ValidationException

LOCK_TIMEOUT = "55P03"
"""PostgreSQL: somebody else held the row for too long."""

RETRIABLE = {"40001", "40P01"}
"""PostgreSQL's serialization failure and deadlock: the same work, run again, may succeed."""

_SQLITE_UNIQUE = re.compile(r"UNIQUE constraint failed: (.+)")
_SQLITE_CHECK = re.compile(r"CHECK constraint failed: (\w+)")


LOST = ("08", "57P")
"""How the states begin that PostgreSQL, or its driver, gives to a connection that is at its end."""


class RetryError(Exception):
    """The transaction lost against another one, or lost its connection before the commit; it may be run again."""


class translated:  # noqa: N801 # reads as what it does, like those of contextlib, which take three times as long
    """Turn the driver's errors inside the block into :class:`ApiException`; `metadata` names the constraints."""

    def __init__(self, metadata: MetaData) -> None:
        self.metadata = metadata

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        found = None if error is None else _translated(error, self.metadata)
        if found is not None:
            raise found from None


def _translated(error: BaseException, metadata: MetaData) -> Exception | None:
    """What to raise in the place of `error`; None where it says enough, or is none of the database's."""
    if isinstance(error, IntegrityError):
        return integrity(error, metadata)
    if isinstance(error, DBAPIError):
        return _failure(error)
    if isinstance(error, PoolTimeoutError):
        return DatabaseException("The database is busy.")
    unkept = isinstance(error, StatementError) and isinstance(
        error.orig, OverflowError | UnicodeEncodeError | ValueError | TypeError
    )
    if unkept or isinstance(error, UnicodeEncodeError):  # sqlite3 says so itself
        return ValidationException("A value cannot be kept by the database.")
    if isinstance(error, OverflowError):
        return ValidationException("A number is out of range.")
    return DatabaseException("The database is away.") if isinstance(error, OSError) else None


@contextmanager
def uncommitted() -> Iterator[None]:
    """Around everything before the commit: what loses its connection in here is undone by the database."""
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated or sqlstate(error).startswith(LOST):
            raise RetryError("the connection was lost") from None
        raise
    except ConnectionError:
        raise RetryError("the connection was lost") from None


def driver_error(error: sqlite3.Error) -> Exception:
    """The driver's error as SQLAlchemy would raise it; without the statement and its values."""
    found: Exception = DBAPIError.instance("", (), error, sqlite3.Error, hide_parameters=True)
    return found


def _failure(error: DBAPIError) -> Exception:
    state = sqlstate(error)
    text = str(error.orig)
    if state in RETRIABLE:
        return RetryError(state)
    if state == LOCK_TIMEOUT or "database is locked" in text or "database table is locked" in text:
        return DatabaseException("The database is busy.")
    if state.startswith("22") or "too large" in text or "out of range" in text or "embedded null" in text:
        return ValidationException("A value cannot be kept by the database.")
    if error.connection_invalidated or state.startswith(("08", "53", "57")) or _is_away(text):
        return DatabaseException("The database is away.")
    return error


def _is_away(text: str) -> bool:
    return any(part in text for part in ("unable to open database", "disk I/O error", "database or disk is full"))


def integrity(error: IntegrityError, metadata: MetaData) -> ApiException:
    """A broken constraint as 409 (or 422 for a CHECK), pointing at its columns."""
    text = str(error.orig)
    state = sqlstate(error)
    columns = _columns(error, metadata)
    if state == "23505" or "UNIQUE constraint failed" in text:
        return conflict("unique", columns, "is taken already")
    if state == "23503" or "FOREIGN KEY constraint failed" in text:
        return conflict("foreign_key", columns, "refers to something that is not there, or is still referred to")
    found = _SQLITE_CHECK.search(text)
    name = _constraint(error) or (found.group(1) if found else "")
    detail = "breaks a rule of the table" + (f" ({name})" if name else "")
    return ValidationException("A value breaks a rule of the table.", errors=[FieldError("", "check", detail)])


def conflict(code: str, columns: list[str], detail: str) -> ConflictException:
    """409 with one entry for each column."""
    return ConflictException(code=code, errors=[FieldError(f"/{name}", code, detail) for name in columns])


def sqlstate(error: DBAPIError) -> str:
    """The five characters by which PostgreSQL classes an error; empty on SQLite."""
    return str(getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None) or "")


def _constraint(error: DBAPIError) -> str:
    cause: Any = error.orig.__cause__ if error.orig is not None else None
    return str(getattr(cause, "constraint_name", None) or "")


def _columns(error: IntegrityError, metadata: MetaData) -> list[str]:
    found = _SQLITE_UNIQUE.search(str(error.orig))
    if found:
        return [part.strip().split(".")[-1] for part in found.group(1).split(",")]
    name = _constraint(error)
    for table in metadata.tables.values():
        named: list[Any] = [*table.indexes, *table.constraints]
        for item in named:
            if item.name == name and isinstance(item, Index | UniqueConstraint):
                return [column.name for column in item.columns]
        for key in table.foreign_key_constraints:
            if key.name == name:
                return list(key.column_keys)
    return []
