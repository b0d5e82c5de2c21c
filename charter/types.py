"""The types of columns and how they are stored, so that a row can become JSON without passing through Python objects.

SQLite keeps an id as 36-character text and a time as ISO text of 27 characters with ``Z`` (both sort as they should);
PostgreSQL keeps its own ``uuid`` and ``timestamptz``. Text compares by code point on both.
"""

import os
import re
import time
from contextlib import suppress
from datetime import UTC, date, datetime
from enum import Enum
from math import isfinite
from typing import Annotated, Any
from uuid import UUID

import phonenumbers
from pydantic import AfterValidator, BeforeValidator, Strict, StringConstraints, WithJsonSchema
from pydantic import Field as PydanticField
from sqlalchemy import JSON, BigInteger, DateTime, Integer, String, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
MONEY_MAX = 10**12
"""Largest amount, in minor units: times 9,999 pieces and 100 lines it still fits 64 bits."""

_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def utc_now() -> datetime:
    """The present moment, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)


def time_text(moment: datetime) -> str:
    """`moment` in the one form that Charter writes: ``2026-11-22T20:52:13.762773Z``. A naive one is taken as UTC."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.isoformat(timespec="microseconds").replace("+00:00", "Z")


def uuid7() -> UUID:
    """A UUID of version 7 (RFC 9562, method 3): it sorts by the time of its making to about a quarter microsecond."""
    nanoseconds = time.time_ns()
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    fraction = (rest << 12) // 1_000_000
    tail = int.from_bytes(os.urandom(8)) & (2**62 - 1)
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (fraction << 64) | (0x2 << 62) | tail)


class Identifier(TypeDecorator[UUID]):
    """A UUID: 36-character text on SQLite, ``uuid`` on PostgreSQL."""

    impl = String(36)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Uuid() if dialect.name == "postgresql" else String(36))

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:  # noqa: ARG002 # SQLAlchemy's face
        return value if value is None or isinstance(value, UUID) else UUID(value)


class Instant(TypeDecorator[datetime]):
    """An aware moment in UTC: ISO text with ``Z`` on SQLite, ``timestamptz`` on PostgreSQL."""

    impl = String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(DateTime(timezone=True) if dialect.name == "postgresql" else String(27))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return value.astimezone(UTC) if dialect.name == "postgresql" else time_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 # same
        if value is None or isinstance(value, datetime):
            return value
        return datetime.fromisoformat(value)


class Text(TypeDecorator[str]):
    """Text of at most `length` characters; PostgreSQL is told to compare it by code point, as SQLite does."""

    impl = String
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(String(self.length, collation=collation))

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 # SQLAlchemy's face
        found: str | None = value.value if isinstance(value, Enum) else value
        return found


class WholeNumber(TypeDecorator[int]):
    """A 64-bit integer on both databases."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())


def json_type() -> TypeEngine[Any]:
    """A JSON document: text on SQLite, ``jsonb`` on PostgreSQL."""
    return JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def clean_text(value: str) -> str:
    """Refuse what no database can keep: NUL (PostgreSQL) and lone surrogates (UTF-8)."""
    if "\x00" in value:
        msg = "must not contain NUL characters"
        raise ValueError(msg)
    try:
        value.encode()
    except UnicodeEncodeError:
        msg = "must be valid Unicode text"
        raise ValueError(msg) from None
    return value


def _storable(value: Any) -> Any:
    """Refuse a document with a part that no database can keep: such text as above, NaN, infinities."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float) and not isfinite(value):
        msg = "must not contain NaN or infinite numbers"
        raise ValueError(msg)
    for part in (*value, *value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ():
        _storable(part)
    return value


def _iso_time(value: Any) -> Any:
    """Take only text (or a datetime) for a moment: pydantic's lax mode would read the number 0.5 as one."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or len(value) < len("2026-01-01T00:00") or value[4] != "-":
        msg = "must be an ISO 8601 date and time with an offset"
        raise ValueError(msg)
    return value


def _to_utc(value: datetime) -> datetime:
    """Bring a moment to UTC; one at the very edge of the calendar has no UTC form and is refused."""
    if value.tzinfo is None:
        msg = "must have an offset, such as Z"
        raise ValueError(msg)
    try:
        found = value.astimezone(UTC)
    except OverflowError:
        found = _LAST
    if not _FIRST < found < _LAST:  # asyncpg takes both ends of the calendar for infinity
        msg = "is out of range"
        raise ValueError(msg)
    return found


def _iso_date(value: Any) -> Any:
    """Take only text (or a date) for a day: pydantic's lax mode would read the number 0 as one."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or len(value) != len("2026-01-01") or value[4] != "-":
        msg = "must be an ISO 8601 date"
        raise ValueError(msg)
    return value


def _inner_day(value: date) -> date:
    if not date.min < value < date.max:
        msg = "is out of range"
        raise ValueError(msg)
    return value


CleanText = AfterValidator(clean_text)
"""Validator for every text that comes from outside."""

Moment = Annotated[
    datetime,
    Strict(strict=False),  # after a validator of ours, strict pydantic would take no text
    BeforeValidator(_iso_time),
    AfterValidator(_to_utc),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-22T20:52:13.762773Z"]}),
]
"""An aware datetime as it is taken from requests."""

Day = Annotated[date, Strict(strict=False), BeforeValidator(_iso_date), AfterValidator(_inner_day)]
"""A date as it is taken from requests."""

CleanDocument = AfterValidator(_storable)
"""Validator for every JSON document that comes from outside."""

Money = Annotated[
    int,
    PydanticField(ge=0, le=MONEY_MAX),
    WithJsonSchema(
        {
            "type": "integer",
            "format": "money",
            "minimum": 0,
            "maximum": MONEY_MAX,
            "description": "An amount in minor units of the currency: 1999 is 19.99 where the currency has two digits.",
            "examples": [1999],
        }
    ),
]
"""An amount of money in minor units (cents), never a float."""

Amount = Annotated[
    int,
    WithJsonSchema(
        {"type": "integer", "format": "money", "description": "An amount in minor units, computed.", "examples": [1999]}
    ),
]
"""A computed amount: amounts added up or multiplied have no bound of its own."""

Slug = Annotated[str, StringConstraints(max_length=80)]
"""A name for URLs, made from another field by ``from_field``."""


_PHONE = re.compile(r"\s*\+[0-9\s().\-/]+")


def _e164(value: str) -> str:
    """A telephone number in E.164 form; ValueError for what is none. It has to be given with its country code."""
    number = None
    if _PHONE.fullmatch(value):  # the library would drop any other character, and extensions with it
        with suppress(phonenumbers.NumberParseException):
            number = phonenumbers.parse(value, None)
    possible = phonenumbers.ValidationResult.IS_POSSIBLE  # and not only within its town
    if number is None or phonenumbers.is_possible_number_with_reason(number) != possible:
        msg = "must be a telephone number with its country code, such as +4915112345678"
        raise ValueError(msg)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


Phone = Annotated[
    str,
    StringConstraints(max_length=40),
    CleanText,
    AfterValidator(_e164),
    WithJsonSchema({"type": "string", "maxLength": 40, "examples": ["+4915112345678"]}),
]
"""A telephone number, kept in E.164 form whatever way it was written."""

__all__ = [
    "INT64_MAX",
    "INT64_MIN",
    "MONEY_MAX",
    "Amount",
    "CleanDocument",
    "CleanText",
    "Day",
    "Identifier",
    "Instant",
    "Moment",
    "Money",
    "Phone",
    "Slug",
    "Text",
    "WholeNumber",
    "clean_text",
    "json_type",
    "time_text",
    "utc_now",
    "uuid7",
]
